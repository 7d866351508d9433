import { BARE, OURS, OURS_UNCACHED, SIGNATURE, startIssuer, startLoad, startServers } from '../http/contenders.mjs'
import { shuffled } from '../measure/race.mjs'
import { comparison } from '../report/comparison.mjs'

const TOKENS = 500
const NAMES = [BARE, OURS, OURS_UNCACHED, SIGNATURE]
const FRAMEWORKS = { express: 'Express 5', fastify: 'Fastify 5' }
const CONNECTIONS = [1, 8]
const QUANTILES = ['median', 'p99']

/**
 * How long requests take over few connections, each with one request at a time.
 *
 * @param {import('../report/section.mjs').Pace} pace
 * @returns {Promise<import('../report/section.mjs').SectionResult>}
 */
export async function latency(pace) {
  const issuer = await startIssuer(TOKENS)
  const comparisons = []
  for (const [framework, title] of Object.entries(FRAMEWORKS))
    for (const connections of CONNECTIONS) {
      const samples = await measure(framework, connections, issuer, pace)
      for (const quantile of QUANTILES)
        comparisons.push(
          comparison({
            title: `${title}, ${connections} ${connections === 1 ? 'connection' : 'connections'}, ${quantile}`,
            unit: 'µs',
            samples: samples[quantile],
            limit: BARE,
            otherLimits: [SIGNATURE],
            ours: OURS,
          }),
        )
    }
  issuer.close()
  return { comparisons, facts: [] }
}

async function measure(framework, connections, issuer, { httpRounds, httpSlice, httpWarmUp }) {
  const load = startLoad()
  const servers = await startServers(framework, NAMES, issuer)
  try {
    for (const [name, { port }] of servers) {
      await load.ask('open', { name, port, tokens: issuer.tokens, connections, ahead: 1 })
      await load.ask('run', { name, milliseconds: httpWarmUp })
      await load.ask('send', { name, requests: 2 * TOKENS })
    }
    const none = () => Object.fromEntries(NAMES.map((name) => [name, []]))
    const samples = Object.fromEntries(QUANTILES.map((quantile) => [quantile, none()]))
    for (let round = 0; round < httpRounds; round += 1)
      for (const name of shuffled(NAMES, Math.random)) {
        const taken = await load.ask('time', { name, milliseconds: httpSlice })
        for (const quantile of QUANTILES) samples[quantile][name].push(taken[quantile])
      }
    return samples
  } finally {
    await Promise.all([load, ...[...servers.values()].map(({ server }) => server)].map(({ stop }) => stop()))
  }
}
