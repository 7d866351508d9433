import {
  type AuthError,
  createAuthenticator,
  createVerifier,
  type ProtectedResource,
  type ResourceResponse,
  scope,
} from '@claimgate/core'
import { clientSecretBasic, createIntrospectionVerifier } from '@claimgate/core/introspection'
import { createNestedVerifier } from '@claimgate/core/jwe'
import { protectedResource, type ProtectedResourceOptions } from '@claimgate/core/metadata'
import { createTestKeys, createTestClock } from '@claimgate/testing'
import { SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { toyDpop } from '../../support/adapters/toy-dpop.ts'

const ISSUER = 'https://as1.example.com'
const RESOURCE = 'https://resource.example.com'
const WELL_KNOWN = '/.well-known/oauth-protected-resource'
const { publicJwk, privateKey } = await createTestKeys('ES256')
const jwks = { keys: [publicJwk] }
const { privateKey: decryptionKey } = await crypto.subtle.generateKey({ name: 'ECDH', namedCurve: 'P-256' }, true, [
  'deriveBits',
])
const encryptionKey = await crypto.subtle.exportKey('jwk', decryptionKey)

const view = (target: string, method = 'GET', fields: Readonly<Record<string, string>> = {}) => ({
  method,
  target,
  header: (name: string) => (Object.hasOwn(fields, name) ? [fields[name] ?? ''] : []),
})

async function get(resource: ProtectedResource, target = resource.paths[0] ?? ''): Promise<ResourceResponse> {
  const answer = resource.answer(view(target))
  if (answer === undefined) throw new Error(`${target} is not answered`)
  return answer
}

const documentOf = async (resource: ProtectedResource): Promise<unknown> =>
  JSON.parse((await get(resource)).body) as unknown

const token = (aud: string): Promise<string> =>
  new SignJWT({ scope: 'profile' })
    .setProtectedHeader({ alg: 'ES256', kid: publicJwk.kid ?? '' })
    .setIssuer(ISSUER)
    .setAudience(aud)
    .setExpirationTime('5m')
    .sign(privateKey)

it('47. An option that is undefined leaves a member to what is known', async () => {
  const resource = protectedResource({
    resource: RESOURCE,
    dpopBoundAccessTokensRequired: undefined,
    tlsClientCertificateBoundAccessTokens: undefined,
  })
  resource.learn({ confirmations: ['x5t#S256'] })
  expect(await documentOf(resource)).toMatchObject({ tls_client_certificate_bound_access_tokens: true })
})

describe('47. the examples of RFC 9728', () => {
  it('section 3.2: the document', async () => {
    const example = `{
      "resource":
        "https://resource.example.com",
      "authorization_servers":
        ["https://as1.example.com",
         "https://as2.example.net"],
      "bearer_methods_supported":
        ["header", "body"],
      "scopes_supported":
        ["profile", "email", "phone"],
      "resource_documentation":
        "https://resource.example.com/resource_documentation.html"
    }`
    const resource = protectedResource({
      resource: 'https://resource.example.com',
      authorizationServers: ['https://as1.example.com', 'https://as2.example.net'],
      bearerMethodsSupported: ['header', 'body'],
      scopesSupported: ['profile', 'email', 'phone'],
      resourceDocumentation: 'https://resource.example.com/resource_documentation.html',
    })
    const { status, headers, body } = await get(resource, WELL_KNOWN)
    expect(body).toBe(JSON.stringify(JSON.parse(example)))
    expect([status, headers['content-type']]).toEqual([200, 'application/json'])
  })

  it('section 3.1: the request for a resource with a path', async () => {
    const resource = protectedResource({ resource: 'https://resource.example.com/resource1' })
    expect(await get(resource, '/.well-known/oauth-protected-resource/resource1')).toMatchObject({ status: 200 })
  })

  it('section 5.1: the challenge', async () => {
    const authenticator = createAuthenticator({
      issuer: ISSUER,
      jwks,
      resource: protectedResource({ resource: RESOURCE }),
    })
    const outcome = await authenticator.authenticate(view('/'))
    const challenge =
      outcome.kind === 'refused'
        ? (outcome.response.headers['www-authenticate'] ?? '').replace('realm="api", ', '')
        : ''
    expect(challenge).toBe(
      'Bearer resource_metadata="https://resource.example.com/.well-known/oauth-protected-resource"',
    )
  })
})

describe('47. the address of the metadata', () => {
  it.each<readonly [resource: string, path: string]>([
    ['https://h.example', WELL_KNOWN],
    ['https://h.example/', WELL_KNOWN],
    ['https://h.example/public/mcp', `${WELL_KNOWN}/public/mcp`],
    ['https://h.example/mcp/', `${WELL_KNOWN}/mcp/`],
    ['https://h.example/a?b=c', `${WELL_KNOWN}/a?b=c`],
    ['https://h.example?b=c', `${WELL_KNOWN}?b=c`],
    ['https://h.example:8443/a%20b', `${WELL_KNOWN}/a%20b`],
    ['http://127.0.0.1:3000/mcp', `${WELL_KNOWN}/mcp`],
    ['http://localhost:3000', WELL_KNOWN],
  ])('of %s is %s', async (identifier, path) => {
    const resource = protectedResource({ resource: identifier })
    expect(resource.metadataUri).toBe(`${new URL(identifier).origin}${path}`)
    expect(await documentOf({ ...resource, paths: [path] })).toEqual({ resource: identifier })
  })

  it.each([
    `${WELL_KNOWN}/mcp/`,
    `${WELL_KNOWN}/MCP`,
    `${WELL_KNOWN}/mcp/..`,
    `${WELL_KNOWN}/./mcp`,
    WELL_KNOWN,
    `/${WELL_KNOWN}/mcp`,
    '/.well-known/oauth%2Dprotected-resource/mcp',
    '/.well-known%2Foauth-protected-resource/mcp',
    '/mcp',
    '/mcp/.well-known/oauth-protected-resource',
    '/x?/.well-known/oauth-protected-resource/mcp',
    '/.well-known/oauth-protected-resource/mcp#',
    '/orders/../.well-known/oauth-protected-resource/mcp',
    '*',
    '',
  ])('is compared exactly: %s is another address', (target) => {
    expect(protectedResource({ resource: 'https://h.example/mcp' }).answer(view(target))).toBeUndefined()
  })

  it('is the same in absolute form, and with a query that the resource does not have', async () => {
    const resource = protectedResource({ resource: 'https://h.example/mcp' })
    for (const target of [`http://other.example${WELL_KNOWN}/mcp`, `${WELL_KNOWN}/mcp?v=1`, `${WELL_KNOWN}/mcp?`])
      expect(await get(resource, target)).toMatchObject({ status: 200 })
    const withQuery = protectedResource({ resource: 'https://h.example/mcp?tenant=a' })
    for (const target of [`${WELL_KNOWN}/mcp`, `${WELL_KNOWN}/mcp?tenant=b`, `${WELL_KNOWN}/mcp?tenant=a&b`])
      expect(withQuery.answer(view(target))).toBeUndefined()
  })

  it('can also be the root, or the path that a proxy makes of it', async () => {
    const atRoot = protectedResource({ resource: 'https://h.example/mcp', atRoot: true })
    expect(atRoot.paths).toEqual([`${WELL_KNOWN}/mcp`, WELL_KNOWN])
    expect((await get(atRoot, WELL_KNOWN)).body).toBe((await get(atRoot)).body)
    const moved = protectedResource({ resource: 'https://h.example/shop', path: '/metadata' })
    expect(moved.metadataUri).toBe(`https://h.example${WELL_KNOWN}/shop`)
    expect(moved.answer(view(`${WELL_KNOWN}/shop`))).toBeUndefined()
    expect(await get(moved, '/metadata')).toMatchObject({ status: 200 })
  })

  it.each(['POST', 'PUT', 'DELETE', 'get', 'QUERY', 'TRACE'])('is not answered with %s', (method) => {
    const resource = protectedResource({ resource: RESOURCE })
    expect(resource.answer(view(WELL_KNOWN, method))).toBeUndefined()
  })
})

describe('47. the response with the metadata', () => {
  const resource = protectedResource({ resource: RESOURCE, maxAge: 60 })

  it('may be cached and read from every origin', async () => {
    const { headers } = await get(resource)
    expect(headers).toEqual({
      'access-control-allow-origin': '*',
      'cache-control': 'public, max-age=60',
      'content-type': 'application/json',
      etag: expect.stringMatching(/^"[\w-]{22}"$/) as string,
    })
    const preflight = await resource.answer(view(WELL_KNOWN, 'OPTIONS', { 'access-control-request-method': 'GET' }))
    expect(preflight).toEqual({
      status: 204,
      body: '',
      headers: {
        'access-control-allow-origin': '*',
        allow: 'GET, HEAD, OPTIONS',
        'access-control-allow-methods': 'GET, HEAD',
        'access-control-allow-headers': '*',
        'access-control-max-age': '86400',
      },
    })
  })

  it('is 304 for a client that has the current document', async () => {
    const { headers } = await get(resource)
    const etag = headers['etag'] ?? ''
    for (const value of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const answer = await resource.answer(view(WELL_KNOWN, 'GET', { 'if-none-match': value }))
      expect(answer).toMatchObject({ status: 304, body: '', headers: { etag } })
    }
    for (const value of ['"other"', etag.slice(1, -1), ''])
      expect(await resource.answer(view(WELL_KNOWN, 'GET', { 'if-none-match': value }))).toMatchObject({ status: 200 })
  })

  it('has another ETag once the metadata changes, and the same one if nothing is new', async () => {
    const changing = protectedResource({ resource: RESOURCE })
    const first = await get(changing)
    changing.learn({ scopes: ['a'] })
    const second = await get(changing)
    changing.learn({ scopes: ['a'] })
    expect((await get(changing)).headers['etag']).toBe(second.headers['etag'])
    expect(second.headers['etag']).not.toBe(first.headers['etag'])
  })
})

describe('47. the members of the metadata', () => {
  it('are what the options state, and no member is an empty list', async () => {
    const resource = protectedResource({
      resource: 'https://API.example.com/mcp',
      authorizationServers: [],
      scopesSupported: [],
      bearerMethodsSupported: [],
      resourceName: 'Orders',
      resourcePolicyUri: 'https://api.example.com/policy',
      resourceTosUri: 'https://api.example.com/tos',
      jwksUri: 'https://api.example.com/jwks.json',
      resourceSigningAlgValuesSupported: ['ES256'],
      authorizationDetailsTypesSupported: ['payment'],
      dpopSigningAlgValuesSupported: ['ES256'],
      dpopBoundAccessTokensRequired: true,
      tlsClientCertificateBoundAccessTokens: false,
      additional: { 'resource_name#fr': 'Commandes' },
    })
    resource.learn({ issuers: [ISSUER], scopes: ['a'], bearerMethods: ['header'] })
    expect(await documentOf(resource)).toEqual({
      resource: 'https://API.example.com/mcp',
      jwks_uri: 'https://api.example.com/jwks.json',
      resource_signing_alg_values_supported: ['ES256'],
      resource_name: 'Orders',
      'resource_name#fr': 'Commandes',
      resource_policy_uri: 'https://api.example.com/policy',
      resource_tos_uri: 'https://api.example.com/tos',
      tls_client_certificate_bound_access_tokens: false,
      authorization_details_types_supported: ['payment'],
      dpop_signing_alg_values_supported: ['ES256'],
      dpop_bound_access_tokens_required: true,
    })
  })

  it('come from the authenticator if the options do not state them', async () => {
    const resource = protectedResource({ resource: RESOURCE })
    expect(await documentOf(resource)).toEqual({ resource: RESOURCE })
    createAuthenticator({ issuer: ISSUER, jwks, resource, credentials: [{ from: 'authorization' }, { from: 'form' }] })
    expect(await documentOf(resource)).toEqual({
      resource: RESOURCE,
      authorization_servers: [ISSUER],
      bearer_methods_supported: ['header', 'body'],
    })
  })

  it('say which bound tokens are accepted', async () => {
    const mtls = { ...toyDpop, confirmation: 'x5t#S256', scheme: 'Bearer' }
    const bound = async (...bindings: readonly (typeof toyDpop)[]): Promise<unknown> => {
      const resource = protectedResource({ resource: RESOURCE, authorizationServers: [], bearerMethodsSupported: [] })
      createAuthenticator({ issuer: ISSUER, jwks, resource, bindings, unboundTokens: 'refuse' })
      return documentOf(resource)
    }
    const dpopAlgorithms = { dpop_signing_alg_values_supported: ['ES256'] }
    const certificates = { tls_client_certificate_bound_access_tokens: true }
    expect(await bound(toyDpop)).toEqual({
      resource: RESOURCE,
      ...dpopAlgorithms,
      dpop_bound_access_tokens_required: true,
    })
    expect(await bound(mtls)).toEqual({ resource: RESOURCE, ...certificates })
    expect(await bound(toyDpop, mtls)).toEqual({ resource: RESOURCE, ...dpopAlgorithms, ...certificates })
  })

  it('require DPoP only if every authenticator does', async () => {
    const resource = protectedResource({ resource: RESOURCE, authorizationServers: [], bearerMethodsSupported: [] })
    createAuthenticator({ issuer: ISSUER, jwks, resource, bindings: [toyDpop], unboundTokens: 'refuse' })
    resource.learn({ scopes: [] })
    expect(await documentOf(resource)).toMatchObject({ dpop_bound_access_tokens_required: true })
    createAuthenticator({ issuer: ISSUER, jwks, resource })
    expect(await documentOf(resource)).not.toHaveProperty('dpop_bound_access_tokens_required')
  })

  it('name only issuers that are URLs, and never offline_access', async () => {
    const resource = protectedResource({ resource: RESOURCE })
    resource.learn({
      issuers: ['accounts.example', 'https://a.example', 'http://keycloak:8080/realms/a', 'https://b.example?x=1'],
      scopes: ['a', 'offline_access', 'b c', 'a'],
    })
    expect(await documentOf(resource)).toEqual({
      resource: RESOURCE,
      authorization_servers: ['https://a.example', 'http://keycloak:8080/realms/a'],
      scopes_supported: ['a'],
    })
  })

  it('are read once', async () => {
    const scopesSupported = ['a']
    const additional = { nested: { a: 1 } }
    const resource = protectedResource({ resource: RESOURCE, scopesSupported, additional })
    scopesSupported.push('b')
    additional.nested.a = 2
    expect(await documentOf(resource)).toEqual({ resource: RESOURCE, scopes_supported: ['a'], nested: { a: 1 } })
  })
})

describe('47. signed metadata', () => {
  const sign = (metadata: Readonly<Record<string, unknown>>): Promise<string> =>
    new SignJWT(metadata).setProtectedHeader({ alg: 'ES256' }).setIssuer(RESOURCE).sign(privateKey)

  it('is the given JWT, or the JWT that a function makes of the metadata', async () => {
    const jwt = await sign({ resource: RESOURCE })
    const given = protectedResource({ resource: RESOURCE, signedMetadata: jwt })
    expect(await documentOf(given)).toEqual({ resource: RESOURCE, signed_metadata: jwt })
    const made = protectedResource({ resource: RESOURCE, scopesSupported: ['a'], signedMetadata: sign })
    const { signed_metadata: signed } = (await documentOf(made)) as { readonly signed_metadata: string }
    const verifier = createVerifier({ issuer: RESOURCE, audience: null, jwks, tokenTypes: ['jwt'] })
    const explanation = await verifier.explain(signed)
    expect(explanation.steps.find(({ step }) => step === 'signature')).toMatchObject({ result: 'passed' })
    expect(JSON.parse(Buffer.from(signed.split('.')[1] ?? '', 'base64url').toString())).toEqual({
      iss: RESOURCE,
      resource: RESOURCE,
      scopes_supported: ['a'],
    })
  })

  it('is signed once per maxAge, and again if the metadata changes', async () => {
    const clock = createTestClock()
    let signatures = 0
    const counted = (metadata: Readonly<Record<string, unknown>>): Promise<string> => {
      signatures += 1
      return sign(metadata)
    }
    const resource = protectedResource({ resource: RESOURCE, signedMetadata: counted, maxAge: 60, clock })
    await Promise.all(Array.from({ length: 20 }, () => get(resource)))
    clock.advance(59_999)
    await get(resource)
    expect(signatures).toBe(1)
    clock.advance(1)
    await get(resource)
    expect(signatures).toBe(2)
    resource.learn({ scopes: ['a'] })
    await get(resource)
    expect(signatures).toBe(3)
  })

  it.each<readonly [string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('https://user:secret@kms.example')
      },
    ],
    ['rejects', () => Promise.reject(new Error('down'))],
    [
      'rejects with nothing',
      async () => {
        throw undefined as unknown as Error
      },
    ],
    ['gives nothing', () => undefined],
    ['gives an unsigned JWT', () => 'e30.e30.'],
    ['gives an object', () => ({})],
    ['hangs', () => new Promise(() => {})],
  ])('answers 503 if the function %s, and asks it again only after a pause', async (_, signedMetadata) => {
    const clock = createTestClock()
    const lines: string[] = []
    let calls = 0
    const resource = protectedResource({
      resource: RESOURCE,
      clock,
      log: { warn: (line) => lines.push(line) },
      signedMetadata: () => {
        calls += 1
        return signedMetadata() as string
      },
    })
    const answering = Promise.all([get(resource), get(resource)])
    await new Promise((resolve) => setImmediate(resolve))
    clock.advance(5000)
    const [answer, other] = await answering
    expect(answer).toMatchObject({ status: 503, headers: { 'retry-after': '10', 'cache-control': 'no-store' } })
    expect(other).toEqual(answer)
    await get(resource)
    expect(calls).toBe(1)
    expect(lines).toHaveLength(1)
    expect(lines.join()).not.toContain('secret')
    clock.advance(10_000)
    const again = get(resource)
    await new Promise((resolve) => setImmediate(resolve))
    clock.advance(5000)
    await again
    expect(calls).toBe(2)
  })
})

