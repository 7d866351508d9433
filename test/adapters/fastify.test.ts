import { AuthError, type Binding, claim, createVerifier, scope } from '@claimgate/core'
import { fresh } from '@claimgate/core/introspection'
import { claimgate, type OnReject } from '@claimgate/fastify'
import fastifyAuth from '@fastify/auth'
import formbody from '@fastify/formbody'
import fastify, { type FastifyInstance, type FastifyPluginAsync, type FastifyReply, type FastifyRequest } from 'fastify'
import { type AddressInfo, connect } from 'node:net'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createAuthority } from '../support/adapters/authority.ts'
import { toyDpop } from '../support/adapters/toy-dpop.ts'

const authority = await createAuthority()
const other = await createAuthority('https://other.example.com')

const echo = async ({ auth }: FastifyRequest): Promise<object> => ({ sub: auth?.claims['sub'] ?? null })
const BARE = 'Bearer realm="api"'
const PROBLEM =
  '{"type":"about:blank","title":"Unauthorized","status":401,"detail":"This resource needs an access token"}'

let app: FastifyInstance

beforeEach(() => {
  app = fastify()
})

afterEach(async () => {
  vi.unstubAllEnvs()
  await app.close()
})

const get = (url: string, headers: Record<string, string> = {}) => app.inject({ url, headers })
const statusOf = async (url: string, headers: Record<string, string> = {}): Promise<number> =>
  (await get(url, headers)).statusCode

describe('claimgate protects', () => {
  it('every route of its scope, and sets request.auth', async () => {
    await app.register(claimgate, authority.options)
    app.get('/orders', echo)
    const refused = await get('/orders')
    expect([refused.statusCode, refused.headers['www-authenticate'], refused.body]).toEqual([401, BARE, PROBLEM])
    expect((await get('/orders', await authority.authorization())).json()).toEqual({ sub: 'alice' })
  })

  it('routes declared before the plugin has loaded', async () => {
    app.register(claimgate, authority.options)
    app.get('/orders', { config: { auth: scope('orders:read') } }, echo)
    expect(await statusOf('/orders')).toBe(401)
    expect(await statusOf('/orders', await authority.authorization())).toBe(403)
  })

  it('routes of nested scopes', async () => {
    await app.register(claimgate, authority.options)
    app.register(async (child) => void child.get('/orders', echo), { prefix: '/api' })
    expect(await statusOf('/api/orders')).toBe(401)
    expect(await statusOf('/api/orders', await authority.authorization())).toBe(200)
  })

  it('the HEAD routes that Fastify adds', async () => {
    await app.register(claimgate, authority.options)
    app.get('/orders', { config: { auth: scope('orders:read') } }, echo)
    const head = async (headers = {}) => (await app.inject({ method: 'HEAD', url: '/orders', headers })).statusCode
    expect([await head(), await head(await authority.authorization())]).toEqual([401, 403])
    expect(await head(await authority.authorization({ scope: 'orders:read' }))).toBe(200)
  })

  it('nothing outside its scope', async () => {
    app.register(async (child) => {
      await child.register(claimgate, authority.options)
      child.get('/orders', echo)
    })
    app.get('/health', async () => 'ok')
    expect([await statusOf('/orders'), await statusOf('/health')]).toEqual([401, 200])
    expect(await statusOf('/none')).toBe(404)
    expect(app.hasDecorator('authenticateJwt')).toBe(false)
  })

  it('before the body is parsed', async () => {
    await app.register(claimgate, authority.options)
    app.post('/orders', echo)
    const request = {
      method: 'POST',
      url: '/orders',
      headers: { 'content-type': 'application/json' },
      body: '{',
    } as const
    expect((await app.inject(request)).statusCode).toBe(401)
    const headers = { ...request.headers, ...(await authority.authorization()) }
    expect((await app.inject({ ...request, headers })).statusCode).toBe(400)
  })

  it('with the environment if registered without options for verification', async () => {
    vi.stubEnv('JWT_ISSUER', authority.options.issuer)
    vi.stubEnv('JWT_AUDIENCE', authority.options.audience)
    vi.stubEnv('JWT_PUBLIC_KEY', authority.publicPem)
    await app.register(claimgate)
    app.get('/orders', echo)
    expect(await statusOf('/orders', await authority.authorization())).toBe(200)
    expect(await statusOf('/orders', await other.authorization())).toBe(401)
  })

  it.each([
    ['realm', { realm: 'orders' }, 'Bearer realm="orders"'],
    ['onReject', { onReject: () => undefined }, BARE],
    ['credentials', { credentials: [{ from: 'authorization' }] }, BARE],
  ] as const)('with the environment if registered with only %s', async (_name, options, challenge) => {
    vi.stubEnv('JWT_ISSUER', authority.options.issuer)
    vi.stubEnv('JWT_AUDIENCE', authority.options.audience)
    vi.stubEnv('JWT_PUBLIC_KEY', authority.publicPem)
    await app.register(claimgate, options)
    app.get('/orders', echo)
    expect((await get('/orders')).headers['www-authenticate']).toBe(challenge)
    expect(await statusOf('/orders', await authority.authorization())).toBe(200)
  })

  it('with an existing verifier', async () => {
    await app.register(claimgate, { verifier: createVerifier(authority.options), realm: 'orders' })
    app.get('/orders', echo)
    expect((await get('/orders')).headers['www-authenticate']).toBe('Bearer realm="orders"')
    expect(await statusOf('/orders', await authority.authorization())).toBe(200)
  })

  it('with request.auth null for anonymous requests', async () => {
    await app.register(claimgate, { ...authority.options, optional: true })
    app.get('/orders', echo)
    app.get('/write', { config: { auth: scope('orders:write') } }, echo)
    expect((await get('/orders')).json()).toEqual({ sub: null })
    expect(await statusOf('/orders', { authorization: 'Bearer nonsense' })).toBe(401)
    expect(await statusOf('/write')).toBe(401)
  })

  it('also with the token in a form', async () => {
    await app.register(formbody)
    await app.register(claimgate, { ...authority.options, credentials: [{ from: 'form' }] })
    app.post('/orders', echo)
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const post = async (body: string) =>
      (await app.inject({ method: 'POST', url: '/orders', headers, body })).statusCode
    expect([await post('a=b'), await post(`access_token=${await authority.token()}`)]).toEqual([401, 200])
  })

  it('and passes the request target as received to bindings, even if it is rewritten', async () => {
    const targets: string[] = []
    const confirm: Binding['confirm'] = async (_value, _token, { target }) => void targets.push(target)
    const rewriting = fastify({ rewriteUrl: () => '/orders' })
    rewriting.register(claimgate, { ...authority.options, bindings: [{ confirmation: 'jkt', confirm }] })
    rewriting.get('/orders', echo)
    const headers = await authority.authorization({ cnf: { jkt: 'thumbprint' } })
    expect((await rewriting.inject({ url: '/old?page=2', headers })).statusCode).toBe(200)
    expect(targets).toEqual(['/old?page=2'])
    await rewriting.close()
  })

  it('and passes bugs to the error handler', async () => {
    const errors: unknown[] = []
    app.setErrorHandler((error, _request, reply) => {
      errors.push(error)
      return reply.code(500).send('error handler')
    })
    await app.register(claimgate, authority.options)
    app.get('/orders', { config: { auth: claim('sub', () => 'yes' as never) } }, echo)
    expect(await statusOf('/orders', await authority.authorization())).toBe(500)
    expect(errors).toEqual([new TypeError('A claim predicate must return true or false, not a promise')])
  })
})

