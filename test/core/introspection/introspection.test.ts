import { AuthError, claim, createAuthenticator, createVerifier, scope, type VerifierEvent } from '@claimgate/core'
import { createMemoryDenylist, denylist } from '@claimgate/core/denylist'
import {
  clientSecretBasic,
  clientSecretPost,
  createIntrospectionVerifier,
  type IntrospectionOptions,
  privateKeyJwt,
  tlsClient,
} from '@claimgate/core/introspection'
import { localSigner } from '@claimgate/issuer'
import { createTestKeys } from '@claimgate/testing'
import { compactVerify, decodeJwt, decodeProtectedHeader, importJWK } from 'jose'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import {
  active,
  AUDIENCE,
  type IntrospectionServer,
  type Reply,
  startIntrospectionServer,
} from '../../support/introspection/server.ts'

let server: IntrospectionServer
let events: VerifierEvent[]
const SECRET = 'the client secret'

beforeEach(async () => {
  server = await startIntrospectionServer()
  events = []
})
afterEach(async () => server.close())

function verifierOf(more: Partial<IntrospectionOptions> = {}) {
  return createIntrospectionVerifier({
    issuer: server.issuer,
    audience: AUDIENCE,
    client: clientSecretBasic('api', SECRET),
    timeout: 10,
    onEvent: (event) => events.push(event),
    ...more,
  })
}

async function refusal(verified: Promise<unknown>): Promise<AuthError> {
  try {
    await verified
  } catch (error) {
    if (error instanceof AuthError) return error
    throw error
  }
  throw new Error('The token was accepted')
}

async function outcome(verified: Promise<unknown>): Promise<string> {
  try {
    await verified
    return '200'
  } catch (error) {
    if (error instanceof AuthError) return `${error.status} ${error.code}`
    throw error
  }
}

