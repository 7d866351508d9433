import { bare, ownOptions } from './own.ts'

// What other libraries call the same thing.
const OTHER_NAMES: Readonly<Record<string, string>> = bare({
  alg: 'algorithm',
  aud: 'audience',
  exp: 'ttl',
  expirationtime: 'ttl',
  expiresin: 'ttl',
  iat: 'setIat',
  iss: 'issuer',
  issuedat: 'setIat',
  jti: 'setJti',
  jwtid: 'setJti',
  lifetime: 'ttl',
  sub: 'subject',
  type: 'typ',
})

/**
 * Refuses options that do not exist, so that a slip of the pen does not leave a default in force.
 *
 * @throws TypeError that suggests the name, or else lists the names there are.
 */
export const assertKnownOptions = (
  action: string,
  options: unknown,
  known: readonly string[],
  noun: 'option' | 'member' = 'option',
): void => {
  if (typeof options !== 'object' || options === null)
    throw new TypeError(`Cannot ${action}: ${noun}s must be an object`)
  const unknown = Object.keys(options).find((name) => !known.includes(name))
  if (unknown === undefined) return
  // A member of an event is named by a stranger: escaped, it cannot begin a line of its own in a log.
  const found = `there is no ${noun} ${JSON.stringify(unknown.slice(0, 80))}`
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
  noun: 'option' | 'member' = 'option',
): T => {
  assertKnownOptions(action, options, known, noun)
  return ownOptions(options, known)
}

const suggestion = (name: string, known: readonly string[], noun: string): string => {
  const other = OTHER_NAMES[plain(name)]
  const close = known.find((candidate) => candidate === other || plain(candidate) === plain(name))
  return close === undefined ? `; the ${noun}s are ${known.join(', ')}` : `; did you mean "${close}"?`
}

const plain = (name: string): string =>
  name
    .toLowerCase()
    .replaceAll(/[^a-z]/g, '')
    .replace(/s$/, '')
