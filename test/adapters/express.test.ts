import {
  type AuthError,
  type Binding,
  createAuthenticator,
  createVerifier,
  scope,
  type VerifiedToken,
} from '@claimgate/core'
import { authenticateJwt, authorize, getAuth, requireAnyScope, requireClaim, requireScope } from '@claimgate/express'
import express5, { type ErrorRequestHandler, type Request, type RequestHandler } from 'express'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { listen } from './contract/started-adapter.ts'
import { createAuthority } from './support/authority.ts'

// Express 4 comes without types; what is used of it here is the same.
const require = createRequire(import.meta.url)
const express4 = require('express4') as typeof express5

const authority = await createAuthority()
const other = await createAuthority('https://other.example.com')

const authOf = (req: Request): VerifiedToken | undefined => (req as { auth?: VerifiedToken }).auth
const echo: RequestHandler = (req, res) => {
  res.json({ sub: authOf(req)?.claims['sub'] ?? null })
}

describe.each([
  ['4', express4],
  ['5', express5],
] as const)('Express %s', (_, express) => {
  let app: ReturnType<typeof express5>
  let errors: unknown[]

  beforeEach(() => {
    app = express()
    errors = []
  })

  afterEach(() => vi.unstubAllEnvs())

  const collectErrors: ErrorRequestHandler = (error: { readonly status?: number }, _req, res, _next) => {
    errors.push(error)
    res.status(error.status ?? 500).end('error handler')
  }

  async function request(path: string, headers: Record<string, string> = {}): Promise<Response> {
    const { port, close } = await listen(createServer(app))
    onTestFinished(close)
    return fetch(`http://127.0.0.1:${port}${path}`, { headers })
  }

  describe('authenticateJwt', () => {
    it.each([
      ['options', () => authenticateJwt(authority.options)],
      ['a verifier', () => authenticateJwt(createVerifier(authority.options))],
      ['options around a verifier', () => authenticateJwt({ verifier: createVerifier(authority.options) })],
      ['an authenticator', () => authenticateJwt(createAuthenticator(authority.options))],
    ])('takes %s and sets req.auth', async (_name, make) => {
      app.use(make(), echo)
      const response = await request('/', await authority.authorization())
      expect([response.status, await response.json()]).toEqual([200, { sub: 'alice' }])
    })

    it('reads the environment when called without options', async () => {
      vi.stubEnv('JWT_ISSUER', authority.options.issuer)
      vi.stubEnv('JWT_AUDIENCE', authority.options.audience)
      vi.stubEnv('JWT_PUBLIC_KEY', authority.publicPem)
      app.use(authenticateJwt(), echo)
      vi.unstubAllEnvs()
      expect((await request('/', await authority.authorization())).status).toBe(200)
    })

    it('names the variable that is missing from the environment, at the call', () => {
      vi.stubEnv('JWT_ISSUER', '')
      expect(() => authenticateJwt()).toThrow(
        new TypeError(
          'Cannot read the environment: set JWT_ISSUER to the exact iss of the tokens, for example https://auth.example.com',
        ),
      )
    })

    it.each([
      ['null', null],
      ['text', 'https://auth.example.com'],
      ['a function', () => true],
      ['nothing in it', {}],
      ['an option that does not exist', { ...authority.options, audiences: 'a' }],
      ['no function to reject', { ...authority.options, onReject: 'send' }],
      ['a requirement that is text', { ...authority.options, requirement: 'orders:read' }],
    ])('refuses options that are %s, at the call', (_name, options) => {
      expect(() => authenticateJwt(options as never)).toThrow(TypeError)
    })

    it('sets req.auth to undefined for anonymous requests', async () => {
      app.use((req, _res, next) => next(void Object.assign(req, { auth: 'left by somebody' })))
      app.use(authenticateJwt({ ...authority.options, optional: true }), (req, res) => {
        res.json({ auth: typeof authOf(req) })
      })
      expect(await (await request('/')).json()).toEqual({ auth: 'undefined' })
    })

    it('protects every route of a router, and none outside of it', async () => {
      const router = express.Router()
      router.use(authenticateJwt(authority.options))
      router.get('/orders', echo)
      app.use('/api', router)
      app.get('/health', echo)
      expect((await request('/api/orders')).status).toBe(401)
      expect((await request('/api/orders', await authority.authorization())).status).toBe(200)
      expect((await request('/health')).status).toBe(200)
    })

    it('is seen by mounted applications', async () => {
      const mounted = express()
      mounted.get('/orders', requireScope('orders:read'), (req, res) => {
        res.json({ sub: getAuth(req).claims.sub })
      })
      app.use(authenticateJwt(authority.options))
      app.use('/mounted', mounted)
      const response = await request('/mounted/orders', await authority.authorization({ scope: 'orders:read' }))
      expect([response.status, await response.json()]).toEqual([200, { sub: 'alice' }])
      expect((await request('/mounted/orders', await authority.authorization())).status).toBe(403)
    })

    it('finds a token in the query under a mount path', async () => {
      app.use('/api', authenticateJwt({ ...authority.options, credentials: [{ from: 'query' }] }), echo)
      expect((await request(`/api/orders?access_token=${await authority.token()}`)).status).toBe(200)
    })

    it('shows bindings the target as received, whatever path it is mounted at', async () => {
      const targets: string[] = []
      const confirm: Binding['confirm'] = async (_value, _token, { target }) => void targets.push(target)
      app.use('/api', authenticateJwt({ ...authority.options, bindings: [{ confirmation: 'jkt', confirm }] }), echo)
      await request('/api/orders?page=2', await authority.authorization({ cnf: { jkt: 'thumbprint' } }))
      expect(targets).toEqual(['/api/orders?page=2'])
    })

    it('sees no form that nobody has parsed', async () => {
      app.use(authenticateJwt({ ...authority.options, credentials: [{ from: 'form' }] }), echo)
      const { port, close } = await listen(createServer(app))
      onTestFinished(close)
      const body = new URLSearchParams({ access_token: await authority.token() })
      expect((await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body })).status).toBe(401)
    })

    it('lets the later of two decide', async () => {
      app.use(authenticateJwt(authority.options))
      app.use('/other', authenticateJwt({ verifier: createVerifier(other.options), realm: 'other', optional: true }))
      app.use('/other', requireScope('orders:read'), echo)
      const response = await request('/other', await authority.authorization({ scope: 'orders:read' }))
      expect(response.status).toBe(401)
      expect(response.headers.get('www-authenticate')).toContain('realm="other", error="invalid_token"')
    })

    it('leaves nothing of an earlier one behind when it refuses', async () => {
      app.use(authenticateJwt(authority.options))
      app.use(authenticateJwt({ ...other.options, onReject: (_refusal, _req, _res, next) => next() }), echo)
      const recover: ErrorRequestHandler = (_error, _req, _res, next) => next()
      app.use(recover)
      app.use((req, res) => {
        const found: unknown = authOf(req)
        expect(() => getAuth(req)).toThrow(TypeError)
        res.json({ auth: typeof found })
      })
      expect(await (await request('/', await authority.authorization())).json()).toEqual({ auth: 'undefined' })
    })

    it('passes bugs on to the error handler', async () => {
      const bug = new RangeError('a bug')
      const requirement = {
        description: 'a bug',
        scopes: [],
        isMet: () => {
          throw bug
        },
      }
      app.use(authenticateJwt({ ...authority.options, requirement }), echo)
      app.use(collectErrors)
      expect((await request('/', await authority.authorization())).status).toBe(500)
      expect(errors).toEqual([bug])
    })
  })

  describe('onReject', () => {
    it('answers in place of the default', async () => {
      app.use(
        authenticateJwt({
          ...authority.options,
          onReject: ({ error, response }, _req, res) => {
            res
              .status(response.status)
              .set('www-authenticate', response.headers['www-authenticate'])
              .json({ code: error.code })
          },
        }),
        echo,
      )
      const response = await request('/')
      expect([response.status, await response.json()]).toEqual([401, { code: 'credential_missing' }])
      expect(response.headers.get('www-authenticate')).toBe('Bearer realm="api"')
    })

    it('answers for requirements in route handlers as well', async () => {
      const codes: string[] = []
      const onReject = ({ error }: { readonly error: AuthError }, _req: unknown, res: { end(): void }): void => {
        codes.push(error.code)
        res.end()
      }
      app.use(authenticateJwt({ ...authority.options, onReject }), requireScope('orders:write'), echo)
      await request('/', await authority.authorization())
      expect(codes).toEqual(['insufficient_scope'])
    })

    it.each([
      ['nothing', undefined],
      ['null', null],
      ['the name of the next route', 'route'],
      ['the way out of a router', 'router'],
    ])('never lets a request through by calling next with %s', async (_name, argument) => {
      const { onReject } = {
        onReject: (...[, , , next]: readonly [unknown, unknown, unknown, (error?: unknown) => void]) => next(argument),
      }
      const router = express.Router()
      router.get('/', authenticateJwt({ ...authority.options, onReject }), echo)
      router.get('/', echo)
      app.use(router)
      app.get('/', echo)
      app.use(collectErrors)
      expect((await request('/')).status).toBe(401)
      expect(errors).toEqual([expect.objectContaining({ code: 'credential_missing' })])
    })

    it.each([
      [
        'throws',
        () => {
          throw new RangeError('a bug')
        },
      ],
      ['rejects', () => Promise.reject(new RangeError('a bug'))],
      [
        'gives an error of its own',
        (...[, , , next]: readonly [unknown, unknown, unknown, (error?: unknown) => void]) =>
          next(new RangeError('a bug')),
      ],
    ])('that %s ends in the error handler', async (_name, onReject) => {
      app.use(authenticateJwt({ ...authority.options, onReject }), echo)
      app.use(collectErrors)
      await request('/')
      expect(errors).toEqual([new RangeError('a bug')])
    })
  })

  describe('requirements in route handlers', () => {
    const claims = { scope: 'orders:read', tenant: 'acme' }

    it.each([
      ['requireScope', requireScope('orders:read'), requireScope('orders:read', 'orders:write')],
      [
        'requireAnyScope',
        requireAnyScope('orders:write', 'orders:read'),
        requireAnyScope('orders:write', 'orders:admin'),
      ],
      ['requireClaim', requireClaim('tenant', ['acme', 'umbrella']), requireClaim('tenant', 'umbrella')],
      [
        'requireClaim with a predicate',
        requireClaim('tenant', (value) => value === 'acme'),
        requireClaim('tenant', () => false),
      ],
      ['authorize', authorize(scope('orders:read')), authorize(scope('orders:write'))],
    ])('%s lets those through that meet it', async (_name, met, unmet) => {
      app.use(authenticateJwt(authority.options))
      app.get('/met', met, echo)
      app.get('/unmet', unmet, echo)
      const headers = await authority.authorization(claims)
      expect([(await request('/met', headers)).status, (await request('/unmet', headers)).status]).toEqual([200, 403])
    })

    it('fail with an error, and let nobody through, where no authenticateJwt ran', async () => {
      app.use((req, _res, next) =>
        next(void Object.assign(req, { auth: { scopes: new Set(['orders:read']), claims: {} } })),
      )
      app.get('/', requireScope('orders:read'), echo)
      app.use(collectErrors)
      expect((await request('/', await authority.authorization(claims))).status).toBe(500)
      expect(errors).toEqual([
        new TypeError(
          'Cannot authorize request: no authenticateJwt() has let it through. Put app.use(authenticateJwt()) before the route',
        ),
      ])
    })

    it('do not believe what others write into req.auth', async () => {
      app.use(authenticateJwt(authority.options))
      app.use((req, _res, next) =>
        next(void Object.assign(req, { auth: { scopes: new Set(['orders:write']), claims: {} } })),
      )
      app.get('/', requireScope('orders:write'), echo)
      expect((await request('/', await authority.authorization(claims))).status).toBe(403)
    })

    it('pass bugs of a predicate on to the error handler', async () => {
      app.use(
        authenticateJwt(authority.options),
        requireClaim('tenant', () => 'yes' as never),
        echo,
      )
      app.use(collectErrors)
      expect((await request('/', await authority.authorization(claims))).status).toBe(500)
      expect(errors).toEqual([new TypeError('A claim predicate must answer with true or false')])
    })

    it.each([
      ['no scope', () => requireScope()],
      ['no scope of some', () => requireAnyScope()],
      ['two scopes in one text', () => requireScope('orders:read orders:write')],
      ['text for a requirement', () => authorize('orders:read' as never)],
      ['no requirement', () => authorize(undefined as never)],
      ['a regular expression', () => requireClaim('tenant', /acme/ as never)],
    ])('refuse %s at start-up', (_name, make) => {
      expect(make).toThrow(TypeError)
    })
  })

  describe('getAuth', () => {
    it('gives the verified token', async () => {
      app.use(authenticateJwt(authority.options), (req, res) => {
        res.json({ same: getAuth(req) === authOf(req), scopes: [...getAuth(req).scopes] })
      })
      const response = await request('/', await authority.authorization({ scope: 'a b' }))
      expect(await response.json()).toEqual({ same: true, scopes: ['a', 'b'] })
    })

    it('throws where no authenticateJwt ran', async () => {
      app.get('/', (req, res) => res.json(getAuth(req).claims))
      app.use(collectErrors)
      expect((await request('/', await authority.authorization())).status).toBe(500)
      expect(errors).toEqual([expect.any(TypeError)])
    })

    it('throws for anonymous requests, which Express answers with status 401 and a challenge', async () => {
      vi.stubEnv('NODE_ENV', 'test')
      app.use(authenticateJwt({ ...authority.options, optional: true, realm: 'orders' }))
      app.get('/', (req, res) => res.json(getAuth(req).claims))
      const response = await request('/')
      expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="orders"'])
    })

    it('of a middleware throws where another one has let the request through', async () => {
      const first = authenticateJwt({ ...authority.options, optional: true })
      const second = authenticateJwt(authority.options)
      app.use(first, second)
      app.get('/first', (req, res) => res.json(first.getAuth(req).claims))
      app.get('/second', (req, res) => res.json(second.getAuth(req).claims))
      app.use(collectErrors)
      const headers = await authority.authorization()
      expect([(await request('/first', headers)).status, (await request('/second', headers)).status]).toEqual([
        500, 200,
      ])
      expect(errors).toEqual([expect.any(TypeError)])
    })
  })
})