describe('43. an answer of the introspection endpoint', () => {
  const is =
    (body: unknown, more: Partial<Reply> = {}) =>
    () => ({ body, ...more })
  const about = (members: Readonly<Record<string, unknown>>) => (issuer: string) => ({ body: active(issuer, members) })

  it.each<[name: string, expected: string, reply: (issuer: string) => Reply]>([
    ['that the token is active', '200', about({})],
    [
      'with another case of the content type',
      '200',
      (i) => ({ body: active(i), type: 'Application/JSON;charset=UTF-8' }),
    ],
    ['that the token is inactive', '401 token_refused', is({ active: false })],
    ['that the token is inactive, with claims', '401 token_refused', about({ active: false })],
    ['without active', '503 check_unavailable', about({ active: undefined })],
    ['with active as text', '503 check_unavailable', about({ active: 'true' })],
    ['with active as a number', '503 check_unavailable', about({ active: 1 })],
    ['with active of null', '503 check_unavailable', about({ active: null })],
    ['with a member twice', '503 check_unavailable', is('{"active":false,"active":true}')],
    ['with __proto__', '503 check_unavailable', is('{"active":true,"__proto__":{}}')],
    ['that is a list', '503 check_unavailable', is('[{"active":true}]')],
    ['that is true', '503 check_unavailable', is('true')],
    ['that is empty', '503 check_unavailable', is('')],
    ['that is not JSON', '503 check_unavailable', is('{"active":true')],
    ['with a byte order mark', '503 check_unavailable', is('\uFEFF{"active":true}')],
    [
      'that is too deep',
      '503 check_unavailable',
      (i) => ({ body: active(i, { deep: JSON.parse(`${'['.repeat(40)}${']'.repeat(40)}`) }) }),
    ],
    ['that is too large', '503 check_unavailable', about({ large: 'x'.repeat(70_000) })],
    ['that is a web page', '503 check_unavailable', is('<html></html>', { type: 'text/html' })],
    ['with another content type', '503 check_unavailable', (i) => ({ body: active(i), type: 'text/plain' })],
    [
      'that is signed, although JSON was asked for',
      '503 check_unavailable',
      (i) => ({ body: active(i), type: 'application/token-introspection+jwt' }),
    ],
    ['with status 201', '503 check_unavailable', (i) => ({ body: active(i), status: 201 })],
    ['with status 204', '503 check_unavailable', is('', { status: 204 })],
    ['that redirects', '503 check_unavailable', is('', { status: 307, headers: { location: '/introspect' } })],
    ['with status 400', '503 check_unavailable', is({ error: 'invalid_request' }, { status: 400 })],
    [
      'with status 401: wrong credentials of this API',
      '503 check_unavailable',
      is({ error: 'invalid_client' }, { status: 401 }),
    ],
    ['with status 403', '503 check_unavailable', is('', { status: 403 })],
    ['with status 404', '503 check_unavailable', is('', { status: 404 })],
    ['with status 429', '503 check_unavailable', is('', { status: 429 })],
    ['with status 500', '503 check_unavailable', is(active('x'), { status: 500 })],
    ['that comes too late', '503 check_unavailable', (i) => ({ body: active(i), after: 600 })],
    ['without iss: it comes from the issuer that was asked', '200', about({ iss: undefined })],
    ['with another iss', '401 issuer_mismatch', about({ iss: 'https://other.example' })],
    ['without aud', '401 audience_missing', about({ aud: undefined })],
    ['with another aud', '401 audience_mismatch', about({ aud: 'other-api' })],
    ['with this aud among others', '200', about({ aud: ['other-api', AUDIENCE] })],
    ['without exp', '401 claim_missing', about({ exp: undefined })],
    ['with an exp in the past', '401 token_expired', about({ exp: 1 })],
    ['with an exp of the wrong type', '401 claim_malformed', about({ exp: '4102444800' })],
    ['with an nbf in the future', '401 token_not_yet_valid', about({ nbf: 4_000_000_000 })],
    ['about a refresh token', '401 token_type', about({ token_type: 'refresh_token' })],
    ['about a refresh token of Hydra', '401 token_type', about({ token_use: 'refresh_token' })],
    ['with a binding that is not understood', '401 binding_unsupported', about({ cnf: { jkt: 'key' } })],
  ])('%s: %s', async (name, expected, reply) => {
    server.reply = () => reply(server.issuer)
    expect(await outcome(verifierOf(name === 'that comes too late' ? { timeout: 0.2 } : {}).verify('opaque'))).toBe(
      expected,
    )
  })

  it.each([
    ['Bearer', '200'],
    ['DPoP', '401 token_type'],
    [undefined, '401 token_type'],
    ['N_A', '401 token_type'],
    ['urn:ietf:params:oauth:token-type:access_token', '401 token_type'],
  ])('with token_type %s is %s if any audience is accepted', async (type, expected) => {
    server.reply = () => ({ body: active(server.issuer, { token_type: type, aud: undefined }) })
    expect(await outcome(verifierOf({ audience: null }).verify('opaque'))).toBe(expected)
  })

  it.each([
    [undefined, '401 token_type'],
    [{ 'x5t#S256': 'certificate' }, '401 token_type'],
    [{ jkt: 'key' }, '200'],
  ])('with token_type DPoP must name the key of the client: cnf %j is %s', async (cnf, expected) => {
    server.reply = () => ({ body: active(server.issuer, { token_type: 'dpop', cnf }) })
    const context = { confirmations: ['jkt', 'x5t#S256'] }
    expect(await outcome(verifierOf().verify('opaque', context))).toBe(expected)
    expect(await outcome(verifierOf({ audience: null }).verify('opaque', context))).toBe(expected)
  })

  it('cannot be had from a server that is down: 503 with Retry-After', async () => {
    await server.close()
    const error = await refusal(verifierOf({ endpoint: server.endpoint }).verify('opaque'))
    expect([error.status, error.code, error.retryAfter]).toEqual([503, 'check_unavailable', 1])
  })

  it('of 401 and 403 is an event about the client, and never a 401 for the caller', async () => {
    server.reply = () => ({ status: 401, body: { error: 'invalid_client' } })
    const error = await refusal(verifierOf().verify('opaque'))
    expect(error.status).toBe(503)
    expect(error.message).toMatch(/client_refused.*check "client"/)
    expect(events.filter(({ type }) => type !== 'fetch.ended')).toEqual([
      {
        type: 'introspection.failed',
        uri: server.issuer,
        reason: 'client_refused',
        status: 401,
        retryAfter: expect.any(Number),
      },
      { type: 'token.rejected', code: 'check_unavailable', duration: expect.any(Number) },
    ])
  })
})

