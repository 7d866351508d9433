import { assertVerifier } from '../fixtures/assert-verifier.mjs'
import { LIMIT, limitContender } from '../fixtures/limit.mjs'
import { createSigningKey, distinctTokens } from '../fixtures/tokens.mjs'
import { claimgate, OURS, peers } from '../fixtures/verifiers.mjs'
import { inFlight, synchronously } from '../measure/in-flight.mjs'
import { race } from '../measure/race.mjs'
import { comparison } from '../report/comparison.mjs'

const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA']
const WIDTHS = [64, 1]
const TOKENS = 256

/**
 * Uncached verification of every token, with all checks, compared with only the signature.
 *
 * @param {import('../report/section.mjs').Pace} pace
 * @returns {Promise<import('../report/section.mjs').SectionResult>}
 */
export async function verify({ rounds, slice, warmUp }) {
  const comparisons = []
  for (const alg of ALGORITHMS) {
    const key = await createSigningKey(alg)
    const tokens = await distinctTokens(key, TOKENS)
    const verifiers = [claimgate(key), ...(await peers(key))]
    for (const verifier of verifiers) await assertVerifier(verifier, key, tokens)
    for (const width of WIDTHS) {
      const contenders = [await limitContender(key, tokens, width)]
      for (const verifier of verifiers) contenders.push({ name: verifier.name, run: runOf(verifier, tokens, width) })
      const samples = await race(contenders, { rounds, slice, warmUp })
      const title = `${alg}, ${width === 1 ? 'one at a time' : `${width} in flight`}`
      comparisons.push(comparison({ title, unit: 'µs', samples, limit: LIMIT, ours: OURS }))
    }
  }
  return { comparisons, facts: [] }
}

function runOf({ verify: verifyToken, synchronous }, tokens, width) {
  const operation = (index) => verifyToken(tokens[index % tokens.length])
  return synchronous ? synchronously(operation) : inFlight(width, operation)
}
