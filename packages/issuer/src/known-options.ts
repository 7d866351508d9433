import { bare, ownOptions } from './own.ts'
import { quote } from './quote.ts'
import { discreetRefusal } from './refusal.ts'

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
export interface KnownOptions {
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
