import { AuthError, createVerifier, type Verifier, type VerifierOptions } from '@claimgate/core'
import { createTestKeys } from '@claimgate/testing'
import { afterEach, describe, expect, it } from 'vitest'

import {
  apiFor,
  type AuthorizationServer,
  type AuthorizationServerOptions,
  OPAQUE_API,
  startAuthorizationServer,
  SUBJECT,
} from '../support/interop/authorization-server.ts'
import { authorizationCode, CLIENT_ID, clientCredentials } from '../support/interop/client.ts'

const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519']
const API = apiFor('ES256')
const keyFor = async (alg: string, generation = 0) =>
  (await createTestKeys(alg, { kid: `${alg} key`, generation })).privateJwk

const cleanUps: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp()
})

async function start(options: Partial<AuthorizationServerOptions> = {}): Promise<AuthorizationServer> {
  const server = await startAuthorizationServer({ keys: [await keyFor('ES256')], ...options })
  cleanUps.push(server.close)
  return server
}

function verifierOf(options: VerifierOptions): Verifier {
  const verifier = createVerifier(options)
  cleanUps.push(verifier.close)
  return verifier
}

async function answer(verifier: Verifier, token: string): Promise<string> {
  try {
    await verifier.verify(token)
    return 'verified'
  } catch (error) {
    if (error instanceof AuthError) return `${error.status} ${error.code}`
    throw error
  }
}

describe('access tokens of oidc-provider, with only issuer and audience configured', () => {
  it.each(ALGORITHMS)('are verified with the profile of RFC 9068: %s', async (alg) => {
    const server = await start({ keys: await Promise.all(ALGORITHMS.map(async (name) => keyFor(name))) })
    const verifier = verifierOf({ issuer: server.issuer, audience: apiFor(alg), profile: 'rfc9068' })
    const token = await clientCredentials(server.issuer, apiFor(alg))
    const { header, claims, scopes } = await verifier.verify(token)
    expect(header).toEqual({ alg, kid: `${alg} key`, typ: 'at+jwt' })
    expect(claims).toMatchObject({ iss: server.issuer, aud: apiFor(alg), sub: CLIENT_ID, client_id: CLIENT_ID })
    expect([...scopes]).toEqual(['orders:read'])
    const [head = '', body = '', signature = ''] = token.split('.')
    const changed = { ...claims, sub: 'bob' }
    const forged = [head, Buffer.from(JSON.stringify(changed)).toString('base64url'), signature].join('.')
    expect(body).not.toBe(forged.split('.')[1])
    expect(await answer(verifier, forged)).toBe('401 signature_invalid')
  })

  it('are verified with a single algorithm allowed, and refused with another', async () => {
    const server = await start({ keys: await Promise.all(ALGORITHMS.map(async (name) => keyFor(name))) })
    const token = await clientCredentials(server.issuer, apiFor('EdDSA'))
    const options = { issuer: server.issuer, audience: apiFor('EdDSA') }
    expect(await answer(verifierOf({ ...options, algorithms: ['EdDSA'] }), token)).toBe('verified')
    expect(await answer(verifierOf({ ...options, algorithms: ['Ed25519'] }), token)).toBe('401 algorithm_not_allowed')
  })

  it('are verified for a user who logged in', async () => {
    const server = await start()
    const { access_token: token } = await authorizationCode(server.issuer, API)
    const verifier = verifierOf({ issuer: server.issuer, audience: API, profile: 'rfc9068', clientId: CLIENT_ID })
    expect((await verifier.verify(token)).claims).toMatchObject({ sub: SUBJECT, client_id: CLIENT_ID })
  })

  it('are refused for another audience, and the explanation names both', async () => {
    const server = await start()
    const verifier = verifierOf({ issuer: server.issuer, audience: 'https://other-api.example' })
    const token = await clientCredentials(server.issuer, API)
    expect(await answer(verifier, token)).toBe('401 audience_mismatch')
    const { summary } = await verifier.explain(token)
    expect(summary).toContain('https://other-api.example')
    expect(summary).toContain(API)
  })
})

