import { BARE, OURS, OURS_UNCACHED, SIGNATURE, startIssuer, startLoad, startServers } from '../http/contenders.mjs'
import { shuffled } from '../measure/race.mjs'
import { comparison } from '../report/comparison.mjs'

const TOKENS = 2000
const CONNECTIONS = 32
// As in Fastify's benchmarks: network cost must not hide the cost of the server.
const AHEAD = 10

/** The contenders with token caches, and those without. */
const FRAMEWORKS = {
  express: {
    title: 'Express 5',
    warm: [BARE, OURS],
    anew: [
      BARE,
      OURS_UNCACHED,
      SIGNATURE,
      'express-oauth2-jwt-bearer',
      'express-jwt with jwks-rsa',
      'jsonwebtoken with jwks-rsa',
    ],
  },
  fastify: {
    title: 'Fastify 5',
    warm: [BARE, OURS, 'fastify-jwt-jwks, cache'],
    anew: [BARE, OURS_UNCACHED, SIGNATURE, 'fastify-jwt-jwks', '@fastify/jwt with get-jwks'],
  },
  hono: { title: 'Hono 4 on Node', warm: [BARE, OURS], anew: [BARE, OURS_UNCACHED, SIGNATURE, 'hono/jwk'] },
  koa: { title: 'Koa 3', warm: [BARE, OURS], anew: [BARE, OURS_UNCACHED, SIGNATURE] },
  nestjs: { title: 'NestJS 12 on Express', warm: [BARE, OURS], anew: [BARE, OURS_UNCACHED, SIGNATURE] },
}

/**
 * Requests that a server answers per second of processor time. It has one core; another process sends requests from the other core.
 *
 * @param {import('../report/section.mjs').Pace} pace
 * @returns {Promise<import('../report/section.mjs').SectionResult>}
 */
export async function http(pace) {
  const issuer = await startIssuer(TOKENS)
  const comparisons = []
  for (const [framework, { title, warm, anew }] of Object.entries(FRAMEWORKS)) {
    const names = [...new Set([...warm, ...anew])]
    const samples = await measure(framework, names, issuer, pace)
    const among = (chosen, what) => ({
      title: `${title}, ${what}`,
      unit: 'req/s',
      samples: Object.fromEntries(chosen.map((name) => [name, samples[name]])),
      limit: BARE,
      otherLimits: [SIGNATURE],
      ours: chosen[1],
      better: 'more',
    })
    comparisons.push(
      comparison(among(warm, `${TOKENS.toLocaleString('en')} warm tokens`)),
      comparison(among(anew, 'every token verified anew')),
    )
  }
  issuer.close()
  return { comparisons, facts: [] }
}

async function measure(framework, names, issuer, { httpRounds, httpSlice, httpWarmUp }) {
  const load = startLoad()
  const servers = await startServers(framework, names, issuer)
  try {
    for (const [name, { port }] of servers) {
      await load.ask('open', { name, port, tokens: issuer.tokens, connections: CONNECTIONS, ahead: AHEAD })
      await load.ask('run', { name, milliseconds: httpWarmUp })
      // On a busy machine, the time may not suffice to cache every token.
      await load.ask('send', { name, requests: 2 * TOKENS })
    }
    const samples = Object.fromEntries(names.map((name) => [name, []]))
    for (let round = 0; round < httpRounds; round += 1)
      for (const name of shuffled(names, Math.random)) {
        const { server } = servers.get(name)
        const before = await server.ask('cpu')
        const requests = await load.ask('run', { name, milliseconds: httpSlice })
        // Processor time, not wall time, which would include time when another process used the core.
        samples[name].push((requests * 1000) / ((await server.ask('cpu')) - before))
      }
    return samples
  } finally {
    await Promise.all([load, ...[...servers.values()].map(({ server }) => server)].map(({ stop }) => stop()))
  }
}
