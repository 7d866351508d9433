import { AuthError, claim, createAuthenticator, createVerifier, scope, type VerifiedToken } from '@claimgate/core'
import { fresh } from '@claimgate/core/introspection'
import { protectedResource } from '@claimgate/core/metadata'
import { authenticateJwt, authorizer, type AuthorizerPolicy, getAuth, lambdaClock, protect } from '@claimgate/lambda'
import { createTestKeys, startFaultyJwksServer } from '@claimgate/testing'
// oxlint-disable-next-line import/no-named-as-default -- its types have only the default export
import middy from '@middy/core'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterEach, describe, expect, expectTypeOf, it, onTestFinished, vi } from 'vitest'
import { z } from 'zod'
import { createAuthority } from '../support/adapters/authority.ts'
import { THROWN_VALUES } from '../support/adapters/thrown-values.ts'
import { toyDpop } from '../support/adapters/toy-dpop.ts'
import { httpApi, loadBalancer, type MakeEvent, restApi, type Sent } from '../support/lambda/events.ts'

const authority = await createAuthority()
const { options } = authority
const verifier = createVerifier(options)
const exp = Math.floor(Date.now() / 1000) + 600
const token = await authority.token({ scope: 'orders:read', client_id: 'shop', exp })
const down = {
  ...options,
  jwks: undefined as never,
  keys: { resolve: () => Promise.reject(new AuthError('keys_unavailable')) },
}

const API = 'arn:aws:execute-api:eu-west-1:123456789012:a1b2c3'
type Fields = Readonly<Record<string, string>>
const bearer = (credential = token): Fields => ({ authorization: `Bearer ${credential}` })

/** The events that authorizers receive. */
const EVENTS: Readonly<Record<string, (fields: Fields, route?: string) => object>> = {
  'a REST API, type TOKEN': ({ authorization }, route = 'GET/orders/7') => ({
    type: 'TOKEN',
    authorizationToken: authorization,
    methodArn: `${API}/prod/${route}`,
  }),
  'a REST API, type REQUEST': (fields, route = 'GET/orders/7') => ({
    type: 'REQUEST',
    methodArn: `${API}/prod/${route}`,
    ...restApi(sent({ fields: Object.entries(fields) })),
  }),
  'an HTTP API, payload 2.0': (fields, route = 'GET/orders/7') => ({
    ...httpApi(sent({ fields: Object.entries(fields) })),
    type: 'REQUEST',
    routeArn: `${API}/prod/${route}`,
    identitySource: Object.values(fields),
  }),
  'a WebSocket API': (fields) => ({
    type: 'REQUEST',
    methodArn: `${API}/prod/$connect`,
    headers: fields,
    multiValueHeaders: Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, [value]])),
    queryStringParameters: {},
    requestContext: { routeKey: '$connect', eventType: 'CONNECT', connectionId: 'c=' },
  }),
}

function sent(parts: Partial<Sent> = {}): Sent {
  return { method: 'GET', path: '/orders', query: '', fields: [], body: Buffer.alloc(0), ...parts }
}

const statementOf = (answer: unknown): unknown => (answer as AuthorizerPolicy).policyDocument.Statement
const until = new Date(exp * 1000).toISOString().replace('.000', '')
const allow = (...routes: readonly string[]): unknown[] => [
  {
    Action: 'execute-api:Invoke',
    Effect: 'Allow',
    Resource: routes.map((route) => `${API}/prod/${route}`),
    Condition: { DateLessThan: { 'aws:CurrentTime': until } },
  },
]
const deny = (...routes: readonly string[]): unknown[] => [
  { Action: 'execute-api:Invoke', Effect: 'Deny', Resource: routes.map((route) => `${API}/prod/${route}`) },
]

