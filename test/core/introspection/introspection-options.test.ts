import { clientSecretBasic, createIntrospectionVerifier, tlsClient } from '@claimgate/core/introspection'
import { describe, expect, it } from 'vitest'
import { fakeVerifier } from '../../support/core/fake-verifier.ts'
import { active } from '../../support/introspection/server.ts'
import { ISSUER, setUp } from '../../support/introspection/still-endpoint.ts'

const create = (options: object): unknown =>
  createIntrospectionVerifier({
    issuer: ISSUER,
    audience: 'orders-api',
    client: clientSecretBasic('api', 'secret'),
    endpoint: `${ISSUER}/introspect`,
    ...options,
  })

describe('43. A verifier of opaque tokens', () => {
  const STORE = 'must be an object { get, set }'
  const ALGORITHMS = '"algorithms" must be a list of algorithms, such as ["RS256"]'
  const CACHE = '"cache" must be false, or an object such as { maxAge: 30 }'
  const CLIENT = '"client" must be how this API authenticates, such as clientSecretBasic(id, secret)'

  it.each<readonly [object, string]>([
    [{ cache: { store: new Map() } }, STORE],
    [{ cache: { store: 'redis' } }, STORE],
    [{ cache: { store: null } }, '"cache.store" must not be null'],
    [{ cache: { store: { get: async () => undefined } } }, STORE],
    [{ cache: { store: { set: async () => undefined } } }, STORE],
    [{ cache: true }, CACHE],
    [{ cache: 0 }, CACHE],
    [{ cache: 'no' }, CACHE],
    [{ cache: null }, '"cache" must not be null'],
    [{ cache: { maxAge: 301 } }, 'maxAge" must be'],
    [{ cache: { maxAge: -1 } }, 'maxAge" must be'],
    [{ cache: { negativeMaxAge: 301 } }, 'negativeMaxAge" must be'],
    [{ cache: { maxEntries: 0 } }, 'maxEntries" must be'],
    [{ cache: { maxEntries: 1.5 } }, 'maxEntries" must be'],
    [{ answers: 'signed', algorithms: [] }, ALGORITHMS],
    [{ answers: 'signed', algorithms: 'RS256' }, ALGORITHMS],
    [{ answers: 'signed', algorithms: ['none'] }, ALGORITHMS],
    [{ answers: 'signed', algorithms: ['RS256', 'other'] }, ALGORITHMS],
    [{ answers: 'signed', algorithms: { 0: 'RS256', length: 1 } }, ALGORITHMS],
    [{ answers: 'signed', decrypt: 'key' }, '"decrypt" must be a function'],
    [{ answers: 'signed', decrypt: {} }, '"decrypt" must be a function'],
    [{ answers: 'signed', keys: {} }, '"keys" must be a key source with a resolve method'],
    [{ answers: 'signed', issuer: null }, 'signed answers need an "issuer"'],
    [{ answers: 'jwt' }, '"answers" must be'],
    [
      { keys: { resolve: async () => undefined } },
      '"keys" is for signed answers: add "answers": "signed", or leave it',
    ],
    [{ algorithms: ['RS256'] }, '"algorithms" is for signed answers: add "answers": "signed", or leave it out'],
    [
      { decrypt: async () => new Uint8Array() },
      '"decrypt" is for signed answers: add "answers": "signed", or leave it',
    ],
    [{ client: tlsClient('api') }, 'tlsClient needs a "fetch" that presents the client certificate'],
    [{ client: { clientId: 'api' } }, `${CLIENT}, found "an object"`],
    [{ client: { clientId: 1, authenticate: async () => ({}) } }, `${CLIENT}, found "an object"`],
    [{ client: 'the secret' }, `${CLIENT}, found "a string"`],
    [{ client: undefined }, CLIENT],
    [{ endpoint: 'introspect' }, '"endpoint" must be the URL of the introspection endpoint, found "a string"'],
    [{ jwts: {} }, '"jwts" must be a verifier, which createVerifier makes'],
    [{ jwts: { verify: async () => ({}) } }, '"jwts" must be a verifier, which createVerifier makes'],
    [{ jwts: fakeVerifier({ dependsOnRequest: true }) }, '"jwts" must not depend on the request'],
    [{ timeout: 31 }, '"timeout" must be'],
    [{ maxInFlight: 1001 }, '"maxInFlight" must be'],
    [{ audience: undefined }, 'audience'],
  ])('is not created with %o', (options, message) => {
    expect(() => create(options)).toThrow(TypeError)
    expect(() => create(options)).toThrow('Cannot create introspection verifier: ')
    expect(() => create(options)).toThrow(message)
  })

  it.each<readonly [object]>([
    [{ cache: false }],
    [{ cache: {} }],
    [{ cache: { maxAge: 0, negativeMaxAge: 0, maxEntries: 1 } }],
    [{ cache: { maxAge: 300, negativeMaxAge: 300, maxEntries: 1_000_000 } }],
    [{ cache: { store: { get: async () => undefined, set: async () => undefined } } }],
    [{ answers: 'json', issuer: null }],
    [{ answers: 'signed', algorithms: ['RS256', 'ES256'], decrypt: async () => new Uint8Array() }],
    [{ client: tlsClient('api'), fetch: async () => new Response() }],
    [{ timeout: 30, maxInFlight: 1000 }],
    [{ timeout: 0.01, maxInFlight: 1 }],
    [{ jwts: fakeVerifier() }],
    [{ roleSource: ['realm_access', 'roles'] }],
  ])('is created with %o', (options) => {
    expect(() => create(options)).not.toThrow()
  })

  it('needs an endpoint, if there is no issuer', () => {
    const client = clientSecretBasic('api', 'secret')
    expect(() => createIntrospectionVerifier({ issuer: null, audience: 'a', client })).toThrow(
      'without an "issuer", give the "endpoint"',
    )
  })

  it('needs options', () => {
    expect(() => createIntrospectionVerifier(undefined as never)).toThrow(
      'give options with "issuer", "audience" and "client"',
    )
  })
})

describe('43. The "token_type" of an answer', () => {
  it.each<readonly [object, string]>([
    [{ token_type: 'xrefresh' }, '200'],
    [{ token_type: ['refresh'] }, '200'],
    [{ token_type: 'refresh' }, '401 token_type'],
    [{ token_type: 'REFRESH_TOKEN' }, '401 token_type'],
    [{ token_use: 'refresh' }, '401 token_type'],
    [{ token_use: 'access' }, '200'],
    [{ token_type: 'xdpop' }, '200'],
    [{ token_type: 'dpopx' }, '200'],
    [{ token_type: ['dpop'] }, '200'],
    [{ token_type: 'dpop' }, '401 token_type'],
    [{ token_type: 'Bearer' }, '200'],
    [{ token_type: 'other' }, '200'],
    [{ token_type: undefined }, '200'],
  ])('of %j counts: %s', async (members, expected) => {
    const { endpoint, now, outcome } = setUp()
    endpoint.reply = () => Response.json(active(ISSUER, { exp: now() + 60, ...members }))
    expect(await outcome('good')).toBe(expected)
  })
})
