import { ownOptions } from '../model/own.ts'
import { isOptions, misconfigured } from './misconfigured.ts'
import { quote } from './quote.ts'

/**
 * Refuses what cannot hold options, and option names that do not exist: a typo cannot disable a check.
 *
 * @param path - what stands before each name in messages, such as `keySet.`
 * @throws TypeError
 */
export function assertKnownOptions(action: string, options: object, known: readonly string[], path = ''): void {
  if (!isOptions(options))
    throw misconfigured(
      action,
      path === '' ? 'give an object with options' : `"${path.slice(0, -1)}" must be an object with options`,
      options,
    )
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue
    // Windows spells it Path.
    if (Object.keys(options).some((variable) => /^(?:JWT_\w+|PATH)$/i.test(variable)))
      throw misconfigured(
        action,
        'an environment holds no options: give optionsFromEnv(process.env), or of that object',
      )
    throw misconfigured(action, `there is no option ${quote(`${path}${name}`)}; ${suggestion(name, known, path)}`)
  }
}

/**
 * Options that were checked by `assertKnownOptions`, copied by `ownOptions`.
 *
 * @throws TypeError
 */
export function knownOptions<T extends object>(action: string, given: T, known: readonly string[]): T {
  assertKnownOptions(action, given, known)
  return ownOptions(given, known)
}

// What other libraries call an option of ours, without capitals and a plural's s; and what to know about ours.
const OTHER_NAMES: readonly (readonly [name: string, others: string, note?: string])[] = [
  ['issuer', 'iss issuerbaseurl domain authority trustedissuer'],
  ['audience', 'aud clientaudience resource apiidentifier'],
  ['algorithms', 'alg tokensigningalg'],
  ['jwksUri', 'jwkurl jwkuri jwksendpoint keyseturl keyset_url'],
  ['publicKey', 'key cert certificate pem secretorkey secretorpublickey', ', or "secret"'],
  ['keys', 'getkey secretorkeyprovider secretprovider keyprovider keyfunc'],
  ['clientId', 'azp appid cid client'],
  ['clockTolerance', 'clockskew leeway skew clockskewinsecond clocktolerancesec'],
  ['maxAge', 'maxtokenage'],
  ['tokenTypes', 'typ'],
  ['requiredClaims', 'subject sub claimstovalidate'],
  ['checks', 'isrevoked validator validate'],
  ['credentials', 'gettoken jwtfromrequest extractor cookie cookiename header'],
  ['optional', 'credentialsrequired authrequired', ', which says the opposite'],
  ['requirement', 'requiredscope scope'],
  ['keySet.fetchesPerMinute', 'jwksrequestsperminute ratelimit'],
  ['keySet.freshFor', 'cachemaxage jwkscachettl'],
  ['keySet.cooldown', 'cooldownduration'],
  ['keySet.timeout', 'timeoutduration requesttimeout'],
  ['onEvent', 'logger'],
]

function suggestion(name: string, known: readonly string[], path: string): string {
  const [other, note] = otherName(name)
  const [first = '', last = first] = other.split('.')
  if (known.includes(last)) return `did you mean "${path}${last}"${note}?`
  if (known.includes(first)) return `did you mean "${other}"?`
  if (other === 'requirement') return 'what a token must grant is a requirement, such as scope("orders:read")'
  const near = nearestName(name, known, 'typos')
  if (near !== undefined) return `did you mean "${path}${near}"?`
  return known.length < 10
    ? `the options are ${known.join(', ')}`
    : 'take it out: the README has a table of all options'
}

function otherName(name: string): readonly [name: string, note: string] {
  const [other = '', , note = ''] =
    OTHER_NAMES.find(([, others]) => others.split(' ').map(plain).includes(plain(name))) ?? []
  return [other, note]
}

/**
 * The known name that another one is a typo of, by letters to insert, delete or replace; or, with `others`, that it is another word for.
 * Capitals and what is neither letter nor digit do not matter.
 */
export function nearestName(name: string, known: readonly string[], by: 'typos' | 'others'): string | undefined {
  const [other] = by === 'others' ? otherName(name) : ['']
  const named = known.find((candidate) => other !== '' && plain(candidate) === plain(other))
  if (named !== undefined) return named
  const [close] = known
    .map((candidate) => [distance(plain(name), plain(candidate)), candidate] as const)
    .filter(([edits]) => edits * 3 <= name.length)
    .toSorted(([a], [b]) => a - b)
  return close?.[1]
}

function plain(name: string): string {
  return name
    .slice(0, 40)
    .toLowerCase()
    .replaceAll(/[^a-z]/g, '')
    .replace(/s$/, '')
}

// Levenshtein's: letters to insert, delete or replace.
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (const [i, letter] of from.split('').entries()) {
    const next = [i + 1]
    for (const [j, other] of to.split('').entries())
      next.push(Math.min((next[j] ?? 0) + 1, (row[j + 1] ?? 0) + 1, (row[j] ?? 0) + (letter === other ? 0 : 1)))
    row = next
  }
  return row.at(-1) ?? 0
}
