import { anyScope, createAuthenticator, createVerifier, type Refused, scope, type VerifiedToken } from '@claimgate/core'
import { fresh } from '@claimgate/core/introspection'
import { protectedResource } from '@claimgate/core/metadata'
import {
  type AuthEnv,
  authenticateJwt,
  authorize,
  type OptionalAuthEnv,
  requireAnyRole,
  requireAnyScope,
  requireClaim,
  requireRole,
  requireScope,
} from '@claimgate/hono'
import { Hono, type MiddlewareHandler } from 'hono'
import { runInNewContext } from 'node:vm'
import { cors } from 'hono/cors'
import { afterEach, describe, expect, expectTypeOf, it, vi } from 'vitest'
import { z } from 'zod'
import { createAuthority } from '../support/adapters/authority.ts'
import { THROWN_VALUES } from '../support/adapters/thrown-values.ts'
import { toyDpop } from '../support/adapters/toy-dpop.ts'

const authority = await createAuthority()
const { options } = authority
const headers = await authority.authorization({ scope: 'orders:read', tenant: 'acme' })
const verifier = createVerifier(options)

/** An app whose errors can be seen. */
function createApp(): { readonly app: Hono<OptionalAuthEnv>; readonly errors: Error[] } {
  const errors: Error[] = []
  const app = new Hono<OptionalAuthEnv>()
  app.onError((error, c) => {
    errors.push(error)
    return c.text('failed', 500)
  })
  return { app, errors }
}

