import { createVerifier } from '@claimgate/core'
import { HttpRequestInterceptor } from '@mswjs/interceptors/http'
import { createTestKeys, jwksHandlers } from '@claimgate/testing'
import { defineNetwork, InterceptorSource } from 'msw/experimental'
import { http } from 'msw/http'
import { setupServer } from 'msw/node'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

const network = defineNetwork({
  sources: [new InterceptorSource({ interceptors: [new HttpRequestInterceptor()] })],
  handlers: [],
  context: { quiet: true },
  onUnhandledFrame: 'error',
})
beforeAll(() => network.enable())
afterEach(() => network.resetHandlers())
afterAll(() => network.disable())

const { publicJwk } = await createTestKeys('ES256', { kid: 'first' })
const { publicJwk: nextJwk } = await createTestKeys('ES256', { kid: 'second' })
const seen = async (url: string): Promise<unknown> => (await fetch(url)).json()

describe('jwksHandlers under msw', () => {
  it.each([
    ['https://issuer.example', 'https://issuer.example/.well-known/openid-configuration'],
    ['https://issuer.example', 'https://issuer.example/.well-known/oauth-authorization-server'],
    ['https://issuer.example/', 'https://issuer.example/.well-known/openid-configuration'],
    ['https://issuer.example/a/b', 'https://issuer.example/a/b/.well-known/openid-configuration'],
    ['https://issuer.example/a/b', 'https://issuer.example/.well-known/oauth-authorization-server/a/b'],
  ])('answers for %s with metadata at %s, and with the set it names', async (issuer, url) => {
    network.use(...jwksHandlers(http, { issuer, jwks: { keys: [publicJwk] } }))
    const metadata = (await seen(url)) as { issuer: string; jwks_uri: string }
    expect(metadata.issuer).toBe(issuer)
    expect(await seen(metadata.jwks_uri)).toEqual({ keys: [publicJwk] })
  })

  it('serves the current set at another URL', async () => {
    let current = publicJwk
    const jwksUri = 'https://keys.example/set'
    network.use(...jwksHandlers(http, { issuer: 'https://issuer.example', jwks: () => ({ keys: [current] }), jwksUri }))
    expect(await seen('https://issuer.example/.well-known/openid-configuration')).toMatchObject({ jwks_uri: jwksUri })
    expect(await seen(jwksUri)).toEqual({ keys: [publicJwk] })
    current = nextJwk
    expect(await seen(jwksUri)).toEqual({ keys: [nextJwk] })
  })
})

describe('a verifier with keys of jwksHandlers', () => {
  const issuer = 'https://issuer.example'
  const audience = 'orders-api'

  it('sees them with its default transport, because msw intercepts node:http', async () => {
    const keys = await createTestKeys('ES256')
    network.use(...jwksHandlers(http, { issuer, jwks: { keys: [keys.publicJwk] } }))
    const exp = Math.floor(Date.now() / 1000) + 600
    const token = await keys.sign({ iss: issuer, aud: audience, sub: 'ada', exp })
    const verifier = createVerifier({ issuer, audience })
    expect((await verifier.verify(token)).claims.sub).toBe('ada')
    verifier.close()
  })
})

describe('a verifier under setupServer', () => {
  const issuer = 'https://other.invalid'
  const audience = 'orders-api'
  const server = setupServer()

  it('sees jwksHandlers with the fetch of the runtime, not with the default transport', async () => {
    network.disable()
    const verifier = createVerifier({ issuer, audience, fetch: (url, init) => fetch(url, init) })
    const unaware = createVerifier({ issuer, audience })
    server.listen()
    const keys = await createTestKeys('ES256')
    server.use(...jwksHandlers(http, { issuer, jwks: { keys: [keys.publicJwk] } }))
    const exp = Math.floor(Date.now() / 1000) + 600
    const token = await keys.sign({ iss: issuer, aud: audience, sub: 'ada', exp })
    expect((await verifier.verify(token)).claims.sub).toBe('ada')
    await expect(unaware.verify(token)).rejects.toMatchObject({ code: 'keys_unavailable' })
    verifier.close()
    unaware.close()
    server.close()
    network.enable()
  })
})
