import { createSigningKey, distinctTokens } from '../fixtures/tokens.mjs'
import { claimgate, peers } from '../fixtures/verifiers.mjs'
import { shuffled } from '../measure/race.mjs'
import { quantile } from '../measure/statistics.mjs'

const WIDTH = 64
const TOKENS = 256
const TIMER = 2
const CHOSEN = ['claimgate', 'jose', 'fast-jwt', 'jsonwebtoken']

/**
 * The delay of timers while tokens keep arriving, 64 at once: each batch starts together, and the next one when it is finished
 * and the event loop has run.
 *
 * @param {import('../report/section.mjs').Pace} pace
 * @returns {Promise<import('../report/section.mjs').SectionResult>}
 */
export async function eventLoop({ rounds, slice }) {
  const key = await createSigningKey('RS256')
  const tokens = await distinctTokens(key, TOKENS)
  const verifiers = [claimgate(key), ...(await peers(key))].filter(({ name }) => CHOSEN.includes(name))
  const subjects = [{ name: 'nothing to verify', batch: async () => {} }, ...verifiers.map(batches(tokens))]
  const delays = new Map(subjects.map((subject) => [subject, []]))
  for (let round = 0; round < rounds; round += 1)
    for (const subject of shuffled(subjects, Math.random))
      delays.get(subject).push(...(await timerDelays(subject, slice * 8)))
  return {
    comparisons: [],
    facts: subjects.map((subject) => ({
      name: `${subject.name}: delay of timers, p99`,
      value: quantile(delays.get(subject), 0.99),
      unit: 'ms',
    })),
  }
}

function batches(tokens) {
  return ({ name, verify }) => {
    let next = 0
    const batch = async () => {
      const started = []
      for (let index = 0; index < WIDTH; index += 1) started.push(verify(tokens[next++ % tokens.length]))
      await Promise.all(started)
    }
    return { name, batch }
  }
}

async function timerDelays({ batch }, milliseconds) {
  const delays = []
  const until = performance.now() + milliseconds
  let due
  let timer
  const arm = () => {
    due = performance.now() + TIMER
    timer = setTimeout(() => {
      delays.push(Math.max(0, performance.now() - due))
      arm()
    }, TIMER)
  }
  arm()
  while (performance.now() < until) {
    await batch()
    await new Promise((resolve) => setImmediate(resolve))
  }
  clearTimeout(timer)
  return delays
}