describe('claimgate fails at start-up', () => {
  it('and names the missing environment variable', async () => {
    vi.stubEnv('JWT_ISSUER', '')
    await expect(async () => app.register(claimgate, { global: false })).rejects.toThrow('set JWT_ISSUER to')
  })

  it.each([
    ['only an issuer', { issuer: 'https://auth.example.com' }],
    ['an unknown option', { ...authority.options, audiences: 'a' }],
    ['a flag that is text', { ...authority.options, global: 'false' }],
    ['an unknown word', { ...authority.options, notFound: 'protected' }],
    ['a scheme without a name', { ...authority.options, securityScheme: '' }],
    ['an onReject that is not a function', { ...authority.options, onReject: 'send' }],
  ])('with %s', async (_name, options) => {
    await expect(async () => app.register(claimgate, options as never)).rejects.toThrow(TypeError)
  })

  it.each([
    ['an issuer', { issuer: authority.options.issuer }],
    ['an undefined verifier', { verifier: undefined }],
    ['a rule about claims', { maxAge: 60 }],
    ['a verifier spread into the options', { ...createVerifier(authority.options), global: true }],
  ])('with %s, whatever the environment says', async (_name, options) => {
    vi.stubEnv('JWT_ISSUER', authority.options.issuer)
    vi.stubEnv('JWT_AUDIENCE', authority.options.audience)
    vi.stubEnv('JWT_PUBLIC_KEY', authority.publicPem)
    await expect(async () => app.register(claimgate, options as never)).rejects.toThrow(TypeError)
  })

  it('for an unknown option, and lists its own options, too', async () => {
    await expect(async () => app.register(claimgate, { relm: 'orders' } as never)).rejects.toThrow(
      /^Cannot register claimgate: there is no option "relm"; did you mean "realm"\?$/,
    )
  })

  it('if registered twice in one scope, and says what to write', async () => {
    await app.register(claimgate, authority.options)
    await expect(async () => app.register(claimgate, other.options)).rejects.toThrow(
      /^Cannot register claimgate: this scope has it already\. .+ app\.register\(async \(scope\) => \{ await scope\.register\(claimgate, options\) \}\)$/,
    )
  })

  it.each(['onRequest', 'preParsing', 'preValidation', 'preHandler'] as const)(
    'if authenticateJwt is passed uncalled in %s of a route',
    async (stage) => {
      await app.register(claimgate, { ...authority.options, global: false })
      for (const hook of [app.authenticateJwt, [app.authenticateJwt]])
        expect(() => app.get('/orders', { [stage]: hook as never }, echo)).toThrow(
          'Cannot protect route: authenticateJwt was passed uncalled: write onRequest: app.authenticateJwt()',
        )
    },
  )

  it('if config.auth of a route is undefined, such as a misspelled rule', async () => {
    const rules: Readonly<Record<string, undefined>> = {}
    await app.register(claimgate, { ...authority.options, optional: true })
    expect(() => app.get('/orders', { config: { auth: rules['admn'] as never } }, echo)).toThrow(
      'Cannot protect route: "config.auth" must not be undefined: leave it out, or check the name of what it is set to',
    )
  })

  it('if authenticateJwt is called with undefined, such as a misspelled rule', async () => {
    await app.register(claimgate, { ...authority.options, global: false })
    expect(() => app.authenticateJwt(undefined)).toThrow(
      'Cannot protect route: the argument of authenticateJwt() must not be undefined: leave it out, or check the name of what was passed',
    )
  })

  it.each([
    ['text', 'orders:read'],
    ['null', null],
    ['zero', 0],
    ['a list', ['orders:read']],
    ['an object', { scope: 'orders:read' }],
    ['a requirement without scopes', { isMet: () => false }],
  ])('if config.auth of a route is %s', async (_name, auth) => {
    await app.register(claimgate, authority.options)
    expect(() => app.get('/orders', { config: { auth: auth as never } }, echo)).toThrow(
      /"config.auth" must be true, false or a requirement/,
    )
  })

  it.each([['orders:read'], [true], [false], [null], [{ isMet: () => true }]])(
    'if authenticateJwt is called with %j',
    async (requirement) => {
      await app.register(claimgate, { ...authority.options, global: false })
      expect(() => app.authenticateJwt(requirement as never)).toThrow(TypeError)
    },
  )
})

it.each([['orders:read'], [undefined]])(
  'answers with status 500 if config.auth is %s and was declared before the plugin had loaded',
  async (auth) => {
    app.register(claimgate, { ...authority.options, optional: true })
    app.get('/orders', { config: { auth: auth as never } }, echo)
    expect(await statusOf('/orders', await authority.authorization())).toBe(500)
  },
)

it('answers with status 500, and a message, if authenticateJwt is the uncalled hook of a scope', async () => {
  await app.register(claimgate, { ...authority.options, global: false })
  app.register(async (child) => {
    child.addHook('onRequest', child.authenticateJwt as never)
    child.get('/orders', echo)
  })
  const refused = await get('/orders', await authority.authorization())
  expect([refused.statusCode, refused.json().message]).toEqual([
    500,
    'Cannot protect route: authenticateJwt was passed uncalled: write onRequest: app.authenticateJwt()',
  ])
})