describe.each(Object.entries(EVENTS))('an authorizer of %s', (_, event) => {
  it('allows the API to a token until it expires', async () => {
    const answer = await authorizer(verifier)(event(bearer()))
    expect(answer).toEqual({
      principalId: 'alice',
      policyDocument: { Version: '2012-10-17', Statement: allow('*') },
      context: { sub: 'alice', client_id: 'shop', exp, scope: 'orders:read' },
    })
    expect(JSON.stringify(answer)).not.toContain(token.slice(-20))
  })

  it.each([
    ['no token', {}],
    ['a forged token', bearer(`${token.slice(0, -86)}${'A'.repeat(86)}`)],
    ['a malformed credential', { authorization: 'Bearer  x' }],
    ['two tokens', { authorization: `Bearer ${token},Bearer ${token}` }],
  ])('answers 401 for %s', async (_name, fields) => {
    await expect(authorizer(verifier)(event(fields))).rejects.toThrow(/^Unauthorized$/)
  })

  it('answers 403 for a token that is not sufficient', async () => {
    const authorize = authorizer({ verifier, requirement: scope('orders:write') })
    expect(statementOf(await authorize(event(bearer())))).toEqual(deny('*'))
  })

  it('answers 500 during an outage, which is not cached', async () => {
    await expect(authorizer(down)(event(bearer()))).rejects.toThrow('Access tokens cannot be verified at the moment')
  })
})

const rest = EVENTS['a REST API, type REQUEST'] as NonNullable<(typeof EVENTS)[string]>
const http = EVENTS['an HTTP API, payload 2.0'] as NonNullable<(typeof EVENTS)[string]>

describe('the policy of an authorizer', () => {
  const routes = {
    'GET/orders/*': scope('orders:read'),
    'POST/orders': scope('orders:write'),
    'GET/reports': claim('client_id', 'shop'),
  }

  it('names every route that the token may call, whichever is called first', async () => {
    const authorize = authorizer({ verifier, routes })
    const policies = ['GET/orders/7', 'POST/orders', 'DELETE/users/1', 'GET/orders/*/x'].map((route) =>
      authorize(rest(bearer(), route)),
    )
    for (const answer of await Promise.all(policies))
      expect(statementOf(answer)).toEqual([...allow('GET/orders/*', 'GET/reports'), ...deny('POST/orders')])
  })

  it('denies the API to a token that may call nothing', async () => {
    const other = await authority.token({ scope: 'users:read' })
    expect(statementOf(await authorizer({ verifier, routes })(rest(bearer(other))))).toEqual(deny('*'))
  })

  it('denies a route whose own requirement is not met, also if it fits a wider one', async () => {
    const authorize = authorizer({
      verifier,
      routes: { '*': scope('orders:read'), 'DELETE/orders/*': scope('orders:admin') },
    })
    expect(statementOf(await authorize(rest(bearer())))).toEqual([...allow('*'), ...deny('DELETE/orders/*')])
  })

  it.each(['policy', 'simple'] as const)(
    'is not made for a bound token, which a cached answer would not confirm: %s',
    async (format) => {
      const binding = { confirmation: 'x5t#S256', scheme: 'Bearer', confirm: async () => {} }
      const authenticator = createAuthenticator({ verifier, bindings: [binding] })
      const bound = await authority.token({ scope: 'orders:read', cnf: { 'x5t#S256': 'thumbprint' } })
      const authorize = authorizer({ authenticator, format, ttl: 0 })
      await expect(authorize(http(bearer(bound)))).rejects.toThrow(/^Unauthorized$/)
      await expect(authorize(http(bearer()))).resolves.toBeDefined()
    },
  )

  it('is not made with a context that is a promise, whose rejection would end the process', async () => {
    for (const context of [async () => ({}), async () => Promise.reject(new Error('no tenant'))])
      await expect(authorizer({ verifier, context: context as never })(rest(bearer()))).rejects.toThrow(
        '"context" must return an object of strings, numbers and booleans',
      )
  })

  it('is not made if a requirement cannot be decided', async () => {
    const undecided = claim('client_id', () => {
      throw new AuthError('check_unavailable')
    })
    const authorize = authorizer({ verifier, routes: { ...routes, 'GET/late': undecided } })
    await expect(authorize(rest(bearer()))).rejects.toThrow('Access tokens cannot be verified at the moment')
  })

  it.each([
    ['another event', httpApi(sent({ fields: [['authorization', `Bearer ${token}`]] }))],
    [
      'an ARN of another service',
      { ...rest(bearer()), methodArn: 'arn:aws:lambda:eu-west-1:123456789012:function/x/y' },
    ],
    ['an ARN with wildcards', { ...rest(bearer()), methodArn: `${API}/*/GET/orders` }],
    ['nothing', undefined],
    ['a text', 'event'],
  ])('is not made for %s', async (_, event) => {
    await expect(authorizer(verifier)(event)).rejects.toThrow(TypeError)
  })

  it('refuses two Authorization values in multiValueHeaders', async () => {
    const fields = [token, token].map((one) => ['Authorization', `Bearer ${one}`] as const)
    const event = { ...rest({}), ...restApi(sent({ fields })) }
    await expect(authorizer(verifier)(event)).rejects.toThrow(/^Unauthorized$/)
  })

  it.each(THROWN_VALUES)('is not made if a hook throws %s', async (_, value) => {
    const context = (): never => {
      throw value
    }
    await expect(authorizer({ verifier, context })(rest(bearer()))).rejects.toMatchObject({ stack: expect.any(String) })
  })

  it.each([undefined, null, 'text', { roles: ['a'] }, { nested: {} }, { missing: undefined }])(
    'is not made with the context %o',
    async (value) => {
      await expect(authorizer({ verifier, context: () => value as never })(rest(bearer()))).rejects.toThrow(/"context"/)
    },
  )

  it('has the context that the application makes', async () => {
    const claims = z.object({ client_id: z.string() })
    const context = (auth: VerifiedToken<{ client_id: string }>): { client: string } => ({
      client: auth.claims.client_id,
    })
    expect(await authorizer({ ...options, claims, context })(rest(bearer()))).toMatchObject({
      context: { client: 'shop' },
    })
  })
})