describe('47. the audience of a protected resource', () => {
  const options = { issuer: ISSUER, jwks }
  const resource = protectedResource({ resource: 'https://h.example/mcp' })
  const codeOf = async (verifier: { verify(token: string): Promise<unknown> }, aud: string): Promise<string> => {
    try {
      await verifier.verify(await token(aud))
      return 'accepted'
    } catch (error) {
      return (error as AuthError).code
    }
  }

  it('is the resource, character by character', async () => {
    const { verifier } = createAuthenticator({ ...options, resource })
    expect(await codeOf(verifier, 'https://h.example/mcp')).toBe('accepted')
    for (const other of ['https://h.example/mcp/', 'https://h.example', 'https://H.example/mcp', 'orders'])
      expect(await codeOf(verifier, other)).toBe('audience_mismatch')
  })

  it('is that of each of several issuers, listed or looked up', async () => {
    const listed = createAuthenticator({ issuers: [options], resource }).verifier
    const lookedUp = createAuthenticator({ issuers: async () => options, resource }).verifier
    for (const verifier of [listed, lookedUp]) {
      expect(await codeOf(verifier, 'https://h.example/mcp')).toBe('accepted')
      expect(await codeOf(verifier, 'orders')).toBe('audience_mismatch')
    }
  })

  it('may be a list with the resource, or null', async () => {
    const listed = createAuthenticator({ ...options, resource, audience: ['orders', 'https://h.example/mcp'] })
    expect(await codeOf(listed.verifier, 'orders')).toBe('accepted')
    const any = createAuthenticator({ ...options, resource, audience: null })
    expect(await codeOf(any.verifier, 'anything')).toBe('accepted')
  })

  it('stops the start if it is another one', () => {
    const conflict =
      'Cannot create authenticator: "audience" must include the "resource" "https://h.example/mcp": leave "audience" out, or list both, found "orders"'
    const wrong = [
      () => createAuthenticator({ ...options, resource, audience: 'orders' }),
      () => createAuthenticator({ issuers: [{ ...options, audience: 'orders' }], resource }),
      () => createAuthenticator({ verifier: createVerifier({ ...options, audience: 'orders' }), resource }),
    ]
    for (const create of wrong) expect(create).toThrow(new TypeError(conflict))
  })

  it('stops the start if it is that of a verifier of other tokens', () => {
    const decryption = { keys: [encryptionKey] }
    const client = clientSecretBasic('api', 'secret')
    const jwts = createVerifier({ ...options, audience: resource.resource })
    const others = createVerifier({ ...options, audience: 'orders' })
    const introspection = { issuer: ISSUER, client, audience: resource.resource }
    const good = [
      createNestedVerifier({ verifier: jwts, decryption }),
      createIntrospectionVerifier({ ...introspection, jwts }),
      // An application's own verifier, which does not say what it accepts.
      { verify: jwts.verify, explain: jwts.explain, ready: jwts.ready, close: jwts.close },
    ]
    for (const verifier of good) expect(() => createAuthenticator({ verifier, resource })).not.toThrow()
    const wrong = [
      createNestedVerifier({ verifier: others, decryption }),
      createIntrospectionVerifier({ ...introspection, audience: 'orders' }),
      createIntrospectionVerifier({ ...introspection, jwts: others }),
    ]
    for (const verifier of wrong)
      expect(() => createAuthenticator({ verifier, resource })).toThrow('"audience" must include the "resource"')
  })

  it('refuses tokens of an issuer whose looked-up audience is another one', async () => {
    const { verifier } = createAuthenticator({ issuers: async () => ({ ...options, audience: 'orders' }), resource })
    expect(await codeOf(verifier, 'orders')).toBe('issuer_unavailable')
  })
})