it('keeps its rules even if plugins and hooks change the objects they receive', async () => {
  const rule = scope('orders:write')
  await app.register(claimgate, {
    ...authority.options,
    onReject: ({ error }) => {
      expect(() => (error.scopes as string[]).splice(0)).toThrow(TypeError)
    },
  })
  app.addHook('onRoute', ({ schema }) => {
    const { security } = schema as unknown as { readonly security: readonly { readonly bearerAuth: string[] }[] }
    security[0]?.bearerAuth.splice(0)
  })
  app.get('/orders', { config: { auth: rule } }, echo)
  const headers = await authority.authorization({ scope: 'orders:read' })
  expect([await statusOf('/orders', headers), await statusOf('/orders', headers)]).toEqual([403, 403])
  expect(rule.scopes).toEqual(['orders:write'])
})

describe('config.auth', () => {
  beforeEach(async () => {
    await app.register(claimgate, authority.options)
  })

  it('false opens a route, which then ignores tokens', async () => {
    app.get('/health', { config: { auth: false } }, echo)
    expect((await get('/health', await authority.authorization())).json()).toEqual({ sub: null })
    expect(await statusOf('/health', { authorization: 'Bearer nonsense' })).toBe(200)
  })

  it('true requires what the scope requires', async () => {
    app.get('/orders', { config: { auth: true } }, echo)
    expect([await statusOf('/orders'), await statusOf('/orders', await authority.authorization())]).toEqual([401, 200])
  })

  it('adds a requirement to a route', async () => {
    app.get('/orders', { config: { auth: scope('orders:read') } }, echo)
    const forbidden = await get('/orders', await authority.authorization())
    expect([forbidden.statusCode, forbidden.json().error]).toEqual([403, 'insufficient_scope'])
    expect((await get('/orders')).headers['www-authenticate']).toBe(`${BARE}, scope="orders:read"`)
    expect(await statusOf('/orders', await authority.authorization({ scope: 'orders:read' }))).toBe(200)
  })
})

describe('config.auth that is a function of the request', () => {
  const seen: unknown[] = []
  const rule = (request: FastifyRequest) => {
    seen.push(request.auth?.claims.sub ?? null)
    return scope(`${(request.params as { kind?: string }).kind}:read`)
  }

  it('requires what the function returns, which may read the token', async () => {
    seen.length = 0
    await app.register(claimgate, authority.options)
    app.get('/:kind', { config: { auth: rule } }, echo)
    const headers = await authority.authorization({ scope: 'orders:read' })
    expect((await get('/orders', headers)).json()).toEqual({ sub: 'alice' })
    const refused = await get('/invoices', headers)
    expect([refused.statusCode, refused.headers['www-authenticate']]).toEqual([
      403,
      expect.stringContaining('scope="invoices:read"') as string,
    ])
    expect(await statusOf('/orders')).toBe(401)
    expect(seen).toEqual(['alice', 'alice'])
  })

  it('refuses anonymous requests, and the token of a refused request is gone', async () => {
    seen.length = 0
    let left: unknown
    await app.register(claimgate, {
      ...authority.options,
      optional: true,
      onReject: (_refusal, { auth }) => {
        left = auth
        return undefined
      },
    })
    app.get('/:kind', { config: { auth: rule } }, echo)
    expect(await statusOf('/orders')).toBe(401)
    expect(await statusOf('/invoices', await authority.authorization({ scope: 'orders:read' }))).toBe(403)
    expect([seen, left]).toEqual([[null, 'alice'], null])
  })

  it.each<readonly [string, () => unknown]>([
    ['returns no requirement', () => true],
    [
      'throws',
      () => {
        throw new Error('a bug')
      },
    ],
  ])('lets no request through if it %s', async (_, broken) => {
    await app.register(claimgate, authority.options)
    app.get('/', { config: { auth: broken as never } }, echo)
    const headers = await authority.authorization()
    expect(await statusOf('/', headers)).toBe(500)
    expect(await statusOf('/')).toBe(401)
  })

  it('may be given to the hook, and gets the token of a fresh answer', async () => {
    const verifier = createVerifier({ ...authority.options, tokenCache: false })
    const tokens: unknown[] = []
    const verifyFresh: typeof verifier.verifyFresh = async ({ token }) => {
      const again = await verifier.verify(token)
      tokens.push(again)
      return again
    }
    await app.register(claimgate, { verifier: { ...verifier, verifyFresh }, global: false })
    app.addHook('preHandler', async (request) => void tokens.push(request.auth))
    app.get('/', { onRequest: app.authenticateJwt(() => fresh()) }, echo)
    expect(await statusOf('/', await authority.authorization())).toBe(200)
    expect(tokens).toHaveLength(2)
    expect(tokens[1]).toBe(tokens[0])
    expect(await statusOf('/')).toBe(401)
  })

  it('keeps the headers of bindings', async () => {
    await app.register(claimgate, { ...authority.options, bindings: [toyDpop] })
    app.get('/:kind', { config: { auth: rule } }, echo)
    const token = await authority.token({ scope: 'orders:read', cnf: { jkt: 'thumbprint' } })
    const response = await get('/orders', { authorization: `DPoP ${token}`, dpop: 'thumbprint' })
    expect([response.statusCode, response.headers['dpop-nonce']]).toEqual([200, 'nonce-2'])
  })
})

describe('global: false', () => {
  beforeEach(async () => {
    await app.register(claimgate, { ...authority.options, global: false })
  })

  it('protects nothing by default, including unknown routes', async () => {
    app.get('/orders', echo)
    expect([await statusOf('/orders'), await statusOf('/none')]).toEqual([200, 404])
  })

  it('protects routes with config.auth', async () => {
    app.get('/orders', { config: { auth: true } }, echo)
    app.get('/write', { config: { auth: scope('orders:write') } }, echo)
    const headers = await authority.authorization()
    expect([await statusOf('/orders'), await statusOf('/write')]).toEqual([401, 401])
    expect([await statusOf('/orders', headers), await statusOf('/write', headers)]).toEqual([200, 403])
  })

  it.each(['onRequest', 'preValidation', 'preHandler'] as const)(
    'protects routes with the hook in %s',
    async (stage) => {
      app.get('/one', { [stage]: app.authenticateJwt() }, echo)
      app.get('/list', { [stage]: [app.authenticateJwt(scope('orders:read'))] }, echo)
      const refused = await get('/one')
      expect([refused.statusCode, refused.headers['www-authenticate'], refused.body]).toEqual([401, BARE, PROBLEM])
      expect((await get('/list')).headers['www-authenticate']).toBe(`${BARE}, scope="orders:read"`)
      const headers = await authority.authorization()
      expect([await statusOf('/one', headers), await statusOf('/list', headers)]).toEqual([200, 403])
    },
  )

  it('protects a scope with the hook, with Fastify’s own body in refusals', async () => {
    app.register(async (child) => {
      child.addHook('onRequest', child.authenticateJwt())
      child.get('/orders', echo)
    })
    const refused = await get('/orders')
    expect([refused.statusCode, refused.headers['www-authenticate']]).toEqual([401, BARE])
    expect([refused.headers['cache-control'], refused.json()]).toEqual([
      'no-store',
      { statusCode: 401, error: 'Unauthorized', message: 'Request refused' },
    ])
    expect(refused.headers['content-type']).toMatch(/^application\/json/)
    expect(await statusOf('/orders', await authority.authorization())).toBe(200)
  })
})