describe('a verified opaque token', () => {
  it('has the claims of the answer, scopes and no header', async () => {
    const { claims, header, scopes, token } = await verifierOf().verify('good')
    expect(claims).toMatchObject({ sub: 'ada', iss: server.issuer, aud: AUDIENCE })
    expect([header, [...scopes], token]).toEqual([undefined, ['orders:read'], 'good'])
    expect(Object.isFrozen(claims)).toBe(true)
    expect(events.at(-1)).toEqual({ type: 'token.verified', duration: expect.any(Number), cached: false })
  })

  it('meets requirements, checks, schemas and denylists like a JWT', async () => {
    const list = denylist({ store: createMemoryDenylist() })
    const verifier = verifierOf({
      checks: [list],
      requiredClaims: ['sub'],
      scopeHierarchy: { 'orders:read': ['list'] },
    })
    const { scopes } = await verifier.verify('good')
    expect([...scopes]).toEqual(['orders:read', 'list'])
    const authenticator = createAuthenticator({ verifier })
    const view = {
      method: 'GET',
      target: '/',
      header: (name: string) => (name === 'authorization' ? ['Bearer good'] : []),
    }
    const kinds = [scope('list'), scope('orders:write'), claim('sub', 'bob')].map(async (requirement) => {
      const { kind } = await authenticator.authenticate(view, requirement)
      return kind
    })
    expect(await Promise.all(kinds)).toEqual(['authenticated', 'refused', 'refused'])
    await list.denySubject(server.issuer, 'ada')
    expect(await outcome(verifier.verify('good'))).toBe('401 token_refused')
  })

  it('with a binding is accepted where the binding is confirmed', async () => {
    server.reply = () => ({ body: active(server.issuer, { cnf: { jkt: 'key' } }) })
    const verifier = verifierOf()
    expect(await outcome(verifier.verify('opaque', { confirmations: ['jkt'] }))).toBe('200')
    expect(await outcome(verifier.verify('opaque', { confirmations: ['x5t#S256'] }))).toBe('401 binding_unsupported')
  })

  it.each([
    ['too long', 'a'.repeat(16_385), '401 token_too_long'],
    ['with a space', 'a b', '401 token_malformed'],
    ['empty', '', '401 token_malformed'],
    ['no text', 1 as unknown as string, '401 token_malformed'],
  ])('is not sent if it is %s', async (_, token, expected) => {
    expect(await outcome(verifierOf().verify(token))).toBe(expected)
    expect(server.paths).toEqual([])
  })

  it('is explained step by step', async () => {
    server.reply = (token) => ({
      body: token === 'other' ? active(server.issuer, { aud: 'other-api' }) : { active: false },
    })
    const verifier = verifierOf()
    const other = await verifier.explain('other')
    expect([other.accepted, other.code, other.steps[0]]).toMatchObject([
      false,
      'audience_mismatch',
      { step: 'introspection', result: 'passed' },
    ])
    const inactive = await verifier.explain('junk')
    expect(inactive).toMatchObject({
      accepted: false,
      code: 'token_refused',
      steps: [
        { step: 'introspection', result: 'failed' },
        { step: 'claims', result: 'skipped' },
      ],
    })
    server.reply = () => ({ body: active(server.issuer) })
    expect(await verifier.explain('good')).toMatchObject({ accepted: true })
  })
})

