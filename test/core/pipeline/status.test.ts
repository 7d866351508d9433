import { createVerifier, firstOf, type KeySource, type Verifier } from '@claimgate/core'
import { clientSecretBasic, createIntrospectionVerifier } from '@claimgate/core/introspection'
import { createNestedVerifier } from '@claimgate/core/jwe'
import { authenticateJwt } from '@claimgate/express'
import { claimgate } from '@claimgate/fastify'
import { createGate } from '@claimgate/fetch'
import { mcpResource } from '@claimgate/mcp'
import { createTestKeys } from '@claimgate/testing'
import fastify from 'fastify'
import { describe, expect, it, vi } from 'vitest'
import { manualClock } from '../../support/core/manual-clock.ts'

const ISSUER = 'https://auth.example.com'
const key = await createTestKeys('ES256', { kid: 'key-1' })
const jwks = { keys: [key.publicJwk] }
const api = { issuer: ISSUER, audience: 'api' }

/** A verifier whose JWK Set fails while `down`. */
function fetching() {
  const clock = manualClock()
  const endpoint = { down: true, requests: 0 }
  const verifier = createVerifier({
    ...api,
    jwksUri: `${ISSUER}/jwks`,
    clock,
    keySet: { staleFor: 600 },
    fetch: async () => {
      endpoint.requests += 1
      return endpoint.down ? new Response('', { status: 500, headers: { 'retry-after': '30' } }) : Response.json(jwks)
    },
  })
  return { clock, endpoint, verifier }
}