describe('with @fastify/auth', () => {
  const apiKey = (request: FastifyRequest, _reply: unknown, done: (error?: Error) => void): void =>
    done(request.headers['x-api-key'] === 'letmein' ? undefined : new Error('no API key'))
  const asyncApiKey = async (request: FastifyRequest): Promise<void> => {
    if (request.headers['x-api-key'] !== 'letmein') throw new Error('no API key')
  }

  beforeEach(async () => {
    await app.register(fastifyAuth)
    await app.register(claimgate, { ...authority.options, global: false })
  })

  it.each([
    ['callback', apiKey],
    ['promise', asyncApiKey],
  ])('accepts either a token or another method that is a %s', async (_name, another) => {
    app.get('/token-first', { onRequest: app.auth([app.authenticateJwt(), another]) }, echo)
    app.get('/token-last', { onRequest: app.auth([another, app.authenticateJwt()]) }, echo)
    for (const url of ['/token-first', '/token-last']) {
      expect(await statusOf(url)).toBe(401)
      expect(await statusOf(url, await authority.authorization())).toBe(200)
      expect(await statusOf(url, { 'x-api-key': 'letmein' })).toBe(200)
      expect(await statusOf(url, await other.authorization())).toBe(401)
    }
  })

  it('refuses with the status and the challenge of the token, and nothing else', async () => {
    app.get('/orders', { onRequest: app.auth([apiKey, app.authenticateJwt(scope('orders:write'))]) }, echo)
    const refused = await get('/orders', await authority.authorization())
    expect(refused.statusCode).toBe(403)
    expect(refused.headers['www-authenticate']).toMatch(
      /^Bearer realm="api", error="insufficient_scope", .*scope="orders:write"$/,
    )
    expect(refused.json()).toEqual({ statusCode: 403, error: 'Forbidden', message: 'Request refused' })
  })

  it('requires both a token and another method if the relation says so', async () => {
    app.get('/orders', { onRequest: app.auth([app.authenticateJwt(), apiKey], { relation: 'and' }) }, echo)
    const token = await authority.authorization()
    expect(await statusOf('/orders', token)).toBe(401)
    expect(await statusOf('/orders', { 'x-api-key': 'letmein' })).toBe(401)
    expect(await statusOf('/orders', { ...token, 'x-api-key': 'letmein' })).toBe(200)
  })

  it.each(['and', 'or'] as const)('with relation %s, accepts nested lists of methods', async (relation) => {
    const [reads, writes] = [app.authenticateJwt(scope('read')), app.authenticateJwt(scope('write'))]
    // The nested list is combined with the other relation.
    app.get('/orders', { onRequest: app.auth([[reads, writes], apiKey], { relation }) }, echo)
    const [key, read, both] = [
      { 'x-api-key': 'letmein' },
      await authority.authorization({ scope: 'read' }),
      await authority.authorization({ scope: 'read write' }),
    ]
    const statuses = [{}, key, read, both, { ...read, ...key }].map(async (headers) => statusOf('/orders', headers))
    expect(await Promise.all(statuses)).toEqual(
      relation === 'and' ? [401, 401, 401, 401, 200] : [401, 200, 401, 200, 200],
    )
  })

  it('tries every method if all must run, and refuses if one fails and all are required', async () => {
    app.get('/any', { onRequest: app.auth([apiKey, app.authenticateJwt()], { run: 'all' }) }, echo)
    const all = { relation: 'and', run: 'all' } as const
    app.get('/all', { onRequest: app.auth([apiKey, app.authenticateJwt()], all) }, echo)
    const [key, token] = [{ 'x-api-key': 'letmein' }, await authority.authorization()]
    const statuses = async (url: string) => [await statusOf(url), await statusOf(url, key), await statusOf(url, token)]
    expect(await statuses('/any')).toEqual([401, 200, 200])
    expect(await statuses('/all')).toEqual([401, 401, 401])
    expect(await statusOf('/all', { ...key, ...token })).toBe(200)
  })
})

