// What other libraries call an option, in lower case and without a plural s, and an optional note. The first row whose option is allowed
// here is used.
const OTHER_NAMES: readonly (readonly [option: string, others: string, note?: string])[] = [
  ['issuer', 'iss issuerbaseurl issueruri issuerurl domain authority trustedissuer allowediss'],
  ['issuer', 'userpoolid', ', such as https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_example'],
  ['audience', 'aud clientaudience resource apiidentifier allowedaud'],
  ['algorithms', 'alg tokensigningalg allowedalg'],
  ['jwksUri', 'jwkurl jwkuri jwksendpoint jwkseturi keyseturl jwksetendpoint'],
  ['publicKey', 'key cert certificate pem secretorkey secretorpublickey', ', or "secret"'],
  ['keys', 'getkey secretorkeyprovider secretprovider keyprovider keyfunc keystore jwksclient'],
  ['clientId', 'azp appid cid client allowedclient'],
  ['clockTolerance', 'clockskew leeway skew clockskewinsecond clocktolerancesec graceseconds'],
  ['clock', 'currentdate clocktimestamp now'],
  ['maxAge', 'maxtokenage'],
  ['tokenTypes', 'typ checktyp'],
  ['idTokens', 'allowidtoken'],
  ['requiredClaims', 'tokenuse', ', such as { token_use: "access" }'],
  ['requiredClaims', 'subject sub allowedsub claimstovalidate assertclaim'],
  ['checks', 'isrevoked revoked validator validate customjwtcheck trusted'],
  ['tokenCache', 'cache'],
  ['tokenCache.maxAge', 'cachettl tokencachettl'],
  ['tokenCache.maxEntries', 'cachesize maxcachesize'],
  ['credentials', 'gettoken jwtfromrequest extractor extracttoken cookie cookiename header headername tokenkey'],
  ['optional', 'credentialsrequired authrequired', ', which says the opposite'],
  ['optional', 'passthrough allowanon allowanonymous'],
  ['onReject', 'onexpired onerror onunauthorized unauthorizedhandler errorhandler'],
  ['requirement', 'requiredscope scope permission requiredpermission role group'],
  ['keySet.fetchesPerMinute', 'jwksrequestsperminute ratelimit'],
  ['keySet.freshFor', 'cachemaxage jwkscachemaxage jwkscachettl'],
  ['keySet.cooldown', 'cooldownduration'],
  ['keySet.timeout', 'timeout timeoutduration requesttimeout'],
  ['keySet.headers', 'header requestheader'],
  ['fetch', 'fetcher customfetch requestagent agent dispatcher'],
  ['log', 'logger'],
  ['onEvent', 'logger listener'],
]

/** What to write instead of an unknown option: the right name, or the list of names. */
export function suggestion(name: string, known: readonly string[], path: string): string {
  const rows = otherNames(name)
  for (const [option, , note = ''] of rows) {
    const [first = '', last] = option.split('.')
    const isHere = last === undefined ? known.includes(first) : path === '' && known.includes(first)
    if (isHere) return `did you mean "${path}${option}"${note}?`
    // Inside these options, or if they are passed to a function directly.
    if (last !== undefined && known.includes(last) && (path === `${first}.` || `${path}${first}` === 'keySet'))
      return `did you mean "${path}${last}"?`
  }
  const near = nearestName(name, known, 'typos')
  if (near !== undefined) return `did you mean "${path}${near}"?`
  if (rows.some(([option]) => option === 'requirement') && known.includes('issuer'))
    return 'what a token must grant is a requirement, such as scope("orders:read")'
  return known.length < 10 ? `the options are ${known.join(', ')}` : 'take it out: docs/options.md lists all options'
}

function otherNames(name: string): typeof OTHER_NAMES {
  return OTHER_NAMES.filter(([, others]) => others.split(' ').map(plain).includes(plain(name)))
}

/**
 * The known name closest to a mistyped one, by letters to insert, delete or replace; or, with `others`, the known name for another library's
 * term. Ignores case and anything but letters and digits.
 */
export function nearestName(name: string, known: readonly string[], by: 'typos' | 'others'): string | undefined {
  const others = by === 'others' ? otherNames(name).map(([option]) => plain(option)) : []
  const named = known.find((candidate) => others.includes(plain(candidate)))
  if (named !== undefined) return named
  const wanted = plain(name)
  const [close] = known
    .map((candidate) => [distance(wanted, plain(candidate)), candidate] as const)
    .filter(([edits]) => edits * 3 <= wanted.length)
    .toSorted(([a], [b]) => a - b)
  return close?.[1]
}

function plain(name: string): string {
  return name
    .slice(0, 40)
    .toLowerCase()
    .replaceAll(/[^a-z]/g, '')
    .replace(/([^s])s$/, '$1')
}

// The Levenshtein distance: letters to insert, delete or replace.
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