describe('47. the challenges of a protected resource', () => {
  const resource = protectedResource({ resource: RESOURCE })
  const metadata = `resource_metadata="${RESOURCE}${WELL_KNOWN}"`

  it('name the metadata with status 401 and 403, in every scheme', async () => {
    const authenticator = createAuthenticator({ issuer: ISSUER, jwks, resource, bindings: [toyDpop] })
    const authorization = `Bearer ${await token(RESOURCE)}`
    const challengeOf = async (fields: Readonly<Record<string, string>>): Promise<unknown> => {
      const outcome = await authenticator.authenticate(view('/', 'GET', fields), scope('email'))
      return outcome.kind === 'refused'
        ? `${outcome.response.status} ${outcome.response.headers['www-authenticate']}`
        : outcome.kind
    }
    expect(await challengeOf({})).toBe(
      `401 Bearer realm="api", scope="email", ${metadata}, DPoP realm="api", scope="email", algs="ES256", ${metadata}`,
    )
    expect(await challengeOf({ authorization })).toMatch(
      new RegExp(`^403 Bearer realm="api", error="insufficient_scope", .*, ${metadata}, DPoP .*, ${metadata}$`),
    )
  })

  it('come with a hint in the log if the metadata itself is behind authentication', async () => {
    const authenticator = createAuthenticator({ issuer: ISSUER, jwks, resource })
    const hintOf = async (target: string): Promise<unknown> => {
      const outcome = await authenticator.authenticate(view(target))
      return outcome.kind === 'refused' ? outcome.error.hint : outcome.kind
    }
    expect(await hintOf(WELL_KNOWN)).toContain('serve it before authentication, with resourceMetadata')
    expect(await hintOf('/')).toBeUndefined()
  })

  it('must not name another address', () => {
    const challenge = { Resource_Metadata: 'https://other.example' }
    expect(() => createAuthenticator({ issuer: ISSUER, jwks, resource, challenge })).toThrow(
      'with "resource", leave "Resource_Metadata" out of "challenge"',
    )
  })
})

