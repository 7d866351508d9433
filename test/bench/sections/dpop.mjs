import { auth } from 'express-oauth2-jwt-bearer'
import { jwksCache, validateJwtAccessToken } from 'oauth4webapi'

import { serveKeys } from '../fixtures/key-server.mjs'
import {
  bareProofs,
  claimgateProofs,
  createProofClient,
  MAX_AGE,
  ORIGIN,
  proofRequests,
  URL_OF_ORDERS,
} from '../fixtures/proofs.mjs'
import { accessClaims, AUDIENCE, createSigningKey, ISSUER } from '../fixtures/tokens.mjs'
import { OURS } from '../fixtures/verifiers.mjs'
import { inFlight } from '../measure/in-flight.mjs'
import { race } from '../measure/race.mjs'
import { comparison } from '../report/comparison.mjs'

const LIMIT = 'importKey and verify'
/** More than the keys that are kept. */
const MANY_CLIENTS = 1200
const WIDTHS = [64, 1]

/**
 * Requests with a token that was verified before, each with a fresh ES256 proof.
 *
 * @param {import('../report/section.mjs').Pace} pace
 * @returns {Promise<import('../report/section.mjs').SectionResult>}
 */
export async function dpopProofs(pace) {
  const key = await createSigningKey('ES256')
  const server = await serveKeys({ keys: [key.jwk] })
  try {
    return {
      comparisons: [
        ...(await compare('one client', { key, server, clients: 1 }, pace)),
        ...(await compare(
          `${MANY_CLIENTS.toLocaleString('en')} clients`,
          { key, server, clients: MANY_CLIENTS },
          pace,
        )),
      ],
      facts: [],
    }
  } finally {
    server.close()
  }
}

async function compare(about, { key, server, clients: count }, { rounds, slice, warmUp }) {
  const comparisons = []
  for (const width of WIDTHS) {
    const sent = await proofRequests(key, count)
    const contenders = [claimgateProofs(key), oauth2JwtBearer(server), oauth4webapi(key)]
    for (const contender of contenders) await assertChecks(contender, key)
    // The tokens have been seen before.
    for (const request of sent) await contenders[0].check(request)
    const bare = bareProofs(sent)
    const runs = [
      { name: LIMIT, run: inFlight(width, bare) },
      ...contenders.map(({ name, check }) => ({
        name,
        run: inFlight(width, (index) => check(sent[index % sent.length])),
      })),
    ]
    const samples = await race(runs, { rounds, slice, warmUp })
    const title = `ES256 proofs of ${about}, ${width === 1 ? 'one at a time' : `${width} in flight`}`
    comparisons.push(comparison({ title, unit: 'µs', samples, limit: LIMIT, ours: OURS }))
  }
  return comparisons
}

function oauth2JwtBearer({ jwksUri }) {
  const middleware = auth({
    issuer: ISSUER,
    audience: AUDIENCE,
    jwksUri,
    tokenSigningAlg: 'ES256',
    dpop: { enabled: true, iatOffset: MAX_AGE },
  })
  return {
    name: 'express-oauth2-jwt-bearer',
    check: async ({ token, proof }) => {
      const headers = { host: 'api.example', authorization: `DPoP ${token}`, dpop: proof }
      const request = { headers, method: 'GET', protocol: 'https', originalUrl: '/orders', is: () => false }
      request.get = (name) => headers[name.toLowerCase()]
      await new Promise((resolve, reject) => {
        void middleware(request, undefined, (error) =>
          error === undefined ? resolve() : reject(new Error('refused', { cause: error })),
        )
      })
    },
  }
}

function oauth4webapi({ jwk }) {
  const server = { issuer: ISSUER, jwks_uri: `${ISSUER}/jwks` }
  const cache = { jwks: { keys: [jwk] }, uat: Math.floor(Date.now() / 1000) }
  return {
    name: 'oauth4webapi',
    check: async ({ token, proof }) => {
      const request = new Request(URL_OF_ORDERS, { headers: { authorization: `DPoP ${token}`, dpop: proof } })
      await validateJwtAccessToken(server, request, AUDIENCE, { requireDPoP: true, [jwksCache]: cache })
    },
  }
}

/** It must accept a good proof, and refuse bad ones, before it is timed. */
async function assertChecks({ name, check }, key) {
  const [client, thief] = [await createProofClient(), await createProofClient()]
  const claims = { cnf: { jkt: client.jkt }, client_id: 'shop' }
  const token = await key.sign(accessClaims(0, claims), { typ: 'at+jwt' })
  const good = await client.proof(token, URL_OF_ORDERS)
  await check({ token, proof: good })
  const bad = {
    'of another key': await thief.proof(token, URL_OF_ORDERS),
    'for another method': await client.proof(token, URL_OF_ORDERS, { htm: 'POST' }),
    'for another URL': await client.proof(token, `${ORIGIN}/bills`),
    'for another token': await client.proof(`${token}x`, URL_OF_ORDERS),
    'that is old': await client.proof(token, URL_OF_ORDERS, { iat: 1_700_000_000 }),
    'with another signature': `${good.slice(0, -8)}AAAAAAAA`,
  }
  for (const [flaw, proof] of Object.entries(bad))
    if (await accepts(check, { token, proof })) throw new Error(`${name} accepts a proof ${flaw}`)
}

async function accepts(check, sent) {
  try {
    await check(sent)
    return true
  } catch {
    return false
  }
}
