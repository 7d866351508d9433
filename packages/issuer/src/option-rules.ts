import { bare, discreetRefusal, has, own, ownOptions, quote, refusal } from './refusal.ts'

// The names that other libraries use for the same options.
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

/** The words that messages use for the options. */
interface KnownOptions {
  /** @defaultValue 'option' */
  readonly noun?: 'option' | 'member'
  /** The parent option that contains these. */
  readonly name?: string
}

/**
 * Rejects unknown options, so that a typo does not silently apply a default.
 *
 * @throws TypeError that suggests the right name, or lists the known names.
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
  // The caller of a Lambda function chooses the member names: without escaping, a name could inject a line into the log.
  const found = `there is no ${noun} ${quote(`${name === undefined ? '' : `${name}.`}${unknown}`)}`
  throw new TypeError(`Cannot ${action}: ${found}${suggestion(unknown, known, noun)}`)
}

/**
 * Rejects unknown options and returns a copy without a prototype, so that a polluted `Object.prototype` cannot supply a missing
 * option.
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

// The Levenshtein distance.
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
 * Accepts a function or `undefined`.
 *
 * @throws TypeError that names the option
 */
export const assertFunction = (action: string, name: string, value: unknown): void => {
  if (value !== undefined && typeof value !== 'function')
    throw discreetRefusal(action, `"${name}" must be a function`, value)
}

/**
 * Accepts a clock with this method, or `undefined`.
 *
 * @throws TypeError that names the option
 */
export const assertClock = (action: string, clock: unknown, method: 'now' | 'monotonic'): void => {
  if (clock === undefined) return
  if (typeof clock !== 'object' || clock === null || typeof own(clock, method) !== 'function')
    throw discreetRefusal(action, `"clock" must be an object with a function "${method}"`, clock)
}

/**
 * Rejects options that are explicitly `undefined`, such as a key that failed to load: omitting them would be less secure than any
 * value.
 *
 * @throws TypeError that names the option
 */
export const assertNotMissing = (action: string, options: object, names: readonly string[]): void => {
  for (const name of names)
    if (has(options, name) && own(options, name) === undefined)
      throw new TypeError(`Cannot ${action}: "${name}" must not be undefined: give it a value, or leave it out`)
}

/**
 * Accepts a whole number of seconds from `min` to `max`, inclusive.
 *
 * @throws TypeError that names the option, the range, and the value found.
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