describe('scopes', () => {
  const protectedBy =
    (options: Parameters<typeof claimgate>[1], more?: FastifyPluginAsync): FastifyPluginAsync =>
    async (child) => {
      await child.register(claimgate, options)
      child.get('/orders', echo)
      if (more !== undefined) await child.register(more, { prefix: '/inner' })
    }
  const statuses = async (url: string): Promise<readonly number[]> => [
    await statusOf(url),
    await statusOf(url, await authority.authorization()),
    await statusOf(url, await other.authorization()),
  ]

  it('that are siblings trust an issuer each', async () => {
    app.register(protectedBy(authority.options), { prefix: '/a' })
    app.register(protectedBy(other.options), { prefix: '/b' })
    expect(await statuses('/a/orders')).toEqual([401, 200, 401])
    expect(await statuses('/b/orders')).toEqual([401, 401, 200])
  })

  it('that are nested use the innermost gate', async () => {
    app.register(protectedBy(authority.options, protectedBy(other.options)), { prefix: '/a' })
    expect(await statuses('/a/orders')).toEqual([401, 200, 401])
    expect(await statuses('/a/inner/orders')).toEqual([401, 401, 200])
  })

  it('that are nested keep the outer protection if the inner one protects nothing by default', async () => {
    const inner: FastifyPluginAsync = async (child) => {
      await child.register(claimgate, { ...other.options, global: false })
      child.get('/orders', echo)
      child.get('/asked', { config: { auth: true } }, echo)
    }
    app.register(protectedBy(authority.options, inner), { prefix: '/a' })
    expect(await statuses('/a/inner/orders')).toEqual([401, 200, 401])
    expect(await statuses('/a/inner/asked')).toEqual([401, 401, 200])
  })

  it('that are nested keep the protection if the outer one is registered last', async () => {
    app.register(
      async (child) => {
        await child.register(claimgate, { ...other.options, global: false })
        child.get('/orders', echo)
        child.get('/asked', { config: { auth: true } }, echo)
      },
      { prefix: '/inner' },
    )
    await app.register(claimgate, authority.options)
    expect(await statuses('/inner/orders')).toEqual([401, 200, 401])
    expect(await statuses('/inner/asked')).toEqual([401, 401, 200])
  })

  it('that are nested use the innermost gate if it is registered last', async () => {
    await app.register(claimgate, authority.options)
    app.register(
      async (child) => {
        await child.register(async (early) => void early.get('/orders', echo))
        await child.register(claimgate, other.options)
      },
      { prefix: '/late' },
    )
    expect(await statuses('/late/orders')).toEqual([401, 401, 200])
  })

  it('verify a token once', async () => {
    const events: string[] = []
    const onEvent = ({ type }: { readonly type: string }): void => void events.push(type)
    const inner = protectedBy({ ...other.options, onEvent })
    app.register(protectedBy({ ...authority.options, onEvent }, inner), { prefix: '/a' })
    await get('/a/inner/orders', await other.authorization())
    expect(events).toEqual(['token.verified'])
  })

  it('keep no result of an outer gate if a hook of an inner one refuses', async () => {
    const seen: unknown[] = []
    app.setErrorHandler((_error, { auth }, reply) => {
      seen.push(auth)
      return reply.code(401).send('')
    })
    await app.register(claimgate, authority.options)
    app.register(async (child) => {
      await child.register(claimgate, { ...other.options, global: false })
      child.addHook('onRequest', child.authenticateJwt())
      child.get('/orders', echo)
    })
    await get('/orders', await authority.authorization())
    expect(seen).toEqual([null])
  })

  it('may read the token from different places', async () => {
    await app.register(formbody)
    await app.register(claimgate, authority.options)
    app.register(async (child) => {
      await child.register(claimgate, { ...authority.options, credentials: [{ from: 'form' }] })
      child.post('/form', echo)
    })
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const post = async (body: string) => (await app.inject({ method: 'POST', url: '/form', headers, body })).statusCode
    expect([await post('a=b'), await post(`access_token=${await authority.token()}`)]).toEqual([401, 200])
  })
})

describe('unknown routes', () => {
  it('answer like protected ones', async () => {
    await app.register(claimgate, authority.options)
    app.post('/orders', echo)
    const [unknown, known] = [await get('/none'), await app.inject({ method: 'POST', url: '/orders' })]
    expect([unknown.statusCode, unknown.headers['www-authenticate'], unknown.body]).toEqual([401, BARE, PROBLEM])
    expect([known.statusCode, known.headers['www-authenticate'], known.body]).toEqual([401, BARE, PROBLEM])
    expect(await statusOf('/orders')).toBe(401)
    expect(await statusOf('/none', await authority.authorization())).toBe(404)
  })

  it('answer like protected ones only under the prefix of a scope', async () => {
    for (const prefix of ['/api', '/api', '/v2']) {
      app.register(
        async (child) => {
          await child.register(claimgate, authority.options)
        },
        { prefix },
      )
    }
    expect([await statusOf('/api/none'), await statusOf('/api'), await statusOf('/v2/none')]).toEqual([401, 401, 401])
    expect(await statusOf('/api/none', await authority.authorization())).toBe(404)
    expect(await statusOf('/none')).toBe(404)
  })

  it.each([
    ['before the plugin has loaded', 'protect', 'sync'],
    ['after it, which needs "notFound"', 'own', 'await'],
  ] as const)('can be answered by a handler of the scope that is set %s', async (_name, notFound, order) => {
    app.register(
      async (child) => {
        const registered = child.register(claimgate, { ...authority.options, notFound })
        if (order === 'await') await registered
        child.setNotFoundHandler((_request, reply) => reply.code(404).send('own'))
      },
      { prefix: '/api' },
    )
    expect(await statusOf('/api/none')).toBe(401)
    expect((await get('/api/none', await authority.authorization())).body).toBe('own')
  })
})

