import { formatNumber } from './format.mjs'

/** Claimgate's performance goals: a number from a comparison or a fact, and its bound. */
const GOALS = [
  ...['RS256', 'PS256'].map((alg) => ofLimit(`${alg}, 64 in flight`, 0.8)),
  ...['ES256', 'EdDSA'].map((alg) => ofLimit(`${alg}, 64 in flight`, 0.95)),
  ...['RS256', 'PS256', 'ES256', 'EdDSA'].map((alg) => ofLimit(`${alg}, one at a time`, 0.9)),
  ...['64 in flight', 'one at a time'].flatMap((width) => [
    timesRow(`RS256, ${width}`, 'jose', 1.2),
    ...['PS256', 'ES256', 'EdDSA'].map((alg) => timesRow(`${alg}, ${width}`, 'jose', 1)),
  ]),
  { what: 'The same token again, in µs', most: 1, in: 'The same token again', of: ours(({ value }) => value) },
  timesRow('The same token again', 'fast-jwt, cache', 2),
  ...['64 in flight', 'one at a time'].map((width) => ofLimit(`ES256 proofs of one client, ${width}`, 0.85)),
  ofLimit('Express 5, 2,000 warm tokens', 0.92),
  ofLimit('Fastify 5, 2,000 warm tokens', 0.92),
  ofLimit('Hono 4 on Node, 2,000 warm tokens', 0.88),
  ...['Express 5', 'Fastify 5', 'Hono 4 on Node'].flatMap((framework) => [
    timesRow(`${framework}, every token verified anew`, 'signature alone', 0.93),
    // In Express, the signature alone is 1.5 times as fast as the best peer.
    timesBestPeer(`${framework}, every token verified anew`, framework === 'Express 5' ? 1.35 : 1.5),
  ]),
  ...[
    'Garbage in three parts',
    'An algorithm that is not accepted',
    'Another issuer',
    'An unknown kid, in the cool-down',
  ].flatMap((title) => [
    { what: `${title}: refusals a second`, least: 500_000, in: title, of: ours(({ value }) => value) },
    // Measured only with `--beside b24d11d`.
    timesRow(title, 'claimgate at b24d11d', 1.1),
  ]),
  ofLimit('10,000 issuers, ES256, 64 in flight', 1 / 1.1),
  ofLimit('A set of 1,000 keys, ES256, 64 in flight', 0.95),
  { what: 'Fetches of a cold start', most: 1, fact: 'Fetches for 10,000 requests at once, with no keys yet' },
  { what: 'Worker bundle, bytes', most: 30_000, fact: 'Worker bundle of createVerifier, minified and gzipped' },
  {
    what: 'Import time, times that of jose',
    most: 1.5,
    in: 'Import in a fresh process',
    of: ours(({ ofBase }) => 1 / ofBase.median),
  },
]

/**
 * @param {readonly import('./section.mjs').SectionResult[]} results
 * @returns {string[]} a line for each goal that these results contain
 */
export function goalLines(results) {
  return GOALS.flatMap((goal) => {
    const value = valueOf(goal, results)
    if (value === undefined) return []
    const { what, least, most } = goal
    const reached = (least === undefined || value >= least) && (most === undefined || value <= most)
    const bound = least === undefined ? `at most ${formatNumber(most)}` : `at least ${formatNumber(least)}`
    return [`${reached ? 'reached' : 'SHORT  '} ${what}: ${formatNumber(value)}, wanted ${bound}`]
  })
}

function valueOf({ in: title, of, fact }, results) {
  if (fact !== undefined) return results.flatMap(({ facts }) => facts).find(({ name }) => name === fact)?.value
  const found = results.flatMap(({ comparisons }) => comparisons).find((comparison) => comparison.title === title)
  return found === undefined ? undefined : of(found.rows)
}

function ofLimit(title, least) {
  return { what: `${title}: of the limit`, least, in: title, of: ours(({ ofBase }) => ofBase.median) }
}

function timesRow(title, row, least) {
  const of = (rows) => {
    const found = rows.find(({ name }) => name === row)
    return found && 1 / found.ofOurs.median
  }
  return { what: `${title}: times as fast as ${row}`, least, in: title, of }
}

function timesBestPeer(title, least) {
  const of = (rows) => 1 / Math.max(...rows.filter(({ role }) => role === 'peer').map(({ ofOurs }) => ofOurs.median))
  return { what: `${title}: times as fast as the best peer`, least, in: title, of }
}

function ours(value) {
  return (rows) => value(rows.find(({ role }) => role === 'ours'))
}
