import { createVerifier as createFastVerifier } from 'fast-jwt'

import { assertVerifier } from '../fixtures/assert-verifier.mjs'
import { createVerifier } from '../fixtures/core.mjs'
import { AUDIENCE, createSigningKey, distinctTokens, ISSUER } from '../fixtures/tokens.mjs'
import { OURS } from '../fixtures/verifiers.mjs'
import { inFlight, synchronously } from '../measure/in-flight.mjs'
import { race } from '../measure/race.mjs'
import { comparison } from '../report/comparison.mjs'

const ROTATION = 1000
const LIMIT = 'Map.get'

/**
 * Tokens that were verified before, each time as a new string, like from a request.
 *
 * @param {import('../report/section.mjs').Pace} pace
 * @returns {Promise<import('../report/section.mjs').SectionResult>}
 */
export async function cached(pace) {
  const key = await createSigningKey('RS256')
  const tokens = await distinctTokens(key, ROTATION)
  const verifiers = [
    ours(key),
    fastJwt(key, FAST_JWT, {}),
    fastJwt(key, FAST_JWT_BY_TOKEN, { cacheKeyBuilder: (token) => token }),
  ]
  for (const verifier of verifiers) await assertVerifier(verifier, key, tokens)
  return {
    comparisons: [
      await compare('The same token again', tokens.slice(0, 1), verifiers, pace),
      await compare(`${ROTATION.toLocaleString('en')} tokens in rotation`, tokens, verifiers, pace),
    ],
    facts: [],
  }
}

const FAST_JWT = 'fast-jwt, cache'
const FAST_JWT_BY_TOKEN = 'fast-jwt, cache by token'

function ours({ jwk }) {
  const verifier = createVerifier({ issuer: ISSUER, audience: AUDIENCE, jwks: { keys: [jwk] } })
  return { name: OURS, verify: (token) => verifier.verify(token), claimsOf: ({ claims }) => claims }
}

function fastJwt({ alg, pem }, name, options) {
  const rules = { key: pem, algorithms: [alg], allowedIss: ISSUER, allowedAud: AUDIENCE, cache: 2 * ROTATION }
  return { name, verify: createFastVerifier({ ...rules, ...options }), synchronous: true, claimsOf: (claims) => claims }
}

async function compare(title, tokens, verifiers, { rounds, slice, warmUp }) {
  const bytes = tokens.map((token) => Buffer.from(token, 'latin1'))
  const fresh = (index) => bytes[index % bytes.length].latin1Slice()
  const map = new Map(tokens.map((token) => [token, { token }]))
  const contenders = [
    { name: LIMIT, run: synchronously((index) => map.get(fresh(index))) },
    ...verifiers.map(({ name, verify, synchronous }) => {
      const operation = (index) => verify(fresh(index))
      return { name, run: synchronous ? synchronously(operation) : inFlight(1, operation) }
    }),
  ]
  // Every token has been verified once before the measurement.
  for (const { run } of contenders) await run(tokens.length)
  const samples = await race(contenders, { rounds, slice, warmUp })
  return comparison({ title, unit: 'µs', samples, limit: LIMIT, ours: OURS })
}