describe('onReject', () => {
  it('replaces the default answer', async () => {
    await app.register(claimgate, {
      ...authority.options,
      onReject: ({ error, response }, _request, reply) => reply.code(response.status).send({ code: error.code }),
    })
    app.get('/orders', echo)
    const refused = await get('/orders')
    expect([refused.statusCode, refused.json()]).toEqual([401, { code: 'credential_missing' }])
  })

  it.each([
    [
      'throws',
      () => {
        throw new RangeError('a bug')
      },
    ],
    ['rejects', () => Promise.reject(new RangeError('a bug'))],
  ])('that %s ends in the error handler', async (_name, onReject) => {
    await app.register(claimgate, { ...authority.options, onReject })
    app.get('/orders', echo)
    expect(await statusOf('/orders')).toBe(500)
  })

  it('that answers later, and returns the reply, delays the route', async () => {
    let served = 0
    await app.register(claimgate, {
      ...authority.options,
      onReject: (_refusal, _request, reply) => {
        setImmediate(() => void reply.code(418).send('later'))
        return reply
      },
    })
    app.get('/orders', async () => (served += 1))
    expect([await statusOf('/orders'), served]).toEqual([418, 0])
  })

  it.each([
    ['text', () => 'no entry', 'no entry', /^text\/plain/],
    ['text, later', async () => 'no entry', 'no entry', /^text\/plain/],
    ['an object', async () => ({ no: 'entry' }), '{"no":"entry"}', /^application\/json/],
    ['null', async () => null, 'null', /^application\/json/],
  ])('that returns %s sends it with the status and the challenge', async (_name, onReject, body, type) => {
    await app.register(claimgate, { ...authority.options, onReject })
    app.get('/orders', { config: { auth: scope('a') } }, echo)
    const refused = await get('/orders')
    expect([refused.statusCode, refused.body]).toEqual([401, body])
    expect(refused.headers).toMatchObject({ 'www-authenticate': `${BARE}, scope="a"`, 'cache-control': 'no-store' })
    expect(refused.headers['content-type']).toMatch(type)
  })

  it('that returns a body keeps its changes to the reply', async () => {
    await app.register(claimgate, {
      ...authority.options,
      onReject: async (_refusal, _request, reply) => {
        reply.code(404).header('cache-control', 'private').type('text/html')
        return '<p>'
      },
    })
    app.get('/orders', echo)
    const { statusCode, headers, body } = await get('/orders')
    expect([statusCode, headers['cache-control'], headers['content-type'], body]).toEqual([
      404,
      'private',
      'text/html',
      '<p>',
    ])
  })

  it.each([
    ['at once', () => undefined],
    ['later', async () => undefined],
  ])('that does nothing leaves the default answer, %s', async (_name, onReject) => {
    await app.register(claimgate, { ...authority.options, onReject })
    app.get('/orders', echo)
    const refused = await get('/orders')
    expect([refused.statusCode, refused.headers['www-authenticate'], refused.body]).toEqual([401, BARE, PROBLEM])
  })

  it.each([
    ['sends', (reply: FastifyReply) => reply.code(418).send('own'), 418, 'own'],
    ['redirects', (reply: FastifyReply) => reply.redirect('/log-in'), 302, ''],
  ])('that %s answers once, even if hooks delay the answer', async (_name, act, status, body) => {
    const sent: unknown[] = []
    app.addHook('onSend', async (_request, _reply, payload) => {
      await new Promise(setImmediate)
      sent.push(payload)
    })
    await app.register(claimgate, {
      ...authority.options,
      onReject: async (_refusal, _request, reply) => void act(reply),
    })
    app.get('/orders', echo)
    const refused = await get('/orders')
    expect([refused.statusCode, refused.body, sent.length]).toEqual([status, body, 1])
  })

  it.each<readonly [string, OnReject]>([
    ['has a header that Node rejects', (_refusal, _request, reply) => reply.header('x-a', 'a\nb').send('own')],
    ['has it later', async (_refusal, _request, reply) => void reply.header('x-a', 'a\nb').send('own')],
    ['sends an object as text', (_refusal, _request, reply) => reply.type('text/plain').send({ own: true })],
  ])('whose answer %s ends in the error handler', async (_name, onReject) => {
    await app.register(claimgate, { ...authority.options, onReject })
    app.get('/orders', echo)
    await app.listen({ host: '127.0.0.1', port: 0 })
    expect((await fetchOrders()).status).toBe(500)
  })

  it.each<readonly [string, OnReject]>([
    ['writes to the raw response, and then throws', (_refusal, _request, { raw }) => throwAfter(raw.write('half'))],
    [
      'writes to the raw response, and then rejects',
      async (_refusal, _request, { raw }) => throwAfter(raw.write('half')),
    ],
    [
      'sends headers to the raw response, and then throws',
      (_refusal, _request, { raw }) => throwAfter(raw.writeHead(418)),
    ],
    ['hijacks the reply, and then throws', (_refusal, _request, reply) => throwAfter(reply.hijack())],
    ['hijacks the reply, and then rejects', async (_refusal, _request, reply) => throwAfter(reply.hijack())],
    [
      'hijacks the reply, writes, and then throws',
      (_refusal, _request, reply) => throwAfter(reply.hijack().raw.write('half')),
    ],
  ])('that %s closes the connection, so that no client waits', async (_name, onReject) => {
    await app.register(claimgate, { ...authority.options, onReject })
    app.get('/orders', echo)
    await app.listen({ host: '127.0.0.1', port: 0 })
    const answer = fetchOrders().then((response) => response.text())
    await expect(answer).rejects.toThrow(/terminated|fetch failed/)
  })

  function fetchOrders(): Promise<Response> {
    const { port } = app.server.address() as AddressInfo
    return fetch(`http://127.0.0.1:${port}/orders`, { signal: AbortSignal.timeout(5000) })
  }

  const throwAfter = (_begun: unknown): never => {
    throw new RangeError('a bug')
  }

  it('that hijacks the reply keeps control of it', async () => {
    await app.register(claimgate, {
      ...authority.options,
      onReject: (_refusal, _request, reply) => {
        reply.hijack()
        setImmediate(() => reply.raw.end('raw'))
      },
    })
    app.get('/orders', echo)
    const { statusCode, body } = await get('/orders')
    expect([statusCode, body]).toEqual([200, 'raw'])
  })

  it('that throws the error of the refusal sends the challenge, and no claims', async () => {
    await app.register(claimgate, {
      ...authority.options,
      onReject: ({ error }) => {
        throw error
      },
    })
    app.get('/orders', echo)
    const refused = await get('/orders', await authority.authorization({ aud: 'https://secret.example.com' }))
    expect([refused.statusCode, refused.json()]).toEqual([
      401,
      { statusCode: 401, error: 'Unauthorized', message: 'Request refused' },
    ])
    expect(refused.headers['www-authenticate']).toContain('error="invalid_token"')
  })
})

describe('37. Nothing fails open: a request is refused, and its client disconnects early', () => {
  const later = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds))

  /** The number of requests that reach the handler. */
  async function servedAfterReset(declare: (app: FastifyInstance) => Promise<unknown>, body = ''): Promise<number> {
    let served = 0
    app.addHook('onSend', async () => later(40))
    await declare(app)
    app.route({
      method: ['DELETE', 'POST'],
      url: '/accounts/42',
      handler: async () => {
        served += 1
        return 'deleted'
      },
    })
    await app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = app.server.address() as AddressInfo
    const method = body === '' ? 'DELETE' : 'POST'
    const type = `Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\n`
    await Promise.all(
      Array.from({ length: 10 }, async () => {
        const socket = connect({ host: '127.0.0.1', port })
        socket.write(`${method} /accounts/42 HTTP/1.1\r\nHost: a\r\n${body === '' ? '' : type}\r\n${body}`)
        await later(15)
        socket.resetAndDestroy()
      }),
    )
    await later(100)
    return served
  }

  it.each([
    ['with a slow onSend hook', {}],
    ['with an onReject that sends a stream', { onReject: () => Readable.from(sentSlowly()) }],
    ['with an onReject that returns the reply', { onReject: (...[, , reply]: OnRejectArguments) => reply.send('no') }],
    [
      'with an onReject that answers later',
      { onReject: async (...[, , reply]: OnRejectArguments) => answerLater(reply) },
    ],
    ['while keys are fetched', { verifier: { ...createVerifier(authority.options), verify: () => later(30) } }],
    ['with a form', { credentials: [{ from: 'form' }] }, 'a=b'],
  ])('%s: the handler does not run', async (_name, options, body?: string) => {
    const served = servedAfterReset(async (to) => {
      await to.register(formbody)
      await to.register(claimgate, { ...('verifier' in options ? {} : authority.options), ...options } as never)
    }, body)
    expect(await served).toBe(0)
  })

  it.each(['onRequest', 'preParsing', 'preValidation', 'preHandler'] as const)(
    'by a hook of the scope in %s: the handler does not run',
    async (stage) => {
      const served = servedAfterReset(async (to) => {
        await to.register(claimgate, { ...authority.options, global: false })
        to.addHook(stage as 'onRequest', to.authenticateJwt())
      })
      expect(await served).toBe(0)
    },
  )

  async function* sentSlowly(): AsyncGenerator<string> {
    yield 'no'
    await later(40)
    yield ' entry'
  }

  async function answerLater(reply: FastifyReply): Promise<FastifyReply> {
    setTimeout(() => void reply.send('no entry'), 30)
    return reply
  }
})

