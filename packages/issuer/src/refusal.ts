/**
 * A member of an object itself or of its class. Members of `Object.prototype` are ignored, because a vulnerable dependency may have
 * polluted it.
 */
export const own = (object: object, name: PropertyKey): unknown =>
  has(object, name) ? (object as Readonly<Record<PropertyKey, unknown>>)[name] : undefined

/** Whether an object has a member that `own` would read, even if its value is `undefined`. */
export const has = (object: object, name: PropertyKey): boolean => {
  if (Object.hasOwn(object, name)) return true
  const prototype: unknown = Object.getPrototypeOf(object)
  return typeof prototype === 'object' && prototype !== null && !isRoot(prototype) && has(prototype, name)
}

/**
 * Copies options into an object without a prototype, so that they can be read safely: every member of the object itself, and those
 * of its class that are in `names`. Getters are called once.
 */
export const ownOptions = <T extends object>(options: T, names: readonly string[]): T => {
  const copy = bare<object>({ ...options }) as Record<string, unknown>
  for (const name of names) {
    if (!(name in copy) && has(options, name)) copy[name] = own(options, name)
  }
  return copy as T
}

/** Removes the prototype of an object and returns it. Only for objects created for this call. */
export const bare = <T extends object>(object: T): T => Object.setPrototypeOf(object, null) as T

// The Object.prototype of this realm or of another one, such as a test environment's.
const isRoot = (prototype: object): boolean =>
  prototype === Object.prototype ||
  (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf'))

const LONGEST = 80

/** Makes untrusted text safe for a message: JSON-escaped on one line, shortened, with possible credentials hidden. */
export const quote = (text: string): string =>
  escaped(
    JSON.stringify(text.length > LONGEST ? `${withoutCredentials(text).slice(0, LONGEST)}…` : withoutCredentials(text)),
  )

/** Makes an untrusted name, such as a field of an AWS response, safe for a message. Adds no quotation marks. */
export const printable = (text: string): string => escaped(withoutCredentials(text))

// Control characters, bidirectional and invisible marks, line separators and lone surrogates: terminals and log viewers interpret
// them, and JSON.stringify does not escape most of them.
const escaped = (text: string): string =>
  text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, (character) =>
    character
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  )

// Three long parts, like a JWT, or one long word of token characters. Key IDs and thumbprints have up to 64 characters.
const CREDENTIAL = /(?:[\w-]{16,}\.){2}[\w.-]*|eyJ[\w-]{8,}\.[\w.-]*|[\w-]{65,}|[A-Za-z0-9+/]{65,}|[\w.~+/-]{100,}/g

const withoutCredentials = (text: string): string => text.slice(0, 4 * LONGEST).replaceAll(CREDENTIAL, '[hidden]')

/**
 * Creates the error for a wrong argument: action, rule, found, in one sentence.
 *
 * Never pass key material as `found`: the message quotes strings.
 */
export const refusal = (action: string, rule: string, found: unknown, cause?: unknown): TypeError =>
  new TypeError(`Cannot ${action}: ${rule}, found ${describe(found)}`, cause === undefined ? undefined : { cause })

/** Like `refusal`, for values that may be secret: it states only the length of a string. */
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
