import { bare, discreetRefusal, has, own, ownOptions, quote, refusal } from './refusal.ts'

// What other libraries call the same thing.
const OTHER_NAMES: Readonly<Record<string, string>> = bare({
  alg: 'algorithm',
  aud: 'audience',
  clocktolerance: 'overlap.clockTolerance',
  exp: 'ttl',
  expirationtime: 'ttl',
  expiresin: 'ttl',
  expiry: 'ttl',
  iat: 'setIat',
  iss: 'issuer',
  issuedat: 'setIat',
  issuerbaseurl: 'issuer',
  issuerurl: 'issuer',
  jti: 'setJti',
  jwk: 'keys',
  jwtid: 'setJti',
  key: 'keys',
  keyid: 'kid',
  lifetime: 'ttl',
  privatekey: 'keys',
  publishahead: 'overlap.publishAhead',
  signingkey: 'keys',
  sub: 'subject',
  type: 'typ',
})

/** What messages call the options. */
interface KnownOptions {
  /** @defaultValue 'option' */
  readonly noun?: 'option' | 'member'
  /** The option that holds these. */
  readonly name?: string
}

/**
 * Refuses options that do not exist, so that a typo does not leave a default in force.
 *
 * @throws TypeError that suggests the name, or else lists the names there are.
 */
const assertKnownOptions = (
  action: string,
  options: unknown,
  known: readonly string[],
  words: KnownOptions = {},
): void => {
  const { noun = 'option', name } = ownOptions(words, [])
  if (Object.prototype.toString.call(options) !== '[object Object]')
    throw discreetRefusal(action, `${name === undefined ? `${noun}s` : `"${name}"`} must be an object`, options)
  const unknown = Object.keys(options as object).find((option) => !known.includes(option))
  if (unknown === undefined) return
  // A member of an event is named by a stranger: escaped, it cannot begin a line of its own in a log.
  const found = `there is no ${noun} ${quote(`${name === undefined ? '' : `${name}.`}${unknown}`)}`
  throw new TypeError(`Cannot ${action}: ${found}${suggestion(unknown, known, noun)}`)
}

/**
 * Options as they may be read: none that does not exist, and a copy without a prototype, so that nothing on `Object.prototype` stands in for
 * one that is left out.
 *
 * @throws TypeError as `assertKnownOptions`
 */
export const knownOptions = <T extends object>(
  action: string,
  options: T,
  known: readonly string[],
  words: KnownOptions = {},
): T => {
  assertKnownOptions(action, options, known, words)
  return ownOptions(options, known)
}

const suggestion = (name: string, known: readonly string[], noun: string): string => {
  const other = OTHER_NAMES[plain(name)]
  const [first = '', last] = other?.split('.') ?? []
  const close =
    (last !== undefined && known.includes(first) ? other : undefined) ??
    known.find((candidate) => candidate === other || plain(candidate) === plain(name)) ??
    known.find((candidate) => distance(plain(candidate), plain(name)) * 3 <= name.length)
  return close === undefined ? `; the ${noun}s are ${known.join(', ')}` : `; did you mean "${close}"?`
}

// Letters to insert, delete or replace.
const distance = (from: string, to: string): number => {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (const [i, letter] of from.split('').entries()) {
    const next = [i + 1]
    for (const [j, other] of to.split('').entries())
      next.push(Math.min((next[j] ?? 0) + 1, (row[j + 1] ?? 0) + 1, (row[j] ?? 0) + (letter === other ? 0 : 1)))
    row = next
  }
  return row.at(-1) ?? 0
}

const plain = (name: string): string =>
  name
    .slice(0, 40)
    .toLowerCase()
    .replaceAll(/[^a-z]/g, '')
    .replace(/([^s])s$/, '$1')

/**
 * A function, or nothing.
 *
 * @throws TypeError that names the option
 */
export const assertFunction = (action: string, name: string, value: unknown): void => {
  if (value !== undefined && typeof value !== 'function')
    throw discreetRefusal(action, `"${name}" must be a function`, value)
}

/**
 * A clock with this method, or nothing.
 *
 * @throws TypeError that names the option
 */
export const assertClock = (action: string, clock: unknown, method: 'now' | 'monotonic'): void => {
  if (clock === undefined) return
  if (typeof clock !== 'object' || clock === null || typeof own(clock, method) !== 'function')
    throw discreetRefusal(action, `"clock" must be an object with a function "${method}"`, clock)
}

/**
 * Refuses options that are given as `undefined` where leaving them out means something weaker than any value of them: a key that went missing.
 *
 * @throws TypeError that names the option
 */
export const assertNotMissing = (action: string, options: object, names: readonly string[]): void => {
  for (const name of names)
    if (has(options, name) && own(options, name) === undefined)
      throw new TypeError(`Cannot ${action}: "${name}" must not be undefined: give it a value, or leave it out`)
}

/**
 * A whole number of seconds within the range, ends included.
 *
 * @throws TypeError that names the option, the range, and what was found.
 */
export const assertSeconds = (
  action: string,
  name: string,
  value: unknown,
  { min, max }: { readonly min: number; readonly max: number },
): void => {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return
  throw refusal(action, `"${name}" must be a whole number of seconds from ${min} to ${max}`, value)
}