describe('wrong options of a protected resource', () => {
  it.each<readonly [string, Readonly<Record<string, unknown>>, RegExp]>([
    ['no resource', {}, /"resource" must be the URL of this API/],
    ['a name', { resource: 'orders' }, /"resource" must be the URL of this API/],
    ['plain http', { resource: 'http://api.example.com' }, /https or http on a loopback/],
    ['a fragment', { resource: `${RESOURCE}#a` }, /without fragment/],
    ['an empty fragment', { resource: `${RESOURCE}#` }, /without fragment/],
    ['credentials', { resource: 'https://user:pass@api.example.com' }, /"resource" must be/],
    ['a space', { resource: `${RESOURCE}/a b` }, /"resource" must be/],
    ['a quote', { resource: `${RESOURCE}/"` }, /"resource" must be/],
    ['a backslash', { resource: String.raw`https://a.example\b` }, /"resource" must be/],
    ['no host', { resource: 'https:///a' }, /"resource" must be/],
    ['one slash', { resource: 'https:/a.example' }, /"resource" must be/],
    ['letters outside ASCII', { resource: 'https://bücher.example' }, /"resource" must be/],
    ['a server with a query', { resource: RESOURCE, authorizationServers: [`${ISSUER}?a`] }, /without query/],
    ['a server in place of a list', { resource: RESOURCE, authorizationServers: ISSUER }, /must be a list/],
    ['offline_access', { resource: RESOURCE, scopesSupported: ['offline_access'] }, /not "offline_access"/],
    ['two scopes in one', { resource: RESOURCE, scopesSupported: ['a b'] }, /one scope without spaces/],
    ['an undefined list', { resource: RESOURCE, scopesSupported: undefined }, /must not be undefined/],
    ['alg none', { resource: RESOURCE, resourceSigningAlgValuesSupported: ['NONE'] }, /other than "none"/],
    ['an unsigned JWT', { resource: RESOURCE, signedMetadata: 'e30.e30.' }, /a signed JWT, or a function/],
    [
      'a known parameter',
      { resource: RESOURCE, additional: { resource: 'x' } },
      /"additional" must not have "resource"/,
    ],
    ['a signature beside', { resource: RESOURCE, additional: { signed_metadata: 'x' } }, /"additional" must not have/],
    ['a BigInt', { resource: RESOURCE, additional: { a: 1n } }, /what JSON can express/],
    ['a relative path', { resource: RESOURCE, path: 'metadata' }, /"path" must be a path/],
    ['a path with a query', { resource: RESOURCE, path: '/a?b' }, /"path" must be a path/],
    ['a day and a second', { resource: RESOURCE, maxAge: 86_401 }, /"maxAge"/],
    ['an unknown option', { resource: RESOURCE, scopes: ['a'] }, /there is no option "scopes"/],
  ])('%s', (_, options, message) => {
    expect(() => protectedResource(options as unknown as ProtectedResourceOptions)).toThrow(TypeError)
    expect(() => protectedResource(options as unknown as ProtectedResourceOptions)).toThrow(message)
  })

  it('a URL in place of a resource', () => {
    const resource = RESOURCE as unknown as ProtectedResource
    expect(() => createAuthenticator({ issuer: ISSUER, jwks, resource })).toThrow(
      /"resource" must be made by protectedResource\(\)/,
    )
  })
})
