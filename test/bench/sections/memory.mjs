import { OURS, OURS_UNCACHED, startIssuer, startLoad, startServers } from '../http/contenders.mjs'

const TOKENS = 2000
const WARM_UP = 20_000
const REQUESTS = 100_000
const FRAMEWORKS = { express: 'Express 5', fastify: 'Fastify 5' }

/**
 * How much memory servers keep after many requests.
 *
 * @returns {Promise<import('../report/section.mjs').SectionResult>}
 */
export async function memory() {
  const issuer = await startIssuer(TOKENS)
  const facts = []
  for (const [framework, title] of Object.entries(FRAMEWORKS)) {
    const load = startLoad()
    const servers = await startServers(framework, [OURS, OURS_UNCACHED], issuer)
    for (const [name, { server, port }] of servers) {
      await load.ask('open', { name, port, tokens: issuer.tokens, connections: 32, ahead: 1 })
      await load.ask('send', { name, requests: WARM_UP })
      const before = await server.ask('memory')
      await load.ask('send', { name, requests: REQUESTS })
      facts.push({
        name: `${title}, ${name}: growth over ${REQUESTS.toLocaleString('en')} requests, per request`,
        value: ((await server.ask('memory')) - before) / REQUESTS,
        unit: 'bytes',
      })
      await server.stop()
    }
    await load.stop()
  }
  issuer.close()
  return { comparisons: [], facts }
}
