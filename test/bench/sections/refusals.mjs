import { randomBytes } from 'node:crypto'
import { pathToFileURL } from 'node:url'

import { createRemoteJWKSet, jwtVerify } from 'jose'

import { serveKeys } from '../fixtures/key-server.mjs'
import { accessClaims, AUDIENCE, createSigningKey, distinctTokens, encode, flat, ISSUER } from '../fixtures/tokens.mjs'
import { claimgate, JOSE, OUR_BUILD, OURS, peers } from '../fixtures/verifiers.mjs'
import { inFlight, synchronously } from '../measure/in-flight.mjs'
import { race } from '../measure/race.mjs'
import { comparison } from '../report/comparison.mjs'

const TOKENS = 256

/**
 * Refusals per second of processor time, errors included, one at a time.
 *
 * @param {import('../report/section.mjs').Pace} pace
 * @returns {Promise<import('../report/section.mjs').SectionResult>}
 */
export async function refusals(pace) {
  const key = await createSigningKey('RS256')
  const verifiers = [
    claimgate(key),
    ...(await earlier(pace)).map((build) => claimgate(key, build)),
    ...(await peers(key)),
  ]
  const tokens = await distinctTokens(key, TOKENS)
  const otherIssuer = await distinctTokens(key, TOKENS, (number) =>
    accessClaims(number, { iss: 'https://other.example' }),
  )
  const comparisons = [
    await compare('Garbage in three parts', tokens.map(garbageLike), verifiers, pace),
    await compare('An algorithm that is not accepted', tokens.map(withHs256), verifiers, pace),
    await compare('Another issuer', otherIssuer, verifiers, pace),
  ]

  const keys = await serveKeys({ keys: [key.jwk] })
  const remote = [
    remoteClaimgate(keys.jwksUri),
    ...(await earlier(pace)).map((build) => remoteClaimgate(keys.jwksUri, build)),
    remoteJose(keys.jwksUri),
  ]
  const unknown = await createSigningKey('RS256', 'never-heard-of')
  for (const { verify } of remote) await verify(tokens[0])
  comparisons.push(
    await compare('An unknown kid, in the cool-down', await distinctTokens(unknown, TOKENS), remote, pace),
  )
  for (const { close } of remote) close?.()
  keys.close()
  return { comparisons, facts: [] }
}

function garbageLike(token) {
  const random = randomBytes(token.length).toString('base64url').slice(0, token.length)
  return flat([...token].map((character, index) => (character === '.' ? '.' : random[index])).join(''))
}

function withHs256(token) {
  const [, ...rest] = token.split('.')
  return flat([encode({ alg: 'HS256', typ: 'JWT', kid: '2026-11-key' }), ...rest].join('.'))
}

/** The build given with `--beside`, if any. */
async function earlier({ beside }) {
  return beside ? [{ name: beside.name, ...(await import(pathToFileURL(beside.core).href)) }] : []
}

function remoteClaimgate(jwksUri, { name, createVerifier } = OUR_BUILD) {
  const verifier = createVerifier({ issuer: ISSUER, audience: AUDIENCE, jwksUri })
  return { name, verify: (token) => verifier.verify(token), close: () => verifier.close() }
}

function remoteJose(jwksUri) {
  const keys = createRemoteJWKSet(new URL(jwksUri))
  const options = { issuer: ISSUER, audience: AUDIENCE }
  return { name: JOSE, verify: (token) => jwtVerify(token, keys, options) }
}

async function compare(title, tokens, verifiers, { rounds, slice, warmUp }) {
  const contenders = verifiers.map(({ name, verify, synchronous }) => ({
    name,
    run: synchronous
      ? synchronously((index) => assertThrows(name, verify, tokens[index % tokens.length]))
      : inFlight(1, (index) => assertRejects(name, verify, tokens[index % tokens.length])),
  }))
  const microseconds = await race(contenders, { rounds, slice, warmUp, now: processorTime })
  const samples = Object.fromEntries(
    Object.entries(microseconds).map(([name, numbers]) => [name, numbers.map((number) => 1e6 / number)]),
  )
  return comparison({ title, unit: 'a second', samples, ours: OURS, better: 'more' })
}

// The time of all threads together, because the section's process has one core.
function processorTime() {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

function assertThrows(name, verify, token) {
  try {
    verify(token)
  } catch {
    return
  }
  throw new Error(`${name} accepts what must be refused`)
}

async function assertRejects(name, verify, token) {
  try {
    await verify(token)
  } catch {
    return
  }
  throw new Error(`${name} accepts what must be refused`)
}