describe('other tokens of oidc-provider', () => {
  it.each([
    ['with the profile of RFC 9068', { profile: 'rfc9068' }],
    ['without a profile', {}],
    ['even if the audience is the client', { audience: CLIENT_ID }],
  ] as const)('an ID token is refused and identified as one, %s', async (_, options) => {
    const server = await start()
    const { id_token: idToken } = await authorizationCode(server.issuer, API)
    const verifier = verifierOf({ issuer: server.issuer, audience: API, ...options })
    expect(await answer(verifier, idToken)).toBe('401 token_type')
    const explanation = await verifier.explain(idToken)
    expect(explanation.code).toBe('token_type')
    expect(explanation.steps).toContainEqual(expect.objectContaining({ step: 'signature', result: 'passed' }))
    expect(explanation.summary).toMatch(/This looks like an ID token: it has a nonce.*Send the access token instead/)
  })

  it('an opaque access token is refused with a hint at introspection, without a request to the server', async () => {
    const server = await start()
    const token = await clientCredentials(server.issuer, OPAQUE_API)
    const before = server.paths.length
    const verifier = verifierOf({ issuer: server.issuer, audience: OPAQUE_API })
    expect(await answer(verifier, token)).toBe('401 token_malformed')
    const { summary } = await verifier.explain(token)
    expect(summary).toMatch(/opaque token needs introspection/)
    expect(summary).not.toContain(token)
    expect(server.paths).toHaveLength(before)
  })
})

describe('the metadata of oidc-provider', () => {
  it.each([
    ['OpenID Connect Discovery', {}, ['/.well-known/openid-configuration', '/jwks']],
    [
      'OpenID Connect Discovery, with a path in the issuer',
      { path: '/tenant' },
      ['/tenant/.well-known/openid-configuration', '/tenant/jwks'],
    ],
    [
      'RFC 8414',
      { without: ['openid-configuration'] },
      ['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server', '/jwks'],
    ],
    [
      'RFC 8414, with a path in the issuer',
      { path: '/tenant', without: ['openid-configuration'] },
      ['/tenant/.well-known/openid-configuration', '/.well-known/oauth-authorization-server/tenant', '/tenant/jwks'],
    ],
  ] as const)('is found by %s', async (_, options, expected) => {
    const server = await start(options)
    const token = await clientCredentials(server.issuer, API)
    const before = server.paths.length
    const verifier = verifierOf({ issuer: server.issuer, audience: API, profile: 'rfc9068' })
    expect(await answer(verifier, token)).toBe('verified')
    expect(await answer(verifier, token)).toBe('verified')
    expect(server.paths.slice(before)).toEqual(expected)
  })

  it('cannot be used with another spelling of the issuer', async () => {
    const server = await start()
    const verifier = verifierOf({ issuer: `${server.issuer}/`, audience: API })
    await expect(verifier.ready()).rejects.toMatchObject({
      code: 'keys_unavailable',
      status: 503,
      cause: { reason: 'issuer_mismatch' },
    })
  })
})

describe('two authorization servers that use the same key ID', () => {
  const startTwo = async (): Promise<[AuthorizationServer, AuthorizationServer]> => [
    await start(),
    await start({ keys: [await keyFor('ES256', 1)] }),
  ]

  it('are distinguished by a verifier for one of them, without a request to the other', async () => {
    const [one, other] = await startTwo()
    const token = await clientCredentials(other.issuer, API)
    const before = other.paths.length
    const verifier = verifierOf({ issuer: one.issuer, audience: API })
    expect(await answer(verifier, token)).toBe('401 issuer_mismatch')
    expect(one.paths).toEqual([])
    expect(other.paths).toHaveLength(before)
  })

  it('are both trusted by one verifier, each with its own keys and audience', async () => {
    const [one, other] = await startTwo()
    const verifier = verifierOf({
      issuers: [
        { issuer: one.issuer, audience: API },
        { issuer: other.issuer, audience: apiFor('RS256') },
      ],
    })
    expect(await answer(verifier, await clientCredentials(one.issuer, API))).toBe('verified')
    expect(await answer(verifier, await clientCredentials(other.issuer, API))).toBe('401 audience_mismatch')
    other.restart([await keyFor('RS256', 1)])
    expect(await answer(verifier, await clientCredentials(other.issuer, apiFor('RS256')))).toBe('verified')
  })

  it('are found by a function, which is called for no other issuer', async () => {
    const [one, other] = await startTwo()
    const verifier = verifierOf({
      issuers: async (iss) => (iss === one.issuer ? { issuer: iss, audience: API } : undefined),
    })
    expect(await answer(verifier, await clientCredentials(one.issuer, API))).toBe('verified')
    expect(await answer(verifier, await clientCredentials(other.issuer, API))).toBe('401 issuer_unknown')
  })
})
