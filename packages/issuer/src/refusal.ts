/**
 * The member of an object that its author wrote: its own, or one of its class. Members of `Object.prototype`, where a vulnerable
 * dependency may have put anything, do not count.
 */
export const own = (object: object, name: PropertyKey): unknown =>
  has(object, name) ? (object as Readonly<Record<PropertyKey, unknown>>)[name] : undefined

/** Whether an object has a member as `own` sees it, be it `undefined`. */
export const has = (object: object, name: PropertyKey): boolean => {
  if (Object.hasOwn(object, name)) return true
  const prototype: unknown = Object.getPrototypeOf(object)
  return typeof prototype === 'object' && prototype !== null && !isRoot(prototype) && has(prototype, name)
}

/**
 * A copy of options that inherits nothing, so that it can be read plainly: every member of the object itself, and those of its class that
 * are among `names`. Getters are called once.
 */
export const ownOptions = <T extends object>(options: T, names: readonly string[]): T => {
  const copy = bare<object>({ ...options }) as Record<string, unknown>
  for (const name of names) {
    if (!(name in copy) && has(options, name)) copy[name] = own(options, name)
  }
  return copy as T
}

/** The object itself, from now on without a prototype. Only for objects made for it. */
export const bare = <T extends object>(object: T): T => Object.setPrototypeOf(object, null) as T

// That of this realm, or of another one, such as a test environment's.
const isRoot = (prototype: object): boolean =>
  prototype === Object.prototype ||
  (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf'))

const LONGEST = 80

/** Untrusted text as it may stand in a message: JSON-escaped on one line, shortened, and without what may be a credential. */
export const quote = (text: string): string =>
  escaped(
    JSON.stringify(text.length > LONGEST ? `${withoutCredentials(text).slice(0, LONGEST)}…` : withoutCredentials(text)),
  )

/** A name from elsewhere, such as a field of an answer of AWS, without quotation marks. */
export const printable = (text: string): string => escaped(withoutCredentials(text.slice(0, 4 * LONGEST)))

// Controls, marks that turn the direction of text or show as nothing, line separators and halves of characters: terminals and log readers
// obey them, and JSON.stringify leaves most as they are.
const escaped = (text: string): string =>
  text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, (character) =>
    character
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  )

// Three long parts, as of a JWT, or a long word of the characters of tokens. Key IDs and thumbprints have up to 64 characters.
const CREDENTIAL = /(?:[\w-]{16,}\.){2}[\w.-]*|eyJ[\w-]{8,}\.[\w.-]*|[\w-]{65,}|[A-Za-z0-9+/]{65,}|[\w.~+/-]{100,}/g

const withoutCredentials = (text: string): string => text.slice(0, 4 * LONGEST).replaceAll(CREDENTIAL, '[hidden]')

/**
 * The error for a wrong argument: action, rule, found, in one sentence.
 *
 * Never pass it key material as `found`: strings are quoted in the message.
 */
export const refusal = (action: string, rule: string, found: unknown, cause?: unknown): TypeError =>
  new TypeError(`Cannot ${action}: ${rule}, found ${describe(found)}`, cause === undefined ? undefined : { cause })

/** The same, for what may be secret: of a string it tells the length alone. */
export const discreetRefusal = (action: string, rule: string, found: unknown): TypeError =>
  new TypeError(`Cannot ${action}: ${rule}, found ${typeof found === 'string' ? measure(found) : describe(found)}`)

const describe = (found: unknown): string => {
  if (typeof found === 'string') return quote(found)
  if (typeof found === 'number' || typeof found === 'boolean' || found === undefined || found === null)
    return String(found)
  if (Array.isArray(found)) return found.length === 0 ? 'an empty array' : `an array of ${found.length}`
  if (typeof found !== 'object') return `a ${typeof found}`
  const kind = Object.prototype.toString.call(found).slice(8, -1)
  return kind === 'Object' ? 'an object' : `${/^[AEIO]/.test(kind) ? 'an' : 'a'} ${kind}`
}

const measure = (text: string): string => (text === '' ? 'an empty string' : `a string of length ${text.length}`)
