import { discreetRefusal, has, own, ownOptions, quote, refusal } from './refusal.ts'
import type { Rule } from './rules.ts'

/** Rules by name. With a type argument, there is one for each of its members. */
export type Rules<T extends object = Readonly<Record<string, unknown>>> = Readonly<Record<keyof T & string, Rule>>

/**
 * Checks the members that have a rule.
 *
 * @throws TypeError that names the member, its rule and the value found.
 */
export const checkMembers = (action: string, members: object, rules: Rules, parent = ''): void => {
  for (const [name, { must, accepts, secret: hidden }] of Object.entries(rules)) {
    const value = own(members, name)
    if (!accepts(value)) throw (hidden ? discreetRefusal : refusal)(action, `"${parent}${name}" must ${must}`, value)
  }
}

/** Options after their defaults `D` were filled in. */
export type Filled<T extends object, D extends object> = Omit<T, keyof D> & {
  readonly [name in keyof D & keyof T]-?: Exclude<T[name], undefined>
}

/**
 * Reads options: rejects unknown names and wrong values, and fills in the defaults. The result inherits nothing, so a polluted
 * `Object.prototype` supplies none of its members. Getters are called once.
 *
 * @throws TypeError that names the option, its rule and the value found.
 */
export const readOptions = <T extends object, D extends { readonly [name in keyof T]?: unknown }>(
  action: string,
  given: T,
  rules: Rules<T>,
  defaults: D,
  parent = '',
): Filled<T, D> => {
  const options = knownOptions(action, given, Object.keys(rules), parent)
  for (const [name, value] of Object.entries(defaults)) {
    if (own(options, name) === undefined) Object.assign(options, { [name]: value })
  }
  checkMembers(action, options, rules, parent)
  return options as unknown as Filled<T, D>
}

/**
 * Rejects options that are explicitly `undefined`, such as a key that failed to load: leaving them out would be less secure than
 * any value.
 *
 * @throws TypeError that names the option.
 */
export const assertNotMissing = (action: string, options: object, names: readonly string[]): void => {
  const missing = names.find((name) => has(options, name) && own(options, name) === undefined)
  if (missing !== undefined)
    throw new TypeError(`Cannot ${action}: "${missing}" must not be undefined: give it a value, or leave it out`)
}

/**
 * Copies an object without its prototype, so that a polluted `Object.prototype` supplies no member, and rejects unknown names, so
 * that a typo does not silently apply a default.
 *
 * @throws TypeError that suggests the right name, or lists the known names.
 */
export const knownOptions = <T extends object>(
  action: string,
  given: T,
  known: readonly string[],
  parent = '',
  noun: 'option' | 'member' = 'option',
): T => {
  if (Object.prototype.toString.call(given) !== '[object Object]')
    throw discreetRefusal(action, `${parent === '' ? `${noun}s` : `"${parent.slice(0, -1)}"`} must be an object`, given)
  const unknown = Object.keys(given).find((name) => !known.includes(name))
  if (unknown === undefined) return ownOptions(given, known)
  // The caller of a Lambda function chooses the member names: without escaping, a name could inject a line into the log.
  const found = `there is no ${noun} ${quote(`${parent}${unknown}`)}`
  throw new TypeError(`Cannot ${action}: ${found}; ${suggestion(unknown, known, noun)}`)
}

// What other libraries call an option.
const OTHER_NAMES: readonly (readonly [option: string, others: string])[] = [
  ['algorithm', 'alg'],
  ['audience', 'aud'],
  ['issuer', 'iss issuerbaseurl issuerurl'],
  ['keys', 'jwk key privatekey signingkey'],
  ['kid', 'keyid'],
  ['overlap.clockTolerance', 'clocktolerance'],
  ['overlap.publishAhead', 'publishahead'],
  ['setIat', 'iat issuedat'],
  ['setJti', 'jti jwtid'],
  ['subject', 'sub'],
  ['ttl', 'exp expirationtime expiresin expiry lifetime'],
  ['typ', 'type'],
]

const suggestion = (name: string, known: readonly string[], noun: string): string => {
  const wanted = plain(name)
  const [other = ''] = OTHER_NAMES.find(([, others]) => others.split(' ').includes(wanted)) ?? []
  const [first = '', last] = other.split('.')
  const close =
    (last !== undefined && known.includes(first) ? other : undefined) ??
    known.find((candidate) => candidate === other || plain(candidate) === wanted) ??
    known.find((candidate) => distance(plain(candidate), wanted) * 3 <= wanted.length)
  return close === undefined ? `the ${noun}s are ${known.join(', ')}` : `did you mean "${close}"?`
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