describe('a request to the endpoint', () => {
  it('has the token, a hint and an Accept field', async () => {
    await verifierOf().verify('good+/=')
    const [{ form, headers } = { form: new URLSearchParams(), headers: {} }] = server.seen
    expect(Object.fromEntries(form)).toEqual({ token: 'good+/=', token_type_hint: 'access_token' })
    expect(headers).toMatchObject({ accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' })
  })

  it('is about the token of the request, whatever the form of the client has', async () => {
    const client = { clientId: 'api', authenticate: async () => ({ form: { token: 'good', client_id: 'api' } }) }
    expect(await outcome(verifierOf({ client }).verify('junk'))).toBe('401 token_refused')
    expect(Object.fromEntries(server.seen[0]?.form ?? [])).toMatchObject({ token: 'junk', client_id: 'api' })
  })

  it('of clientSecretBasic form-encodes ID and secret (RFC 6749 section 2.3.1)', async () => {
    await verifierOf({ client: clientSecretBasic('api:1', 'a b+c%ü:') }).verify('good')
    const credentials = Buffer.from('api%3A1:a+b%2Bc%25%C3%BC%3A').toString('base64')
    expect(server.seen[0]?.headers.authorization).toBe(`Basic ${credentials}`)
  })

  it('of clientSecretPost has ID and secret in the form', async () => {
    await verifierOf({ client: clientSecretPost('api', SECRET) }).verify('good')
    expect(Object.fromEntries(server.seen[0]?.form ?? [])).toMatchObject({ client_id: 'api', client_secret: SECRET })
    expect(server.seen[0]?.headers.authorization).toBeUndefined()
  })

  it('of privateKeyJwt has a new assertion each time, by a JWK, a PEM or a signer', async () => {
    const { privateJwk, publicJwk } = await createTestKeys('ES256')
    const signer = await localSigner()
    const { subtle } = crypto
    const pair = await subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
    const der = Buffer.from(await subtle.exportKey('pkcs8', pair.privateKey)).toString('base64')
    const pem = `-----BEGIN PRIVATE KEY-----\n${der}\n-----END PRIVATE KEY-----`
    for (const [client, key, alg] of [
      [privateKeyJwt('api', privateJwk), publicJwk, 'ES256'],
      [privateKeyJwt('api', signer), signer.publicJwk, signer.alg],
      [privateKeyJwt('api', pem, { alg: 'ES256', kid: 'k' }), await subtle.exportKey('jwk', pair.publicKey), 'ES256'],
    ] as const) {
      server.seen.length = 0
      const verifier = verifierOf({ client, cache: false })
      await verifier.verify('good')
      await verifier.verify('good')
      const [one = '', two = ''] = server.seen.map(({ form }) => form.get('client_assertion') ?? '')
      await compactVerify(one, await importJWK(key as never, alg))
      expect(decodeJwt(one)).toMatchObject({ iss: 'api', sub: 'api', aud: server.issuer, exp: expect.any(Number) })
      expect(decodeJwt(one).jti).not.toBe(decodeJwt(two).jti)
      expect(decodeProtectedHeader(one)).toMatchObject({ alg, kid: expect.any(String) })
    }
  })

  it('of tlsClient has the client ID, and needs a fetch with the certificate', async () => {
    expect(() => verifierOf({ client: tlsClient('api') })).toThrow('tlsClient needs a "fetch"')
    server.metadata = (defaults) => ({
      ...defaults,
      mtls_endpoint_aliases: { introspection_endpoint: `${server.issuer}/introspect?tls` },
    })
    const urls: string[] = []
    const answer = async (url: string): Promise<Response> => {
      urls.push(url)
      return fetch(url)
    }
    await refusal(verifierOf({ client: tlsClient('api'), fetch: answer }).verify('good'))
    expect(urls.at(-1)).toBe(`${server.issuer}/introspect?tls`)
  })

  it.each([
    ['no ID', () => clientSecretBasic('', SECRET)],
    ['no secret', () => clientSecretPost('api', undefined as never)],
    ['a public key', () => privateKeyJwt('api', { kty: 'EC', alg: 'ES256' })],
    ['a key without alg', () => privateKeyJwt('api', { kty: 'EC', d: 'd' })],
    ['no key', () => privateKeyJwt('api', undefined as never)],
  ])('with %s fails at start-up', (_, make) => {
    expect(make).toThrow(/^Cannot authenticate client: /)
  })
})

describe('the endpoint', () => {
  it('comes from the metadata of the issuer, which is fetched once', async () => {
    const verifier = verifierOf()
    await verifier.ready()
    await verifier.verify('good')
    await verifier.verify('good2')
    expect(server.paths).toEqual(['/.well-known/openid-configuration', '/introspect', '/introspect'])
  })

  it('may be given, without metadata', async () => {
    await verifierOf({ endpoint: new URL(server.endpoint) }).verify('good')
    expect(server.paths).toEqual(['/introspect'])
  })

  it.each<[name: string, metadata: (defaults: object) => object]>([
    ['of another issuer', (defaults) => ({ ...defaults, issuer: 'https://other.example' })],
    ['without an endpoint', (defaults) => ({ ...defaults, introspection_endpoint: undefined })],
    [
      'with an endpoint on another host',
      (defaults) => ({ ...defaults, introspection_endpoint: 'https://other.example/i' }),
    ],
    [
      'with an endpoint by plain http',
      (defaults) => ({ ...defaults, introspection_endpoint: 'http://other.example/i' }),
    ],
    [
      'with credentials in the endpoint',
      (defaults) => ({ ...defaults, introspection_endpoint: server.endpoint.replace('//', '//a:b@') }),
    ],
  ])('is not taken from metadata %s: 503', async (_, metadata) => {
    server.metadata = metadata
    const verifier = verifierOf()
    expect(await outcome(verifier.ready())).toBe('503 check_unavailable')
    expect(await outcome(verifier.verify('good'))).toBe('503 check_unavailable')
    expect(server.seen).toEqual([])
  })

  it.each<[name: string, options: Partial<IntrospectionOptions>]>([
    ['that is plain http', { endpoint: 'http://auth.example.com/introspect' }],
    ['that is no URL', { endpoint: 'introspect' }],
    ['with credentials', { endpoint: 'https://a:b@auth.example.com/introspect' }],
    ['that is missing, without an issuer', { issuer: null }],
    ['of an issuer that is no URL', { issuer: 'orders' }],
  ])('%s is a configuration error', (_, options) => {
    expect(() => verifierOf(options)).toThrow(/^Cannot create introspection verifier: /)
  })
})

describe('tokens that are JWTs', () => {
  it('are verified by "jwts" and never sent', async () => {
    const keys = await createTestKeys('ES256')
    const exp = Math.floor(Date.now() / 1000) + 60
    const jwt = await keys.sign({ iss: server.issuer, aud: AUDIENCE, sub: 'bob', exp })
    const jwts = createVerifier({ issuer: server.issuer, audience: AUDIENCE, jwks: { keys: [keys.publicJwk] } })
    const verifier = verifierOf({ jwts })
    expect((await verifier.verify(jwt)).claims.sub).toBe('bob')
    expect((await verifier.explain(jwt)).accepted).toBe(true)
    const [header = '', payload = '', signature = ''] = jwt.split('.')
    const twice = Buffer.from('{"alg":"ES256","alg":"ES256"}').toString('base64url')
    const bad = [
      `${jwt}A`,
      `${header}.${payload}.`,
      `${header}=.${payload}.${signature}`,
      `${header}..`,
      `${twice}.a.b`,
      `${'ey'.repeat(9000)}.a.b`,
    ]
    for (const token of bad) expect(await outcome(verifier.verify(token)), token.slice(0, 20)).toMatch(/^401 /)
    expect(server.paths).toEqual([])
    for (const token of ['good', 'good.a', 'good.a.b', 'good.a.b.c'])
      expect(await outcome(verifier.verify(token))).toBe('200')
    expect(server.seen).toHaveLength(4)
  })

  it('are sent like any other without "jwts"', async () => {
    const keys = await createTestKeys('ES256')
    server.reply = () => ({ body: active(server.issuer) })
    expect(await outcome(verifierOf().verify(await keys.sign({})))).toBe('200')
  })
})

describe('errors, events and logs', () => {
  it('contain no token and no secret, whatever a fetch throws', async () => {
    const leaks = async (_url: string, init: object): Promise<Response> => {
      throw Object.assign(new Error(JSON.stringify(init)), { cause: new Error(JSON.stringify(init)), init })
    }
    for (const client of [clientSecretBasic('api', 'top-secret'), clientSecretPost('api', 'top-secret')]) {
      const verifier = verifierOf({ client, endpoint: 'https://auth.example.com/i', fetch: leaks })
      const error = await refusal(verifier.verify('the-token'))
      const cause = error.cause as Error
      const text = [
        error.message,
        error.hint,
        cause.message,
        JSON.stringify(cause),
        String(cause.cause),
        JSON.stringify(events),
        JSON.stringify(await verifier.explain('the-token')),
      ].join()
      for (const secret of ['the-token', 'top-secret', btoa('api:top-secret')]) expect(text).not.toContain(secret)
    }
  })

  it('keep the code of a system error', async () => {
    await server.close()
    const error = await refusal(verifierOf({ endpoint: server.endpoint }).verify('opaque'))
    expect((error.cause as Error).message).toContain('ECONNREFUSED')
  })
})

describe('options', () => {
  it.each<[name: string, options: object, message: RegExp]>([
    ['a missing client', { client: undefined }, /"client" must be how this API authenticates/],
    ['an unknown option', { tokenCache: false }, /there is no option "tokenCache"/],
    ['a profile', { profile: 'rfc9068' }, /there is no option "profile"/],
    ['another kind of answer', { answers: 'jwt' }, /"answers" must be "json" or "signed"/],
    ['keys for JSON', { keys: { resolve: async () => ({}) } }, /"keys" is for signed answers/],
    [
      'a cache that is too long',
      { cache: { maxAge: 301 } },
      /"cache.maxAge" must be a number of seconds from 0 to 300/,
    ],
    ['a wrong claim rule', { clockTolerance: 301 }, /"clockTolerance"/],
    ['jwts of undefined', { jwts: undefined }, /"jwts" must not be undefined/],
  ])('%s fails at start-up', (_, options, message) => {
    expect(() => verifierOf(options)).toThrow(message)
  })
})
