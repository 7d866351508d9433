// How close ours is to the limits, as JSON, used by the test suite. Needs only core and Node.
import { createVerifier, uncached } from './fixtures/core.mjs'
import { LIMIT, limitContender } from './fixtures/limit.mjs'
import { bareProofs, claimgateProofs, proofRequests } from './fixtures/proofs.mjs'
import { AUDIENCE, createSigningKey, distinctTokens, ISSUER } from './fixtures/tokens.mjs'
import { inFlight, synchronously } from './measure/in-flight.mjs'
import { race } from './measure/race.mjs'
import { ratioSpread } from './measure/statistics.mjs'

const TOKENS = 64
const PACE = { rounds: 15, slice: 8, warmUp: 250 }

const ratios = {}
for (const alg of ['RS256', 'ES256']) {
  const key = await createSigningKey(alg)
  const tokens = await distinctTokens(key, TOKENS)
  const options = { issuer: ISSUER, audience: AUDIENCE, jwks: { keys: [key.jwk] } }
  const verifier = createVerifier(uncached(options))
  for (const width of [64, 1])
    ratios[`${alg}, ${width === 1 ? 'one at a time' : `${width} in flight`}`] = await ratioTo(
      await limitContender(key, tokens, width),
      {
        name: 'ours',
        run: inFlight(width, (index) => verifier.verify(tokens[index % tokens.length])),
      },
    )
  if (alg === 'RS256') ratios['the same token again'] = await cachedRatio(createVerifier(options), tokens[0])
}
ratios['DPoP proofs, 64 in flight'] = await proofRatio(await createSigningKey('ES256'))
console.log(JSON.stringify(ratios))

async function proofRatio(key) {
  const sent = await proofRequests(key, 1)
  const { check } = claimgateProofs(key)
  return ratioTo(
    { name: LIMIT, run: inFlight(64, bareProofs(sent)) },
    { name: 'ours', run: inFlight(64, (index) => check(sent[index % sent.length])) },
  )
}

async function cachedRatio(verifier, token) {
  const bytes = Buffer.from(token, 'latin1')
  const map = new Map([[token, {}]])
  return ratioTo(
    { name: LIMIT, run: synchronously(() => map.get(bytes.latin1Slice())) },
    { name: 'ours', run: inFlight(1, () => verifier.verify(bytes.latin1Slice())) },
  )
}

async function ratioTo(limit, ours) {
  const samples = await race([limit, ours], PACE)
  return ratioSpread(samples[limit.name], samples[ours.name]).median
}