type OnRejectArguments = Parameters<OnReject>

it('a "config" on Object.prototype that is set before routes are declared opens none', async () => {
  const pollution = { configurable: true, enumerable: true, writable: true, value: { auth: false } }
  onTestFinished(() => void Reflect.deleteProperty(Object.prototype, 'config'))
  await app.register(claimgate, authority.options)
  // oxlint-disable-next-line no-extend-native -- the subject of the test
  Object.defineProperty(Object.prototype, 'config', pollution)
  app.get('/orders', echo)
  await app.ready()
  Reflect.deleteProperty(Object.prototype, 'config')
  expect(await statusOf('/orders')).toBe(401)
})

describe('48. A "config" on Object.prototype', () => {
  const pollute = (config: object): void => {
    const value = { configurable: true, enumerable: true, writable: true, value: config }
    onTestFinished(() => void Reflect.deleteProperty(Object.prototype, 'config'))
    // oxlint-disable-next-line no-extend-native -- the subject of the test
    Object.defineProperty(Object.prototype, 'config', value)
  }
  const clean = (): void => void Reflect.deleteProperty(Object.prototype, 'config')

  it.each([
    ['until the plugin has loaded', clean],
    ['permanently', () => {}],
  ])('opens no route that was declared before the plugin, %s', async (_, afterwards) => {
    pollute({ auth: false })
    app.get('/orders', echo)
    app.register(claimgate, authority.options)
    app.get('/late', echo)
    app.get('/narrow', { config: { auth: scope('orders:read') } }, echo)
    await app.after()
    afterwards()
    app.get('/open', { config: { auth: false } }, echo)
    await app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = app.server.address() as AddressInfo
    const statusAt = async (path: string, headers = {}): Promise<number> =>
      (await fetch(`http://127.0.0.1:${port}${path}`, { headers })).status
    for (const path of ['/orders', '/late', '/narrow', '/unknown']) expect(await statusAt(path)).toBe(401)
    const good = await authority.authorization()
    expect([await statusAt('/orders', good), await statusAt('/narrow', good)]).toEqual([200, 403])
    expect(await statusAt('/open')).toBe(200)
  })

  it('does not remove the protection of a route that requested it before the plugin', async () => {
    pollute({ auth: false })
    app.register(claimgate, { ...authority.options, global: false })
    app.get('/asked', { config: { auth: true } }, echo)
    app.get('/narrow', { config: { auth: scope('orders:read') } }, echo)
    app.get('/free', echo)
    await app.ready()
    expect([await statusOf('/asked'), await statusOf('/narrow'), await statusOf('/free')]).toEqual([401, 401, 200])
  })

  it('has no effect if it is set later', async () => {
    app.get('/before', { config: { auth: false } }, echo)
    app.register(claimgate, authority.options)
    await app.after()
    app.get('/after', { config: { auth: false } }, echo)
    app.get('/orders', echo)
    await app.ready()
    pollute({ auth: true })
    expect([await statusOf('/before'), await statusOf('/after'), await statusOf('/orders')]).toEqual([200, 200, 401])
    pollute({ auth: false })
    expect([await statusOf('/orders'), await statusOf('/unknown')]).toEqual([401, 401])
  })

  it('opens no unknown path, whose handler Fastify gives it', async () => {
    pollute({ auth: false })
    await app.register(claimgate, authority.options)
    await app.ready()
    clean()
    expect(await statusOf('/unknown')).toBe(401)
  })

  it('does not hide the getter of a "config" with a class, which is the rule of the route', async () => {
    class RouteConfig {
      readonly limit = 7
      get auth() {
        return scope('orders:read')
      }
    }
    class Open {
      readonly auth = false
    }
    await app.register(claimgate, authority.options)
    app.get('/orders', { config: new RouteConfig() }, (request) => ({ limit: request.routeOptions.config }))
    app.get('/open', { config: new Open() }, echo)
    expect([await statusOf('/orders'), await statusOf('/open')]).toEqual([401, 200])
    expect(await statusOf('/orders', await authority.authorization())).toBe(403)
    const allowed = await get('/orders', await authority.authorization({ scope: 'orders:read' }))
    expect(allowed.json()).toMatchObject({ limit: { limit: 7, url: '/orders' } })
  })
})

