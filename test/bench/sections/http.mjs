import { join } from 'node:path'

import { serveKeys } from '../fixtures/key-server.mjs'
import { accessClaims, AUDIENCE, badTokens, createSigningKey, distinctTokens } from '../fixtures/tokens.mjs'
import { shuffled } from '../measure/race.mjs'
import { startProcess } from '../processes/start-process.mjs'
import { comparison } from '../report/comparison.mjs'

const FOLDER = join(import.meta.dirname, '../http')
const TOKENS = 2000
const LOAD_CORE = 0
const SERVER_CORE = 1
const OURS = 'claimgate'
const OURS_UNCACHED = 'claimgate, no cache'
const BARE = 'bare'
const SIGNATURE = 'signature alone'

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
}

/**
 * Requests that a server answers per second of processor time. It has one core; another process sends requests from the other core.
 *
 * @param {import('../report/section.mjs').Pace} pace
 * @returns {Promise<import('../report/section.mjs').SectionResult>}
 */
export async function http(pace) {
  const key = await createSigningKey('RS256')
  const jwks = { keys: [key.jwk] }
  const keys = await serveKeys(jwks)
  const claimsOf = (number) => accessClaims(number, { iss: keys.origin })
  const tokens = await distinctTokens(key, TOKENS, claimsOf)
  const bad = Object.values(await badTokens(key, claimsOf(0)))
  const settings = { issuer: keys.origin, audience: AUDIENCE, jwksUri: keys.jwksUri, jwks }

  const comparisons = []
  for (const [framework, { title, warm, anew }] of Object.entries(FRAMEWORKS)) {
    const names = [...new Set([...warm, ...anew])]
    const samples = await measure(framework, names, { settings, tokens, bad, pace })
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
  keys.close()
  return { comparisons, facts: [] }
}

async function measure(framework, names, { settings, tokens, bad, pace: { httpRounds, httpSlice, httpWarmUp } }) {
  const load = startProcess(join(FOLDER, 'load.mjs'), { core: LOAD_CORE })
  const start = (name) => startProcess(join(FOLDER, 'server.mjs'), { core: SERVER_CORE, args: [framework, name] })
  const servers = new Map(names.map((name) => [name, start(name)]))
  try {
    const listening = [...servers].map(async ([name, server]) => [name, await server.ask('listen', { settings })])
    for (const [name, port] of await Promise.all(listening)) {
      await assertServer(name, port, tokens[0], bad)
      await load.ask('open', { name, port, tokens })
      await load.ask('run', { name, milliseconds: httpWarmUp })
    }
    const samples = Object.fromEntries(names.map((name) => [name, []]))
    for (let round = 0; round < httpRounds; round += 1)
      for (const name of shuffled(names, Math.random)) {
        const before = await servers.get(name).ask('cpu')
        const requests = await load.ask('run', { name, milliseconds: httpSlice })
        // Processor time, not wall time, which would include time when another process used the core.
        samples[name].push((requests * 1000) / ((await servers.get(name).ask('cpu')) - before))
      }
    return samples
  } finally {
    load.stop()
    for (const server of servers.values()) server.stop()
  }
}

async function assertServer(name, port, good, bad) {
  const ask = (token) => fetch(`http://127.0.0.1:${port}/me`, { headers: { authorization: `Bearer ${token}` } })
  const accepted = await ask(good)
  if (accepted.status !== 200 || (await accepted.json()).sub !== 'ada')
    throw new Error(`${name} answers a good token with ${accepted.status}`)
  if (name === BARE || name === SIGNATURE) return
  for (const token of bad) {
    const { status } = await ask(token)
    if (status < 400) throw new Error(`${name} answers a bad token with ${status}`)
  }
}