describe('a simple answer of an authorizer', () => {
  it('allows a token, and refuses one that is not sufficient', async () => {
    const simple = { verifier, format: 'simple', ttl: 0 } as const
    expect(await authorizer(simple)(http(bearer()))).toEqual({
      isAuthorized: true,
      context: { sub: 'alice', client_id: 'shop', exp, scope: 'orders:read' },
    })
    const insufficient = await authorizer({ ...simple, requirement: scope('orders:write') })(http(bearer()))
    expect(insufficient).toEqual({ isAuthorized: false, context: {} })
    await expect(authorizer(simple)(http({}))).rejects.toThrow(/^Unauthorized$/)
  })

  it('is not given to a token that expires while the API caches it', async () => {
    const at = (seconds: number): ReturnType<typeof authorizer> =>
      authorizer({ ...options, clock: { now: () => (exp - seconds) * 1000 }, format: 'simple', ttl: 300 })
    expect(await at(301)(http(bearer()))).toMatchObject({ isAuthorized: true })
    await expect(at(300)(http(bearer()))).rejects.toThrow(/^Unauthorized$/)
  })
})

describe('the start of an authorizer', () => {
  it.each<[string, object, RegExp]>([
    ['optional', { verifier, optional: true }, /"optional" is not possible/],
    ['bindings', { verifier, bindings: [toyDpop] }, /"bindings" are not possible/],
    ['an authenticator with bindings', createAuthenticator({ verifier, bindings: [toyDpop] }), /"bindings"/],
    ['a simple answer without ttl', { verifier, format: 'simple' }, /give "ttl"/],
    [
      'a simple answer with routes',
      { verifier, format: 'simple', ttl: 0, routes: { 'GET/x': scope('x') } },
      /"routes"/,
    ],
    ['no route', { verifier, routes: {} }, /must name a route/],
    ['a path as a route', { verifier, routes: { '/orders': scope('x') } }, /names like "GET\/orders/],
    ['a wildcard of one character', { verifier, routes: { 'GET/order?': scope('x') } }, /names like/],
    ['a scope as a requirement', { verifier, routes: { 'GET/orders': 'orders:read' } }, /"routes.GET\/orders" must be/],
    ['a requirement that cannot be answered', { verifier, routes: { 'GET/pay': fresh() } }, /fresh\(\) needs/],
    ['a long ttl', { verifier, ttl: 3601 }, /"ttl"/],
    ['another format', { verifier, format: 'json' }, /"format"/],
    ['a misspelled option', { verifier, route: {} }, /"route"/],
    ['an undefined requirement', { verifier, requirement: undefined }, /"requirement"/],
  ])('stops for %s', (_, given, message) => {
    expect(() => authorizer(given as never)).toThrow(message)
    expect(() => authorizer(given as never)).toThrow(TypeError)
  })
})

describe('protect in Lambda', () => {
  afterEach(() => vi.unstubAllEnvs())
  const fields = [['Authorization', `Bearer ${token}`]] as const

  it('calls the handler with the event, the token and the context', async () => {
    const claims = z.object({ client_id: z.string() })
    const handler = protect(
      async (event: { readonly path: string }, auth, context: { readonly awsRequestId: string }) => {
        expectTypeOf(auth).toEqualTypeOf<VerifiedToken<{ client_id: string }>>()
        return { statusCode: 200, body: [event.path, auth.claims.client_id, context.awsRequestId].join(' ') }
      },
      { ...options, claims },
    )
    const event = restApi(sent({ fields })) as { path: string }
    expect(await handler(event, { awsRequestId: 'r1' })).toEqual({ statusCode: 200, body: '/orders shop r1' })
  })

  it('reads the environment if no option configures the verifier', async () => {
    expect(() => protect(async () => 'served')).toThrow(/JWT_ISSUER/)
    vi.stubEnv('JWT_ISSUER', options.issuer)
    vi.stubEnv('JWT_AUDIENCE', options.audience)
    vi.stubEnv('JWT_PUBLIC_KEY', authority.publicPem)
    expect(await protect(async () => 'served')(httpApi(sent({ fields })))).toBe('served')
    expect(() => protect(undefined as never, verifier)).toThrow('write protect(handler, options)')
  })

  it.each<[string, MakeEvent, object]>([
    ['a REST API', restApi, { multiValueHeaders: { 'www-authenticate': ['Bearer realm="api"'] } }],
    ['a load balancer', loadBalancer, { multiValueHeaders: { 'www-authenticate': ['Bearer realm="api"'] } }],
    ['an HTTP API', httpApi, { headers: { 'www-authenticate': 'Bearer realm="api"' } }],
  ])('answers refused requests in the form of %s', async (_, make, expected) => {
    const answer = await protect(async () => 'served', verifier)(make(sent()))
    expect(answer).toMatchObject({ statusCode: 401, isBase64Encoded: false, ...expected })
    expect(Object.keys(answer)).toHaveLength(4)
  })

  it('reads headers as changed by earlier middleware', async () => {
    const event = restApi(sent({ fields })) as { headers: Record<string, string>; multiValueHeaders: object }
    const handler = protect(async () => 'served', verifier)
    expect(await handler({ ...event, headers: { authorization: 'Bearer other' } })).toMatchObject({ statusCode: 400 })
    expect(await handler({ ...event, headers: {}, multiValueHeaders: {} })).toMatchObject({ statusCode: 401 })
    expect(await handler({ ...event, headers: null, multiValueHeaders: null })).toMatchObject({ statusCode: 401 })
  })

  it('finds tokens in cookies, the query and a form', async () => {
    const places = [{ from: 'cookie', name: 'jwt' }, { from: 'query' }, { from: 'form' }] as const
    const handler = protect(async () => 'served', { verifier, credentials: places })
    const form = [['content-type', 'application/x-www-form-urlencoded']] as const
    for (const make of [restApi, httpApi, loadBalancer]) {
      expect(await handler(make(sent({ fields: [['Cookie', `a=b; jwt=${token}`]] })))).toBe('served')
      expect(await handler(make(sent({ query: `access_token=${token}` })))).toBe('served')
      const posted = (text: string): Sent => sent({ method: 'POST', fields: form, body: Buffer.from(text) })
      expect(await handler(make(posted(`access_token=${token}`)))).toBe('served')
      for (const large of ['x'.repeat(70_000), `${'&'.repeat(1000)}access_token=${token}`])
        expect(await handler(make(posted(large)))).toMatchObject({ statusCode: 413 })
    }
  })

  it('gives bindings the client certificate of API Gateway', async () => {
    const seen: unknown[] = []
    const binding = {
      confirmation: 'x5t#S256',
      confirm: async (...[, , view]: Parameters<typeof toyDpop.confirm>) => void seen.push(view.clientCertificate?.()),
    }
    const bound = await authority.token({ cnf: { 'x5t#S256': 'thumbprint' } })
    const clientCert = { clientCertPem: '-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n' }
    const handler = protect(async () => 'served', { verifier, bindings: [binding] })
    const [one, two] = [restApi, httpApi].map(
      (make) => make(sent({ fields: Object.entries(bearer(bound)) })) as { requestContext: object },
    )
    await handler({ ...one, requestContext: { ...one?.requestContext, identity: { clientCert } } })
    await handler({ ...two, requestContext: { ...two?.requestContext, authentication: { clientCert } } })
    await handler({ ...one })
    expect(seen.map((der) => der && [...(der as Uint8Array)])).toEqual([[1, 2, 3], [1, 2, 3], undefined])
  })

  it('adds the headers of bindings to the response of the handler', async () => {
    const bound = await authority.token({ cnf: { jkt: 'thumbprint' } })
    const proof = [
      ['authorization', `DPoP ${bound}`],
      ['dpop', 'thumbprint'],
    ] as const
    const answer = (make: MakeEvent, result: unknown): Promise<unknown> =>
      protect(async () => result, { verifier, bindings: [toyDpop], exposeChallenge: true })(
        make(sent({ fields: proof })),
      )
    const added = { 'dpop-nonce': 'nonce-2', 'access-control-expose-headers': 'X-Page, dpop-nonce' }
    const complete = { statusCode: 201, headers: { 'X-A': 'b', 'Access-Control-Expose-Headers': 'X-Page' }, body: '' }
    expect(await answer(httpApi, complete)).toEqual({ ...complete, headers: { 'X-A': 'b', ...added } })
    expect(await answer(restApi, complete)).toEqual({
      ...complete,
      headers: { 'X-A': 'b' },
      multiValueHeaders: Object.fromEntries(Object.entries(added).map(([name, value]) => [name, [value]])),
    })
    expect(await answer(httpApi, { id: 7 })).toMatchObject({
      statusCode: 200,
      headers: { 'content-type': 'application/json', 'dpop-nonce': 'nonce-2' },
      body: '{"id":7}',
    })
    expect(await answer(httpApi, 'text')).toMatchObject({ body: 'text' })
  })

  it('serves the metadata of a resource without a token', async () => {
    const resource = protectedResource({ resource: options.audience })
    const handler = protect(async () => 'served', { issuer: options.issuer, jwks: options.jwks, resource })
    const answer = await handler(httpApi(sent({ path: resource.paths[0] ?? '' })))
    expect(JSON.parse((answer as { body: string }).body)).toMatchObject({ resource: options.audience })
  })

  it.each([undefined, null, 'event', 7])('fails for the event %s', async (event) => {
    await expect(protect(async () => 'served', verifier)(event)).rejects.toThrow(/it is not an object/)
  })
})

describe('the middleware for middy', () => {
  const fields = [['Authorization', `Bearer ${token}`]] as const
  const context = {} as never

  it('gives handlers the token, and ends refused requests', async () => {
    const ran: string[] = []
    const handler = middy(async (event: object) => {
      ran.push('handler')
      return { statusCode: 200, body: getAuth(event)?.claims.sub ?? '' }
    })
      .use(authenticateJwt({ verifier, requirement: scope('orders:read') }))
      .before(() => void ran.push('later middleware'))
    expect(await handler(restApi(sent({ fields })) as never, context)).toEqual({ statusCode: 200, body: 'alice' })
    expect(ran).toEqual(['later middleware', 'handler'])
    expect(await handler(restApi(sent()) as never, context)).toMatchObject({ statusCode: 401 })
    expect(await handler(restApi(sent({ fields: Object.entries(bearer('x')) })) as never, context)).toMatchObject({
      statusCode: 401,
    })
    expect(ran).toHaveLength(2)
  })

  it('adds the headers of bindings', async () => {
    const bound = await authority.token({ cnf: { jkt: 'thumbprint' } })
    const proof = [
      ['authorization', `DPoP ${bound}`],
      ['dpop', 'thumbprint'],
    ] as const
    const handler = middy(async () => ({ statusCode: 200, body: '' })).use(
      authenticateJwt({ verifier, bindings: [toyDpop] }),
    )
    expect(await handler(httpApi(sent({ fields: proof })) as never, context)).toMatchObject({
      headers: { 'dpop-nonce': 'nonce-2' },
    })
  })

  it('fails for an event that nothing has let through, and for a copy', async () => {
    const event = httpApi(sent({ fields }))
    await authenticateJwt(verifier).before({ event })
    expect(getAuth(event)?.claims.sub).toBe('alice')
    expect(() => getAuth({ ...event })).toThrow(/nothing has let this event through/)
    await authenticateJwt({ verifier, requirement: scope('orders:write') }).before({ event })
    expect(() => getAuth(event)).toThrow(TypeError)
  })
})

describe('a warm function', () => {
  it('keeps its keys, and knows how old they are after a freeze', async () => {
    const keys = await createTestKeys('ES256', { kid: 'one' })
    const server = await startFaultyJwksServer()
    onTestFinished(() => server.close())
    server.publish(keys.publicJwk)
    let frozen = 0
    const clock = lambdaClock({
      now: () => Date.now() + frozen,
      // Stands still, as in a process that is frozen between invocations.
      monotonic: () => 0,
      setTimeout: () => () => {},
    })
    const { issuer, audience } = options
    const handler = protect(async () => 'served', { issuer, audience, jwksUri: server.url, clock })
    const now = Math.floor(Date.now() / 1000)
    const signed = await keys.sign({ iss: issuer, aud: audience, sub: 'alice', iat: now, exp: now + 90_000 })
    const invoke = (): Promise<unknown> => handler(httpApi(sent({ fields: Object.entries(bearer(signed)) })))
    expect([await invoke(), await invoke()]).toEqual(['served', 'served'])
    expect(server.stats().requests).toHaveLength(1)
    frozen = 8 * 3_600_000
    expect(await invoke()).toBe('served')
    expect(server.stats().requests).toHaveLength(2)
  })

  it('has a monotonic time that never goes back, and follows the faster clock', () => {
    const at = { wall: 1000, monotonic: 50 }
    const clock = lambdaClock({ now: () => at.wall, monotonic: () => at.monotonic, setTimeout: () => () => {} })
    const step = (wall: number, monotonic: number): number => {
      at.wall += wall
      at.monotonic += monotonic
      return clock.monotonic()
    }
    expect([step(10, 10), step(0, 5), step(3_600_000, 1), step(-86_400_000, 7), step(0, 0)]).toEqual([
      10, 15, 3_600_015, 3_600_022, 3_600_022,
    ])
  })

  it('leaves nothing that keeps the process alive', async () => {
    const keys = await createTestKeys('ES256', { kid: 'one' })
    const server = await startFaultyJwksServer()
    onTestFinished(() => server.close())
    server.publish(keys.publicJwk)
    const now = Math.floor(Date.now() / 1000)
    const signed = await keys.sign({
      iss: options.issuer,
      aud: options.audience,
      sub: 'alice',
      iat: now,
      exp: now + 600,
    })
    const program = `
      import { protect } from '@claimgate/lambda'
      const handler = protect(async (event, auth) => auth.claims.sub, ${JSON.stringify({ issuer: options.issuer, audience: options.audience, jwksUri: server.url })})
      const event = { version: '2.0', rawPath: '/', requestContext: { http: { method: 'GET' } }, headers: { authorization: 'Bearer ${signed}' } }
      console.log(await handler(event), process.getActiveResourcesInfo().includes('Timeout'))`
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
      cwd: import.meta.dirname,
      timeout: 10_000,
    })
    expect(stdout.trim()).toBe('alice false')
  })
})