describe("37. Nothing fails open: with Fastify's error handling", () => {
  const ERROR_HANDLERS: readonly (readonly [string, Parameters<FastifyInstance['setErrorHandler']>[0]])[] = [
    ['answers', (_error, _request, reply) => reply.code(500).send('own')],
    [
      'throws',
      () => {
        throw new RangeError('a bug in the error handler')
      },
    ],
    ['rejects', () => Promise.reject(new RangeError('a bug in the error handler'))],
    [
      'throws nothing',
      () => {
        // oxlint-disable-next-line typescript/only-throw-error -- the subject of the test
        throw undefined
      },
    ],
  ]
  const SURROUNDINGS: readonly (readonly [string, (to: FastifyInstance) => void])[] = [
    ['nothing else', () => {}],
    ['a slow onError hook', (to) => void to.addHook('onError', () => setImmediateDone())],
    ['a slow onSend hook', (to) => void to.addHook('onSend', () => setImmediateDone())],
    ['an onSend hook that fails', (to) => void to.addHook('onSend', async () => Promise.reject(new Error('a bug')))],
    ['an onSend hook that calls back with an error', (to) => void to.addHook('onSend', failsLater)],
  ]
  const FAILURES_OF_ONREJECT: readonly (readonly [string, OnReject])[] = [
    [
      'throws',
      () => {
        throw new RangeError('a bug')
      },
    ],
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- the subject of the test
    ['rejects with undefined', () => Promise.reject(undefined)],
    ['throws the error of the refusal', ({ error }) => Promise.reject(error)],
    ['sends, and then rejects', (...[, , reply]) => rejectAfter(reply.code(418).send('own'))],
    ['returns a stream that fails', () => new Readable({ read: fails })],
    ['returns an invalid body', () => Symbol('a body')],
  ]

  describe.each(ERROR_HANDLERS)('with a handler that %s', (_name, handler) => {
    describe.each(SURROUNDINGS)('and %s', (_other, surround) => {
      it.each(FAILURES_OF_ONREJECT)('an onReject that %s runs no route', async (_failure, onReject) => {
        let served = 0
        app.setErrorHandler(handler)
        surround(app)
        await app.register(claimgate, { ...authority.options, onReject })
        app.get('/orders', async () => (served += 1))
        await app.listen({ host: '127.0.0.1', port: 0 })
        const { port } = app.server.address() as AddressInfo
        const signal = AbortSignal.timeout(5000)
        // The answer may be truncated, but it arrives.
        const status = await fetch(`http://127.0.0.1:${port}/orders`, { signal }).then(
          (response) => response.status,
          (error: Error) => error.name === 'TypeError',
        )
        expect([status === true || Number(status) >= 400, served]).toEqual([true, 0])
      })
    })
  })

  const setImmediateDone = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))
  const rejectAfter = (_reply: FastifyReply): Promise<never> => Promise.reject(new RangeError('a bug'))

  function failsLater(...[, , , done]: readonly [unknown, unknown, unknown, (error: Error) => void]): void {
    setImmediate(() => done(new Error('a bug')))
  }

  function fails(this: Readable): void {
    this.destroy(new Error('a bug'))
  }

  it('a refusal after a handlerTimeout does not change the pending answer', async () => {
    let served = 0
    const verify = async (): Promise<never> => {
      await new Promise((resolve) => setTimeout(resolve, 40))
      throw new AuthError('token_expired')
    }
    app.addHook('onSend', (_request, _reply, payload, done) => void setTimeout(() => done(null, payload), 60))
    await app.register(claimgate, { verifier: { ...createVerifier(authority.options), verify } })
    app.get('/orders', { handlerTimeout: 20 }, async () => (served += 1))
    const refused = await get('/orders', { authorization: 'Bearer a.b.c' })
    expect([refused.statusCode, refused.json().code, served]).toEqual([503, 'FST_ERR_HANDLER_TIMEOUT', 0])
    await new Promise((resolve) => setTimeout(resolve, 100))
  })

  it('a refusal with a handlerTimeout is answered after the body has been read', async () => {
    await app.register(formbody)
    await app.register(claimgate, { ...authority.options, credentials: [{ from: 'form' }] })
    app.post('/orders', { handlerTimeout: 5000 }, echo)
    await app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = app.server.address() as AddressInfo
    const body = new URLSearchParams({ a: 'b' })
    expect((await fetch(`http://127.0.0.1:${port}/orders`, { method: 'POST', body })).status).toBe(401)
  })

  it.each([true, false])('a plugin that wraps and awaits the hooks of routes waits (%s)', async (named) => {
    let served = 0
    await app.register(claimgate, { ...authority.options, global: false })
    app.addHook('onRoute', (route) => {
      const hooks = [route.preHandler ?? []].flat() as readonly ((...args: unknown[]) => unknown)[]
      route.preHandler = hooks.map(
        (hook) => async (request: unknown, reply: unknown) => void (await hook(request, reply)),
      )
    })
    const preHandler = app.authenticateJwt()
    app.get('/orders', { preHandler: named ? preHandler : [preHandler] }, async () => (served += 1))
    expect([await statusOf('/orders'), served]).toEqual([401, 0])
    expect(await statusOf('/orders', await authority.authorization())).toBe(200)
  })

  it('a request that an earlier hook answers, and whose client disconnects, is answered once', async () => {
    app.addHook('onSend', (_request, _reply, payload, done) => void setTimeout(() => done(null, payload), 30))
    app.addHook('onRequest', async (_request, reply) => reply.code(418).send('own'))
    await app.register(claimgate, authority.options)
    app.get('/orders', echo)
    await app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = app.server.address() as AddressInfo
    const socket = connect({ host: '127.0.0.1', port })
    socket.write('GET /orders HTTP/1.1\r\nHost: a\r\n\r\n')
    await new Promise((resolve) => setTimeout(resolve, 10))
    socket.resetAndDestroy()
    await new Promise((resolve) => setTimeout(resolve, 80))
    expect(await statusOf('/orders')).toBe(418)
  })
})

describe('OpenAPI security', () => {
  const securityOf = async (declare: (app: FastifyInstance) => void, options: object = {}): Promise<unknown> => {
    const found: unknown[] = []
    await app.register(claimgate, { ...authority.options, ...options })
    app.addHook('onRoute', ({ schema }) => void found.push((schema as { security?: unknown } | undefined)?.security))
    declare(app)
    return found[0]
  }

  it('is added to protected routes', async () => {
    expect(await securityOf((to) => to.get('/', echo))).toEqual([{ bearerAuth: [] }])
  })

  it('names the scopes of a route under the name of the scheme', async () => {
    const security = await securityOf((to) => to.get('/', { config: { auth: scope('a', 'b') } }, echo), {
      securityScheme: 'jwt',
    })
    expect(security).toEqual([{ jwt: ['a', 'b'] }])
  })

  it('shows that anonymous requests are allowed, unless there is a requirement', async () => {
    expect(await securityOf((to) => to.get('/', echo), { optional: true })).toEqual([{ bearerAuth: [] }, {}])
  })

  it('shows that a requirement needs a token even if anonymous requests are allowed', async () => {
    const security = await securityOf((to) => to.get('/', { config: { auth: scope('a') } }, echo), { optional: true })
    expect(security).toEqual([{ bearerAuth: ['a'] }])
  })

  it('does not change open routes', async () => {
    expect(await securityOf((to) => to.get('/', { config: { auth: false } }, echo))).toBeUndefined()
  })

  it("does not change a route's own security", async () => {
    const schema = { security: [{ apiKey: [] }] } as object
    expect(await securityOf((to) => to.get('/', { schema }, echo))).toEqual([{ apiKey: [] }])
  })

  it('is added to routes with the hook, and to no others of a scope that protects nothing by default', async () => {
    const named = (to: FastifyInstance): void => void to.get('/', { onRequest: to.authenticateJwt(scope('a')) }, echo)
    expect(await securityOf(named, { global: false })).toEqual([{ bearerAuth: ['a'] }])
  })
})

it('is its own default export, like plugins of Fastify', async () => {
  const module = await import('@claimgate/fastify')
  expect(module.default).toBe(module.claimgate)
})
