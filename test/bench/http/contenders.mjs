import { join } from 'node:path'

import { serveKeys } from '../fixtures/key-server.mjs'
import { accessClaims, AUDIENCE, badTokens, createSigningKey, distinctTokens } from '../fixtures/tokens.mjs'
import { startProcess } from '../processes/start-process.mjs'

export const BARE = 'bare'
export const SIGNATURE = 'signature alone'
export const OURS = 'claimgate'
export const OURS_UNCACHED = 'claimgate, no cache'

/** The module of a server. */
export const SERVER = join(import.meta.dirname, 'server.mjs')

const LOAD_CORE = 0
const SERVER_CORE = 1

/**
 * Starts an issuer, and makes tokens that it has signed.
 *
 * @param {number} count
 */
export async function startIssuer(count) {
  const key = await createSigningKey('RS256')
  const jwks = { keys: [key.jwk] }
  const keys = await serveKeys(jwks)
  const claimsOf = (number) => accessClaims(number, { iss: keys.origin })
  return {
    settings: { issuer: keys.origin, audience: AUDIENCE, jwksUri: keys.jwksUri, jwks },
    tokens: await distinctTokens(key, count, claimsOf),
    bad: Object.values(await badTokens(key, claimsOf(0))),
    close: keys.close,
  }
}

/**
 * Starts the process that sends requests, on the other core than the servers.
 */
export function startLoad() {
  return startProcess(join(import.meta.dirname, 'load.mjs'), { core: LOAD_CORE })
}

/**
 * Starts contenders of a framework, and checks their answers.
 *
 * @param {string} framework
 * @param {readonly string[]} names
 * @param {Awaited<ReturnType<typeof startIssuer>>} issuer
 * @returns {Promise<Map<string, { server: import('../processes/start-process.mjs').Companion, port: number }>>}
 */
export async function startServers(framework, names, { settings, tokens, bad }) {
  const start = async (name) => {
    const server = startProcess(SERVER, { core: SERVER_CORE, args: [framework, name] })
    const port = await server.ask('listen', { settings })
    await assertServer(name, port, tokens[0], bad)
    return [name, { server, port }]
  }
  return new Map(await Promise.all(names.map(start)))
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
