import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import { createVerifier, uncached } from '../fixtures/core.mjs'
import { serveKeys } from '../fixtures/key-server.mjs'
import { accessClaims, AUDIENCE, createSigningKey, distinctTokens, ISSUER } from '../fixtures/tokens.mjs'
import { inFlight } from '../measure/in-flight.mjs'
import { race } from '../measure/race.mjs'
import { comparison } from '../report/comparison.mjs'

const ISSUERS = 10_000
const REQUESTS = 10_000
const KEYS = 1000
const TOKENS = 256
const WIDTH = 64
const MEBIBYTE = 2 ** 20

/**
 * The cost of many issuers, many keys and many concurrent requests, compared with one.
 *
 * @param {import('../report/section.mjs').Pace} pace
 * @returns {Promise<import('../report/section.mjs').SectionResult>}
 */
export async function scale(pace) {
  const idle = bytesPerIdleIssuer()
  return {
    comparisons: [await manyIssuers(pace), await manyKeys(pace)],
    facts: [
      { name: `Memory of an idle issuer among ${ISSUERS.toLocaleString('en')}`, value: idle, unit: 'bytes' },
      {
        name: `Fetches for ${REQUESTS.toLocaleString('en')} requests at once, with no keys yet`,
        value: await fetchesWhenCold(),
        unit: '',
      },
    ],
  }
}

async function manyIssuers(pace) {
  const key = await createSigningKey('ES256')
  const policyOf = (number) => ({ issuer: issuerOf(number), audience: AUDIENCE, jwks: { keys: [{ ...key.jwk }] } })
  const numbers = Array.from({ length: ISSUERS }, (_, number) => number)
  const one = createVerifier(uncached({ issuers: [policyOf(0)] }))
  const many = createVerifier(uncached({ issuers: numbers.map(policyOf) }))
  const names = ['one issuer', `${ISSUERS.toLocaleString('en')} issuers`]
  return compare(`${ISSUERS.toLocaleString('en')} issuers, ES256, ${WIDTH} in flight`, pace, {
    [names[0]]: [one, await distinctTokens(key, ISSUERS, (number) => accessClaims(number, { iss: issuerOf(0) }))],
    [names[1]]: [many, await distinctTokens(key, ISSUERS, (number) => accessClaims(number, { iss: issuerOf(number) }))],
  })
}

function issuerOf(number) {
  return `${ISSUER}/${String(number).padStart(5, '0')}`
}

async function manyKeys(pace) {
  const key = await createSigningKey('ES256')
  const others = []
  for (let number = 1; number < KEYS; number += 1) others.push((await createSigningKey('ES256', `key-${number}`)).jwk)
  const tokens = await distinctTokens(key, TOKENS)
  const servers = [await serveKeys({ keys: [key.jwk] }), await serveKeys({ keys: [...others, key.jwk] })]
  const verifierOf = ({ jwksUri }) =>
    createVerifier(
      uncached({ issuer: ISSUER, audience: AUDIENCE, jwksUri, keySet: { maxKeys: KEYS, maxBytes: MEBIBYTE } }),
    )
  const [one, many] = servers.map(verifierOf)
  const result = await compare(`A set of ${KEYS.toLocaleString('en')} keys, ES256, ${WIDTH} in flight`, pace, {
    'a set of one key': [one, tokens],
    [`a set of ${KEYS.toLocaleString('en')} keys`]: [many, tokens],
  })
  for (const { close } of [one, many, ...servers]) close()
  return result
}

async function compare(title, { rounds, slice, warmUp }, subjects) {
  const contenders = []
  for (const [name, [verifier, tokens]] of Object.entries(subjects)) {
    // Every key is imported and every token verified before the measurement.
    const run = inFlight(WIDTH, (index) => verifier.verify(tokens[index % tokens.length]))
    await run(tokens.length)
    contenders.push({ name, run })
  }
  const samples = await race(contenders, { rounds, slice, warmUp })
  const [limit, ours] = Object.keys(subjects)
  return comparison({ title, unit: 'µs', samples, limit, ours })
}

function bytesPerIdleIssuer() {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc')
  const used = () => {
    collect()
    const { heapUsed, external } = process.memoryUsage()
    return heapUsed + external
  }
  const policyOf = (_, number) => ({
    issuer: issuerOf(number),
    audience: AUDIENCE,
    jwksUri: `${issuerOf(number)}/jwks`,
  })
  const issuers = Array.from({ length: ISSUERS }, policyOf)
  createVerifier({ issuers: issuers.slice(0, 1) }).close()
  const before = used()
  const verifier = createVerifier({ issuers })
  const bytes = (used() - before) / issuers.length
  verifier.close()
  return bytes
}

async function fetchesWhenCold() {
  const key = await createSigningKey('ES256')
  const keys = await serveKeys({ keys: [key.jwk] })
  const tokens = await distinctTokens(key, TOKENS)
  const verifier = createVerifier({ issuer: ISSUER, audience: AUDIENCE, jwksUri: keys.jwksUri })
  await Promise.all(Array.from({ length: REQUESTS }, (_, index) => verifier.verify(tokens[index % tokens.length])))
  verifier.close()
  keys.close()
  return keys.fetches()
}