describe('authenticateJwt in Hono', () => {
  it('gives handlers the typed token', async () => {
    const claims = z.object({ tenant: z.string() })
    const app = new Hono().use(authenticateJwt({ ...options, claims })).get('/', (c) => {
      expectTypeOf(c.get('auth')).toEqualTypeOf<VerifiedToken<{ tenant: string }>>()
      return c.text(c.var.auth.claims.tenant)
    })
    expect(await (await app.request('/', { headers })).text()).toBe('acme')
    expect((await app.request('/')).status).toBe(401)
  })

  it('gives the type to an app that is declared with it', async () => {
    const app = new Hono<AuthEnv>()
    app.use(authenticateJwt(verifier))
    app.get('/', (c) => c.text(c.get('auth').claims.sub ?? ''))
    expect(await (await app.request('/', { headers })).text()).toBe('alice')
  })

  it('gives undefined for anonymous requests, and says so in the type', async () => {
    const app = new Hono().use(authenticateJwt({ verifier, optional: true })).get('/', (c) => {
      expectTypeOf(c.get('auth')).toEqualTypeOf<VerifiedToken | undefined>()
      return c.text(c.get('auth')?.claims.sub ?? 'anonymous')
    })
    expect(await (await app.request('/')).text()).toBe('anonymous')
    expect(await (await app.request('/', { headers })).text()).toBe('alice')
  })

  it('protects unknown paths, and apps that are mounted later', async () => {
    const { app } = createApp()
    app.get('/open', (c) => c.text('open'))
    app.use(authenticateJwt(verifier))
    app.route(
      '/admin',
      new Hono().get('/', (c) => c.text('admin')),
    )
    expect((await app.request('/open')).status).toBe(200)
    expect((await app.request('/unknown')).status).toBe(401)
    expect((await app.request('/admin')).status).toBe(401)
    expect((await app.request('/admin', { headers })).status).toBe(200)
  })

  it('keeps earlier headers such as those of CORS, but not in place of those it sets', async () => {
    const { app } = createApp()
    app.use(cors({ origin: 'https://shop.example.com', exposeHeaders: ['x-page'] }))
    app.use((c, next) => {
      c.header('cache-control', 'public, max-age=600')
      c.header('www-authenticate', 'Basic')
      return next()
    })
    app.use(authenticateJwt({ verifier, exposeChallenge: true }))
    const refused = await app.request('/', { headers: { origin: 'https://shop.example.com' } })
    expect(refused.status).toBe(401)
    expect(Object.fromEntries(refused.headers)).toMatchObject({
      'access-control-allow-origin': 'https://shop.example.com',
      'access-control-expose-headers': 'WWW-Authenticate',
      'cache-control': 'no-store',
      'content-type': 'application/problem+json',
      'www-authenticate': 'Bearer realm="api"',
    })
  })

  it('answers instead of a response that was set before it ran', async () => {
    const { app } = createApp()
    app.use((c, next) => {
      c.res = new Response('early', { status: 200, headers: { 'x-early': 'yes' } })
      return next()
    })
    app.use(authenticateJwt(verifier))
    app.use(requireScope('orders:write'))
    const refused = await app.request('/')
    expect([refused.status, refused.headers.get('x-early')]).toEqual([401, 'yes'])
    expect(await refused.text()).toContain('"status":401')
    expect((await app.request('/', { headers })).status).toBe(403)
  })

  it('adds the headers of bindings to every response', async () => {
    const { app } = createApp()
    app.use(authenticateJwt({ verifier, bindings: [toyDpop], exposeChallenge: true }))
    app.get('/json', (c) => c.json({}))
    app.get('/raw', () => new Response('raw'))
    app.get('/fails', () => Promise.reject(new Error('a bug')))
    const token = await authority.token({ cnf: { jkt: 'thumbprint' } })
    for (const path of ['/json', '/raw', '/fails', '/unknown']) {
      const answer = await app.request(path, { headers: { authorization: `DPoP ${token}`, dpop: 'thumbprint' } })
      expect([path, answer.headers.get('dpop-nonce')]).toEqual([path, 'nonce-2'])
      expect(answer.headers.get('access-control-expose-headers')).toBe('dpop-nonce')
    }
  })

  it('serves the metadata of a resource without a token', async () => {
    const { app } = createApp()
    const resource = protectedResource({ resource: options.audience })
    app.use(authenticateJwt({ ...options, audience: undefined as never, resource, requirement: scope('orders:read') }))
    const metadata = await app.request('/.well-known/oauth-protected-resource')
    expect(await metadata.json()).toMatchObject({ resource: options.audience, scopes_supported: ['orders:read'] })
    const head = await app.request('/.well-known/oauth-protected-resource', { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([200, ''])
    expect((await app.request('/orders')).headers.get('www-authenticate')).toContain('resource_metadata=')
  })

  it('refuses a request that an earlier authenticateJwt has admitted', async () => {
    const { app } = createApp()
    app.use(authenticateJwt({ verifier, optional: true }), authenticateJwt(verifier))
    app.get('/', (c) => c.text('served'))
    expect((await app.request('/')).status).toBe(401)
  })

  it('gives access to its verifier', () => {
    expect(authenticateJwt(verifier).verifier).toBe(verifier)
  })
})

describe('onReject in Hono', () => {
  it('replaces the response, and learns the reason', async () => {
    const refusals: Refused[] = []
    const { app } = createApp()
    app.use(
      authenticateJwt({
        verifier,
        onReject: (refusal, c) => {
          refusals.push(refusal)
          return c.json({ no: refusal.response.status }, 418)
        },
      }),
      requireScope('orders:write'),
    )
    const [missing, scoped] = [await app.request('/'), await app.request('/', { headers })]
    expect([missing.status, await missing.json()]).toEqual([418, { no: 401 }])
    expect([scoped.status, await scoped.json()]).toEqual([418, { no: 403 }])
    expect(refusals.map(({ error }) => error.code)).toEqual(['credential_missing', 'insufficient_scope'])
  })

  it.each(THROWN_VALUES)('that throws %s fails with an Error, and no handler runs', async (_, value) => {
    const { app, errors } = createApp()
    app.use(
      authenticateJwt({
        verifier,
        onReject: () => {
          throw value
        },
      }),
    )
    app.get('/', (c) => c.text('served'))
    expect(await (await app.request('/')).text()).toBe('failed')
    expect(errors).toEqual([expect.any(Error)])
  })

  it.each([undefined, null, true, 'text', { status: 200 }, async () => {}])(
    'that returns %s leaves the default response',
    async (value) => {
      const { app } = createApp()
      app.use(authenticateJwt({ verifier, onReject: (() => value) as never }))
      app.get('/', (c) => c.text('served'))
      const refused = await app.request('/')
      expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="api"'])
    },
  )
})

describe('authorize in Hono', () => {
  it('takes a requirement, or a function of the request', async () => {
    const { app } = createApp()
    app.use(authenticateJwt(verifier))
    app.get('/any', authorize(anyScope('orders:admin', 'orders:read')), (c) => c.text('served'))
    app.get(
      '/:kind',
      authorize((c) => scope(`${c.req.param('kind')}:read`)),
      (c) => c.text('served'),
    )
    expect((await app.request('/any', { headers })).status).toBe(200)
    expect((await app.request('/orders', { headers })).status).toBe(200)
    const refused = await app.request('/invoices', { headers })
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([
      403,
      expect.stringContaining('scope="invoices:read"'),
    ])
  })

  it.each<[string, MiddlewareHandler, MiddlewareHandler]>([
    ['requireScope', requireScope('orders:read'), requireScope('orders:read', 'orders:write')],
    [
      'requireAnyScope',
      requireAnyScope('orders:read', 'orders:write'),
      requireAnyScope('orders:write', 'orders:admin'),
    ],
    ['requireRole', requireRole('buyer', 'editor'), requireRole('buyer', 'admin')],
    ['requireAnyRole', requireAnyRole('admin', 'buyer'), requireAnyRole('admin', 'owner')],
    ['requireClaim', requireClaim('tenant', ['acme', 'umbrella']), requireClaim('tenant', 'umbrella')],
    ['requireClaim of a nested claim', requireClaim(['org', 'unit'], 'sales'), requireClaim(['org', 'unit'], 'it')],
  ])('has %s', async (_, met, unmet) => {
    const { app } = createApp()
    app.use(authenticateJwt({ ...options, roleSource: ['roles'] }))
    app.get('/met', met, (c) => c.text('served'))
    app.get('/unmet', unmet, (c) => c.text('served'))
    const claims = { scope: 'orders:read', tenant: 'acme', roles: ['buyer', 'editor'], org: { unit: 'sales' } }
    const init = { headers: await authority.authorization(claims) }
    expect([(await app.request('/met', init)).status, (await app.request('/unmet', init)).status]).toEqual([200, 403])
  })

  it('gives handlers the token of a fresh answer', async () => {
    const asked = createVerifier({ ...options, tokenCache: false })
    const verifyFresh: typeof asked.verifyFresh = async ({ token }) => asked.verify(token)
    const { app } = createApp()
    let first: unknown
    app.use(authenticateJwt({ verifier: { ...asked, verifyFresh } }), requireClaim('sub', 'alice'))
    app.use((c, next) => {
      first = c.get('auth')
      return next()
    })
    app.get('/', authorize(fresh()), requireScope('orders:read'), (c) =>
      c.json([c.get('auth') === first, c.get('auth')?.claims.sub]),
    )
    expect(await (await app.request('/', { headers })).json()).toEqual([false, 'alice'])
  })

  it('refuses anonymous requests', async () => {
    const { app } = createApp()
    app.use(authenticateJwt({ verifier, optional: true }), requireScope('orders:read'))
    app.get('/', (c) => c.text('served'))
    expect((await app.request('/')).status).toBe(401)
  })

  it.each([
    ['without authenticateJwt', (app: Hono<OptionalAuthEnv>) => app.use(requireScope('orders:read'))],
    [
      'with a variable that something else has set',
      (app: Hono<OptionalAuthEnv>) => {
        app.use((c, next) => {
          c.set('auth', { claims: {}, scopes: new Set(['orders:read']) } as never)
          return next()
        })
        app.use(requireScope('orders:read'))
      },
    ],
    [
      'with an authenticator that admits nothing',
      (app: Hono<OptionalAuthEnv>) => {
        const authenticator = { ...createAuthenticator(verifier), authorize: async () => undefined as never }
        app.use(authenticateJwt({ authenticator }), requireScope('orders:read'))
      },
    ],
    [
      'with an authenticator that takes a token for none',
      (app: Hono<OptionalAuthEnv>) => {
        const authenticator = {
          ...createAuthenticator(verifier),
          authorize: async () => ({ kind: 'anonymous' }) as never,
        }
        app.use(authenticateJwt({ authenticator }), requireScope('orders:read'))
      },
    ],
    [
      'with a function that returns no requirement',
      (app: Hono<OptionalAuthEnv>) => app.use(authenticateJwt(verifier), authorize((() => true) as never)),
    ],
  ])('fails %s', async (_, protect) => {
    const { app, errors } = createApp()
    protect(app)
    app.get('/', (c) => c.text('served'))
    expect(await (await app.request('/', { headers })).text()).toBe('failed')
    expect(errors).toEqual([expect.any(TypeError)])
  })

  it.each([
    ['authenticateJwt', authenticateJwt, 'app.use(authenticateJwt())'],
    ['authorize', authorize, 'authorize(scope("orders:read"))'],
    ['requireScope', requireScope, 'requireScope("orders:read")'],
    ['requireAnyScope', requireAnyScope, 'requireAnyScope("orders:read", "orders:write")'],
    ['requireRole', requireRole, 'requireRole("admin")'],
    ['requireAnyRole', requireAnyRole, 'requireAnyRole("admin", "editor")'],
    ['requireClaim', requireClaim, 'requireClaim("tenant", "acme")'],
  ] as const)('says how to write %s if it was passed uncalled', async (name, uncalled, call) => {
    const { app, errors } = createApp()
    app.use(uncalled as never)
    app.get('/', (c) => c.text('served'))
    expect(await (await app.request('/', { headers })).text()).toBe('failed')
    expect(errors.map(String)).toEqual([`TypeError: ${name} was passed uncalled: write ${call}`])
  })

  it.each([
    [undefined, /must not be undefined/],
    ['orders:read', /^Cannot authorize request: give a requirement/],
    [scope, /give a requirement/],
  ])('stops at start-up for %s', (given, message) => {
    expect(() => authorize(given as never)).toThrow(message)
    for (const make of [requireScope, requireAnyScope, requireRole, requireAnyRole])
      expect(() => make()).toThrow(TypeError)
  })
})

describe('a request that Hono refuses', () => {
  it('loses the admission, the token and the user that it had before', async () => {
    const { app } = createApp()
    const left: unknown[] = []
    let later: unknown
    app.use(authenticateJwt({ verifier, onAuthenticated: () => 'user' }))
    app.use(async (c, next) => {
      await next()
      later = await Promise.resolve(requireScope('orders:read')(c, async () => undefined)).catch((e: unknown) => e)
    })
    app.use(
      authenticateJwt({
        verifier,
        requirement: scope('none'),
        onAuthenticated: () => 'other',
        onReject: (_refusal, c) => {
          left.push(c.get('auth'), c.get('user'))
          return undefined
        },
      }),
    )
    expect((await app.request('/', { headers })).status).toBe(403)
    expect(left).toEqual([undefined, undefined])
    expect(later).toEqual(
      new TypeError(
        'Cannot authorize request: no authenticateJwt() has let it through. Put app.use(authenticateJwt()) before the route',
      ),
    )
  })

  it('gets an error of this realm if something throws one of another', async () => {
    const foreign: unknown = runInNewContext('new RangeError("x")')
    const { app, errors } = createApp()
    app.use(authenticateJwt({ verifier: { ...verifier, verify: () => Promise.reject(foreign as Error) } }))
    expect(await (await app.request('/', { headers })).text()).toBe('failed')
    expect(errors).toEqual([new Error('Cannot authenticate request')])
    expect(errors[0]?.cause).toBe(foreign)
  })
})

it('Hono keeps a variable "user" of the application without onAuthenticated', async () => {
  const { app } = createApp()
  app.use((c, next) => {
    c.set('user' as never, 'mine' as never)
    return next()
  })
  app.use(authenticateJwt(verifier))
  app.get('/', (c) => c.text(String(c.get('user' as never))))
  expect(await (await app.request('/', { headers })).text()).toBe('mine')
})

it('Hono adds the exposed headers of a binding to those of the handler', async () => {
  const token = await authority.token({ cnf: { jkt: 'thumbprint' } })
  const { app } = createApp()
  app.use(authenticateJwt({ verifier, bindings: [toyDpop], exposeChallenge: true }))
  app.get('/', (c) => c.text('served', 200, { 'access-control-expose-headers': 'X-Page' }))
  const { headers: added } = await app.request('/', {
    headers: { authorization: `DPoP ${token}`, dpop: 'thumbprint' },
  })
  expect([added.get('dpop-nonce'), added.get('access-control-expose-headers')]).toEqual([
    'nonce-2',
    'X-Page, dpop-nonce',
  ])
})

it('Hono stops at start-up for an option that does not exist', () => {
  expect(() => authenticateJwt({ ...options, audiences: 'a' } as never)).toThrow('Cannot create middleware: ')
})

describe('the environment of Hono', () => {
  afterEach(() => {
    vi.unstubAllGlobals()
    vi.unstubAllEnvs()
  })

  const variables = { JWT_ISSUER: options.issuer, JWT_AUDIENCE: options.audience, JWT_PUBLIC_KEY: authority.publicPem }

  it('is empty in a runtime without "process"', () => {
    vi.stubGlobal('process', undefined)
    expect(() => authenticateJwt()).toThrow(/JWT_ISSUER/)
  })

  it('is process.env, read at start-up', async () => {
    expect(() => authenticateJwt()).toThrow(/JWT_ISSUER/)
    for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value)
    const app = new Hono().use(authenticateJwt()).get('/', (c) => c.text(c.get('auth').claims.sub ?? ''))
    expect(await (await app.request('/', { headers })).text()).toBe('alice')
  })

  it('is the bindings in a worker, read with the first request', async () => {
    vi.stubGlobal('navigator', { userAgent: 'Cloudflare-Workers' })
    const { app, errors } = createApp()
    const authenticate = authenticateJwt({ realm: 'orders' })
    expect(() => authenticate.verifier).toThrow(/once a request has arrived/)
    app.use(authenticate)
    app.get('/', (c) => c.text(c.get('auth')?.claims.sub ?? ''))
    expect((await app.request('/', { headers }, {})).status).toBe(500)
    expect(errors.map(String)).toEqual([expect.stringContaining('JWT_ISSUER')])
    expect((await app.request('/', {}, variables)).headers.get('www-authenticate')).toBe('Bearer realm="orders"')
    expect(await (await app.request('/', { headers }, variables)).text()).toBe('alice')
    expect(authenticate.verifier.status?.().issuers).toHaveLength(1)
    // Options of the verifier are checked at once there, too.
    expect(() => authenticateJwt({ ...options, audience: '' })).toThrow(/audience/)
  })
})