describe('status of a verifier', () => {
  it('is ready from the first set on, while it is fresh or stale, and not once it has expired', async () => {
    const { clock, endpoint, verifier } = fetching()
    const status = (): unknown => verifier.status?.()
    const cold = { issuer: ISSUER, ready: false, freshness: 'cold', keys: 0, nextAttempt: 0 }
    expect(status()).toEqual({ ready: false, issuers: [cold] })
    await expect(verifier.ready()).rejects.toThrow('cannot be fetched')
    expect(status()).toEqual({ ready: false, issuers: [{ ...cold, failure: 'status', nextAttempt: 30 }] })
    endpoint.down = false
    await clock.pass(31)
    await verifier.ready()
    const fresh = { issuer: ISSUER, ready: true, freshness: 'fresh', keys: 1, age: 0, nextAttempt: 0 }
    expect(status()).toEqual({ ready: true, issuers: [fresh] })
    endpoint.down = true
    await clock.pass(590)
    expect(status()).toMatchObject({ ready: true, issuers: [{ freshness: 'ageing', age: 590 }] })
    await clock.pass(20)
    await verifier.ready()
    expect(status()).toMatchObject({
      ready: true,
      issuers: [{ freshness: 'stale', age: 610, failure: 'status', keys: 1 }],
    })
    await clock.pass(600)
    expect(status()).toMatchObject({ ready: false, issuers: [{ ready: false, freshness: 'expired', keys: 0 }] })
    expect(verifier.status?.().issuers[0]).not.toHaveProperty('age')
    const { requests } = endpoint
    for (let index = 0; index < 100; index += 1) status()
    expect(endpoint.requests).toBe(requests)
    endpoint.down = false
    await clock.pass(60)
    await verifier.ready()
    expect(status()).toMatchObject({ ready: true, issuers: [{ freshness: 'fresh' }] })
  })

  const custom: KeySource = { resolve: async () => key.publicKey }
  it.each<[string, Verifier, object]>([
    ['given keys', createVerifier({ ...api, jwks }), { issuer: ISSUER, ready: true, freshness: 'given' }],
    ['any issuer', createVerifier({ issuer: null, audience: 'api', jwks }), { issuer: null, freshness: 'given' }],
    ['a source of the application', createVerifier({ ...api, keys: custom }), { freshness: 'given' }],
    [
      'such a source with figures',
      createVerifier({
        ...api,
        keys: {
          ...custom,
          stats: () => ({ freshness: 'expired', keys: 2, age: 9, failure: 'timeout', nextAttempt: 3 }),
        },
      }),
      { ready: false, freshness: 'expired', keys: 2, age: 9, failure: 'timeout', nextAttempt: 3 },
    ],
    [
      'a secret beside a set',
      createVerifier({
        ...api,
        algorithms: ['HS256', 'ES256'],
        keys: firstOf({ secret: 'x'.repeat(32) }, { jwksUri: `${ISSUER}/jwks` }),
      }),
      { ready: false, freshness: 'cold' },
    ],
  ])('is known for %s', (_, verifier, expected) => {
    expect(verifier.status?.().issuers).toMatchObject([expected])
  })

  it('of several issuers needs all of them', () => {
    const given = { issuer: 'https://one.example', audience: 'api', jwks }
    const fetched = { issuer: 'https://two.example', audience: 'api' }
    expect(createVerifier({ issuers: [given, fetched] }).status?.()).toMatchObject({
      ready: false,
      issuers: [{ ready: true }, { ready: false }],
    })
    expect(createVerifier({ issuers: async () => given }).status?.()).toEqual({ ready: true, issuers: [] })
  })

  it('of a verifier of encrypted tokens is that of the inner one', () => {
    const { verifier } = fetching()
    const decryption = { keys: { resolve: async () => key.publicKey } } as never
    expect(createNestedVerifier({ verifier, decryption }).status?.()).toMatchObject({ ready: false })
    const own: Verifier = {
      verify: verifier.verify,
      explain: verifier.explain,
      ready: verifier.ready,
      close: verifier.close,
    }
    expect(createNestedVerifier({ verifier: own, decryption }).status).toBeUndefined()
  })

  it('of introspection is ready once the endpoint is known, and stays so while it fails', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(1)
    const { clock, endpoint, verifier: jwts } = fetching()
    const client = clientSecretBasic('api', 'secret')
    const verifier = createIntrospectionVerifier({
      ...api,
      client,
      clock,
      jwts,
      fetch: async (url) =>
        url.includes('.well-known')
          ? Response.json({ issuer: ISSUER, introspection_endpoint: `${ISSUER}/introspect` })
          : new Response('', { status: 401 }),
    })
    const status = (): unknown => verifier.status?.()
    const opaque = { issuer: ISSUER, ready: false, freshness: 'given', nextAttempt: 0 }
    expect(status()).toMatchObject({ ready: false, issuers: [{ freshness: 'cold' }, opaque] })
    endpoint.down = false
    await verifier.ready()
    expect(status()).toMatchObject({ ready: true, issuers: [{ freshness: 'fresh' }, { ...opaque, ready: true }] })
    await verifier.verify('opaque').catch(() => {})
    expect(status()).toMatchObject({ ready: true, issuers: [{}, { failure: 'client_refused', nextAttempt: 1 }] })
    vi.restoreAllMocks()
  })
})

describe('an adapter gives access to its verifier', () => {
  const verifier = createVerifier({ ...api, jwks })

  it('in Express, Fastify, fetch and MCP servers', async () => {
    expect(authenticateJwt({ verifier }).verifier).toBe(verifier)
    expect(createGate({ verifier }).verifier).toBe(verifier)
    const resource = 'https://api.example.com/mcp'
    const ofMcp = createVerifier({ ...api, audience: resource, jwks })
    expect(mcpResource({ resource, scopes: [], verifier: ofMcp }).verifier).toBe(ofMcp)
    const app = fastify()
    await app.register(claimgate, { verifier })
    expect(app.authenticateJwt.verifier).toBe(verifier)
    await app.register(async (scope) => {
      await scope.register(claimgate, { ...api, jwks })
      expect(scope.authenticateJwt.verifier).not.toBe(verifier)
      expect(scope.authenticateJwt.verifier.status?.()).toMatchObject({ ready: true })
    })
  })
})
