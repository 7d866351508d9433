import {
  AuthError,
  type Binding,
  createAuthenticator,
  createVerifier,
  scope,
  type VerifiedToken,
} from '@claimgate/core'
import { fresh } from '@claimgate/core/introspection'
import {
  authenticateJwt,
  authorize,
  getAuth,
  type OnReject,
  requireAnyRole,
  requireAnyScope,
  requireClaim,
  requireRole,
  requireScope,
} from '@claimgate/express'
import express5, {
  type ErrorRequestHandler,
  type Request,
  type RequestHandler,
  type Response as ExpressResponse,
} from 'express'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { listen } from '../support/contract/started-adapter.ts'
import { createAuthority } from '../support/adapters/authority.ts'

// Express 4 has no types; the parts used here are the same as in Express 5.
const require = createRequire(import.meta.url)
const express4 = require('express4') as typeof express5

const authority = await createAuthority()
const other = await createAuthority('https://other.example.com')

const authOf = (req: Request): VerifiedToken | undefined => (req as { auth?: VerifiedToken }).auth
class OptionsOfAClass {
  get issuer(): string {
    return authority.options.issuer
  }

  get audience(): string {
    return authority.options.audience
  }

  get jwks(): typeof authority.options.jwks {
    return authority.options.jwks
  }
}

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
      [
        'options around an authenticator',
        () => authenticateJwt({ authenticator: createAuthenticator(authority.options) }),
      ],
      ['options that are getters of a class', () => authenticateJwt(new OptionsOfAClass())],
    ])('accepts %s and sets req.auth', async (_name, make) => {
      app.use(make(), echo)
      const response = await request('/', await authority.authorization())
      expect([response.status, await response.json()]).toEqual([200, { sub: 'alice' }])
    })

    describe.each([
      ['a verifier', () => ({ verifier: createVerifier(authority.options) })],
      ['an authenticator', () => ({ authenticator: createAuthenticator(authority.options) })],
    ])('around %s', (_kind, made) => {
      it('accepts a requirement', async () => {
        app.use(authenticateJwt({ ...made(), requirement: scope('admin') }), echo)
        expect((await request('/', await authority.authorization())).status).toBe(403)
        expect((await request('/', await authority.authorization({ scope: 'admin' }))).status).toBe(200)
        expect((await request('/')).headers.get('www-authenticate')).toBe('Bearer realm="api", scope="admin"')
      })

      it('accepts onReject', async () => {
        app.use(authenticateJwt({ ...made(), onReject: (_refusal, _req, res) => void res.status(418).end() }), echo)
        expect((await request('/')).status).toBe(418)
      })
    })

    it.each([
      ['a verifier and a requirement', { ...createVerifier(authority.options), requirement: scope('admin') }],
      ['a verifier and onReject', { ...createVerifier(authority.options), onReject: () => {} }],
      ['a verifier and an audience', { ...createVerifier(authority.options), audience: 'https://x.example.com' }],
      ['an authenticator and a requirement', { ...createAuthenticator(authority.options), requirement: scope('a') }],
      [
        'an authenticator and a requirement that is inherited',
        Object.assign(Object.create({ requirement: scope('a') }) as object, createAuthenticator(authority.options)),
      ],
    ])('rejects %s spread into one object, which would lose the options', (_name, options) => {
      expect(() => authenticateJwt(options as never)).toThrow(
        /^Cannot create middleware: "(requirement|onReject|audience)" is not a member of the (verifier|authenticator): write \{ \2, \1: … \}/,
      )
    })

    it.each([
      [
        'options that an authenticator already has',
        { authenticator: createAuthenticator(authority.options), realm: 'x' },
        /with "authenticator", "realm" belongs to the options of that authenticator/,
      ],
      ['no authenticator', { ...authority.options, authenticator: undefined }, /with "authenticator"/],
      ['an undefined authenticator', { authenticator: undefined }, /must come from createAuthenticator/],
      ['a verifier as the authenticator', { authenticator: createVerifier(authority.options) }, /createAuthenticator/],
    ])('refuses %s', (_name, options, message) => {
      expect(() => authenticateJwt(options as never)).toThrow(message)
    })

    describe('reads the environment', () => {
      beforeEach(() => {
        vi.stubEnv('JWT_ISSUER', authority.options.issuer)
        vi.stubEnv('JWT_AUDIENCE', authority.options.audience)
        vi.stubEnv('JWT_PUBLIC_KEY', authority.publicPem)
      })

      it.each([
        ['without options', []],
        ['with empty options', [{}]],
        ['with only onReject', [{ onReject: () => {} }]],
        ['with only a requirement', [{ requirement: scope('a') }]],
        ['with only HTTP options', [{ realm: 'orders', optional: false, credentials: [{ from: 'authorization' }] }]],
      ] as const)('if called %s', async (_name, args) => {
        app.use(authenticateJwt(...args), echo)
        vi.unstubAllEnvs()
        expect((await request('/', await authority.authorization({ scope: 'a' }))).status).toBe(200)
      })

      it('and applies the other options', async () => {
        app.use(authenticateJwt({ realm: 'orders', requirement: scope('a') }), echo)
        expect((await request('/')).headers.get('www-authenticate')).toBe('Bearer realm="orders", scope="a"')
        expect((await request('/', await authority.authorization())).status).toBe(403)
      })

      it.each([
        ['an issuer', { issuer: authority.options.issuer }],
        ['an undefined issuer', { issuer: undefined }],
        ['an undefined verifier', { verifier: undefined }],
        ['a rule about claims', { maxAge: 60 }],
        ['a listener', { onEvent: () => {} }],
      ])('but not together with %s', (_name, options) => {
        expect(() => authenticateJwt(options as never)).toThrow(TypeError)
      })
    })

    it('rejects an unknown option and lists its own options, too', () => {
      expect(() => authenticateJwt({ onrefuse: () => {} } as never)).toThrow(
        /^Cannot create middleware: there is no option "onrefuse"; take it out: docs\/options\.md lists all options$/,
      )
      expect(() => authenticateJwt({ onreject: () => {} } as never)).toThrow(/did you mean "onReject"\?$/)
    })

    it('lets no request through if req.auth is read-only, and calls the error handler', async () => {
      app.use((req, _res, next) =>
        next(void Object.defineProperty(req, 'auth', { get: () => 'of another middleware' })),
      )
      app.use(authenticateJwt(authority.options), echo)
      app.use(collectErrors)
      expect((await request('/', await authority.authorization())).status).toBe(500)
      expect(errors).toEqual([expect.any(TypeError)])
    })

    it('names the missing environment variable at the call', () => {
      vi.stubEnv('JWT_ISSUER', '')
      expect(() => authenticateJwt()).toThrow(
        new TypeError(
          'Cannot read the environment: set JWT_ISSUER to the exact iss of the tokens, for example https://auth.example.com; set JWT_AUDIENCE to the name of this API in the aud of the tokens',
        ),
      )
    })

    it.each([
      ['null', null],
      ['text', 'https://auth.example.com'],
      ['a function', () => true],
      ['no options', {}],
      ['an unknown option', { ...authority.options, audiences: 'a' }],
      ['an onReject that is not a function', { ...authority.options, onReject: 'send' }],
      ['a requirement that is text', { ...authority.options, requirement: 'orders:read' }],
    ])('rejects %s at the call', (_name, options) => {
      expect(() => authenticateJwt(options as never)).toThrow(TypeError)
    })

    it('sets req.auth to undefined for anonymous requests', async () => {
      app.use((req, _res, next) => next(void Object.assign(req, { auth: 'left by another middleware' })))
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

    it('is inherited by mounted applications', async () => {
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

    it('reads a token from the query under a mount path', async () => {
      app.use('/api', authenticateJwt({ ...authority.options, credentials: [{ from: 'query' }] }), echo)
      expect((await request(`/api/orders?access_token=${await authority.token()}`)).status).toBe(200)
    })

    it('passes the request target as received to bindings, whatever path it is mounted at', async () => {
      const targets: string[] = []
      const confirm: Binding['confirm'] = async (_value, _token, { target }) => void targets.push(target)
      app.use('/api', authenticateJwt({ ...authority.options, bindings: [{ confirmation: 'jkt', confirm }] }), echo)
      await request('/api/orders?page=2', await authority.authorization({ cnf: { jkt: 'thumbprint' } }))
      expect(targets).toEqual(['/api/orders?page=2'])
    })

    it('ignores a form without a body parser', async () => {
      app.use(authenticateJwt({ ...authority.options, credentials: [{ from: 'form' }] }), echo)
      const { port, close } = await listen(createServer(app))
      onTestFinished(close)
      const body = new URLSearchParams({ access_token: await authority.token() })
      expect((await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body })).status).toBe(401)
    })

    it('uses the later of two', async () => {
      app.use(authenticateJwt(authority.options))
      app.use('/other', authenticateJwt({ verifier: createVerifier(other.options), realm: 'other', optional: true }))
      app.use('/other', requireScope('orders:read'), echo)
      const response = await request('/other', await authority.authorization({ scope: 'orders:read' }))
      expect(response.status).toBe(401)
      expect(response.headers.get('www-authenticate')).toContain('realm="other", error="invalid_token"')
    })

    it('removes the result of an earlier one when it refuses', async () => {
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

    it('passes bugs to the error handler', async () => {
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
    it('replaces the default answer', async () => {
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

    it('also answers for requirements in route handlers', async () => {
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
      ['the exit of a router', 'router'],
    ])('never lets a request through if it calls next with %s', async (_name, argument) => {
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
      expect(errors).toEqual([
        expect.objectContaining({
          message: 'Request refused',
          status: 401,
          statusCode: 401,
          headers: { 'www-authenticate': 'Bearer realm="api"', 'cache-control': 'no-store' },
          cause: expect.objectContaining({ code: 'credential_missing' }),
        }),
      ])
    })

    it.each([
      ['nothing', () => undefined],
      ['the error of the refusal', (error: AuthError) => error],
    ])('that calls next with %s sends the challenge, and no claims', async (_name, argument) => {
      vi.stubEnv('NODE_ENV', 'test')
      const onReject: OnReject = ({ error }, _req, _res, next) => next(argument(error))
      app.use(authenticateJwt({ ...authority.options, onReject }), echo)
      const response = await request('/', await authority.authorization({ aud: 'https://secret.example.com' }))
      expect(response.status).toBe(401)
      expect(response.headers.get('www-authenticate')).toContain('error="invalid_token"')
      const body = await response.text()
      expect(body).toContain('Request refused')
      expect(body).not.toContain('secret')
    })

    it('that calls next keeps Retry-After', async () => {
      vi.stubEnv('NODE_ENV', 'test')
      const keys = { resolve: () => Promise.reject(new AuthError('keys_unavailable', { retryAfter: 7 })) }
      const options = { issuer: authority.options.issuer, audience: authority.options.audience, keys }
      app.use(authenticateJwt({ ...options, onReject: (_refusal, _req, _res, next) => next() }), echo)
      const response = await request('/', await authority.authorization())
      expect([response.status, response.headers.get('retry-after')]).toEqual([503, '7'])
    })

    it.each([
      ['nothing', () => undefined],
      ['nothing, later', async () => undefined],
      ['another object', () => ({ status: 401 })],
    ])('that only returns %s leaves the default answer', async (_name, onReject) => {
      app.use(authenticateJwt({ ...authority.options, onReject }), echo)
      const response = await request('/')
      expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="api"'])
      expect(await response.text()).toContain('This resource needs an access token')
    })

    const answerLater = (res: ExpressResponse): void => void setTimeout(() => res.status(418).end('own'), 10)
    it.each<readonly [string, OnReject]>([
      ['the response', (_refusal, _req, res) => (answerLater(res), res)],
      ['a promise of the response', async (_refusal, _req, res) => (answerLater(res), res)],
      [
        'a pending promise',
        async (_refusal, _req, res) => {
          answerLater(res)
          await once(res, 'finish')
        },
      ],
      ['a file', (_refusal, _req, res) => (res.status(418).sendFile(import.meta.filename, { dotfiles: 'allow' }), res)],
      ['a stream', (_refusal, _req, res) => Readable.from(['own']).pipe(res.status(418))],
    ])('that answers later returns %s', async (_name, onReject) => {
      app.use(authenticateJwt({ ...authority.options, onReject }), echo)
      const response = await request('/')
      expect([response.status, await response.text()]).toEqual([418, expect.stringMatching(/^own$|^import \{/m)])
    })

    it.each([
      ['ends without a body', (res: ExpressResponse) => void res.status(418).end()],
      ['redirects', (res: ExpressResponse) => res.status(418).set('location', '/log-in').end()],
    ])('that %s answers once, even if a session delays the answer', async (_name, act) => {
      app.use((_req, res, next) => {
        const end = res.end.bind(res)
        res.end = ((...args: Parameters<typeof end>) => void setTimeout(() => end(...args), 10)) as never
        next()
      })
      app.use(authenticateJwt({ ...authority.options, onReject: (_refusal, _req, res) => act(res) }), echo)
      const response = await request('/')
      expect([response.status, response.headers.get('www-authenticate')]).toEqual([418, null])
    })

    it('that answers and then throws is reported after the answer is sent', async () => {
      const onReject: OnReject = async (_refusal, _req, res) => {
        res.status(418).end('own')
        throw new RangeError('a bug')
      }
      app.use(authenticateJwt({ ...authority.options, onReject }), echo)
      const told = Promise.withResolvers<unknown>()
      const collect: ErrorRequestHandler = (error, _req, res, _next) => told.resolve([error, res.writableFinished])
      app.use(collect)
      const response = await request('/')
      expect([response.status, await response.text()]).toEqual([418, 'own'])
      expect(await told.promise).toEqual([new RangeError('a bug'), true])
    })

    it.each<readonly [string, OnReject]>([
      ['writes, and then throws', (_refusal, _req, res) => throwAfter(res.status(418).write('half'))],
      ['writes, and then rejects', async (_refusal, _req, res) => throwAfter(res.status(418).write('half'))],
      ['sends headers, and then throws', (_refusal, _req, res) => throwAfter(res.writeHead(418))],
      [
        'writes, and passes an error',
        (_refusal, _req, res, next) => (res.write('half'), next(new RangeError('a bug'))),
      ],
    ])('that %s closes the connection, so that no client waits', async (_name, onReject) => {
      app.set('env', 'test')
      app.use(authenticateJwt({ ...authority.options, onReject }), echo)
      const answer = request('/').then((response) => response.text())
      await expect(answer).rejects.toThrow(/terminated|fetch failed/)
    })

    it.each<readonly [string, OnReject]>([
      ['a body that is not text', (_refusal, _req, res) => res.end({ own: true })],
      ['one later', async (_refusal, _req, res) => res.end({ own: true })],
      ['an invalid status', (_refusal, _req, res) => Object.assign(res, { statusCode: 9999 }).end()],
    ])('that ends with %s is answered by the error handler', async (_name, onReject) => {
      app.use(authenticateJwt({ ...authority.options, onReject }), echo)
      app.use(collectErrors)
      await request('/')
      expect(errors).toEqual([expect.objectContaining({ code: expect.stringMatching(/^ERR_(INVALID|HTTP_INVALID)_/) })])
    })

    const throwAfter = (_begun: unknown): never => {
      throw new RangeError('a bug')
    }

    it('is not called to answer a second time after a time-out has answered', async () => {
      let served = 0
      const verify = async (): Promise<never> => {
        await new Promise((resolve) => setTimeout(resolve, 20))
        throw new AuthError('token_expired')
      }
      app.use((_req, res, next) => {
        res.status(503).end('timed out')
        next()
      })
      app.use(authenticateJwt({ verifier: { ...createVerifier(authority.options), verify } }), () => (served += 1))
      app.use(collectErrors)
      const response = await request('/', { authorization: 'Bearer a.b.c' })
      await new Promise((resolve) => setTimeout(resolve, 40))
      expect([response.status, await response.text(), errors, served]).toEqual([503, 'timed out', [], 0])
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
        'passes another error',
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

  describe('37. Nothing fails open: an authenticator of the application', () => {
    const made = createAuthenticator(authority.options)
    const OUTCOMES: readonly (readonly [string, unknown])[] = [
      ['nothing', undefined],
      ['null', null],
      ['true', true],
      ['text', 'authenticated'],
      ['an empty object', {}],
      ['another kind', { kind: 'open' }],
      ['an undefined token', { kind: 'authenticated', token: undefined }],
      ['a refusal without a response', { kind: 'refused' }],
    ]

    it.each(OUTCOMES)('that returns %s lets no request through', async (_name, outcome) => {
      app.use(authenticateJwt({ ...made, authenticate: async () => outcome as never }), echo)
      app.use(collectErrors)
      expect((await request('/', await authority.authorization())).status).toBe(500)
      expect(errors).toEqual([expect.any(Error)])
    })

    it.each(OUTCOMES)('that returns %s for a requirement lets no request through', async (_name, outcome) => {
      const paths = ['/now', '/later']
      app.use('/now', authenticateJwt({ ...made, authorize: () => outcome as never }))
      app.use('/later', authenticateJwt({ ...made, authorize: async () => outcome as never }))
      app.get(paths, requireScope('orders:write'), echo)
      app.use(collectErrors)
      for (const path of paths) expect((await request(path, await authority.authorization())).status).toBe(500)
      expect(errors).toEqual([expect.any(Error), expect.any(Error)])
    })

    it.each([undefined, null, 0, '', 'route', 'router'])('that throws %j lets no request through', async (thrown) => {
      const fails = (): never => {
        // oxlint-disable-next-line typescript/only-throw-error -- the subject of the test
        throw thrown
      }
      app.use('/authenticate', authenticateJwt({ ...made, authenticate: fails }), echo)
      app.use('/authorize', authenticateJwt({ ...made, authorize: fails }), requireScope('orders:write'), echo)
      const rejects = async (): Promise<never> => fails()
      app.use('/later', authenticateJwt({ ...made, authorize: rejects }), requireScope('orders:write'), echo)
      for (const [path, authorizing] of [
        ['/get', fails],
        ['/get-later', rejects],
      ] as const)
        app.use(path, authenticateJwt({ ...made, authenticate: anonymous, authorize: authorizing }), (req, res) => {
          res.json(getAuth(req).claims)
        })
      app.use(echo)
      app.use(collectErrors)
      const headers = await authority.authorization()
      const paths = ['/authenticate', '/authorize', '/later', '/get', '/get-later']
      for (const path of paths) expect((await request(path, headers)).status).toBe(500)
      expect(errors).toEqual(paths.map(() => expect.any(Error)))
    })

    const anonymous = async () => ({ kind: 'anonymous' }) as const
  })

  describe('requirements in route handlers', () => {
    const claims = { scope: 'orders:read', tenant: 'acme', realm_access: { roles: ['user'] } }

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
      [
        'requireClaim for a nested claim',
        requireClaim(['realm_access', 'roles'], 'user'),
        requireClaim(['realm_access', 'roles'], 'admin'),
      ],
      ['requireRole', requireRole('user'), requireRole('user', 'admin')],
      ['requireAnyRole', requireAnyRole('admin', 'user'), requireAnyRole('admin', 'editor')],
      ['authorize', authorize(scope('orders:read')), authorize(scope('orders:write'))],
    ])('%s accepts requests that meet it', async (_name, met, unmet) => {
      app.use(authenticateJwt({ ...authority.options, roleSource: ['realm_access', 'roles'] }))
      app.get('/met', met, echo)
      app.get('/unmet', unmet, echo)
      const headers = await authority.authorization(claims)
      expect([(await request('/met', headers)).status, (await request('/unmet', headers)).status]).toEqual([200, 403])
    })

    it('fail with an error and let no request through without authenticateJwt', async () => {
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

    it('ignore req.auth written by other middleware', async () => {
      app.use(authenticateJwt(authority.options))
      app.use((req, _res, next) =>
        next(void Object.assign(req, { auth: { scopes: new Set(['orders:write']), claims: {} } })),
      )
      app.get('/', requireScope('orders:write'), echo)
      expect((await request('/', await authority.authorization(claims))).status).toBe(403)
    })

    it('pass bugs of a predicate to the error handler', async () => {
      app.use(
        authenticateJwt(authority.options),
        requireClaim('tenant', () => 'yes' as never),
        echo,
      )
      app.use(collectErrors)
      expect((await request('/', await authority.authorization(claims))).status).toBe(500)
      expect(errors).toEqual([new TypeError('A claim predicate must return true or false, not a promise')])
    })

    it.each([
      ['no scope', () => requireScope()],
      ['an empty requireAnyScope', () => requireAnyScope()],
      ['two scopes in one text', () => requireScope('orders:read orders:write')],
      ['text as a requirement', () => authorize('orders:read' as never)],
      ['no requirement', () => authorize(undefined as never)],
      ['a regular expression', () => requireClaim('tenant', /acme/ as never)],
    ])('reject %s at start-up', (_name, make) => {
      expect(make).toThrow(TypeError)
    })
  })

  it.each([
    ['authenticateJwt', authenticateJwt, 'write app.use(authenticateJwt())'],
    ['requireScope', requireScope, 'write requireScope("orders:read")'],
    ['requireAnyScope', requireAnyScope, 'write requireAnyScope("orders:read", "orders:write")'],
    ['requireRole', requireRole, 'write requireRole("admin")'],
    ['requireAnyRole', requireAnyRole, 'write requireAnyRole("admin", "editor")'],
    ['requireClaim', requireClaim, 'write requireClaim("tenant", "acme")'],
    ['authorize', authorize, 'write authorize(scope("orders:read"))'],
  ])('%s passed uncalled lets no request through, and the message says what to write', async (name, uncalled, hint) => {
    app.use(authenticateJwt(authority.options))
    app.get('/', uncalled as never, echo)
    app.use(collectErrors)
    expect((await request('/', await authority.authorization())).status).toBe(500)
    expect(errors).toEqual([new TypeError(`${name} was passed uncalled: ${hint}`)])
  })

  it('a middleware that was passed uncalled says what to write also with mocked requests', () => {
    const mocked = { method: 'GET', url: '/', headers: {} }
    expect(() => authenticateJwt(mocked as never)).toThrow(
      'authenticateJwt was passed uncalled: write app.use(authenticateJwt())',
    )
  })

  it('reject an undefined requirement at start-up, such as a misspelled rule', () => {
    const rules: Readonly<Record<string, never>> = {}
    const requirement = rules['admn']
    for (const options of [authority.options, { verifier: createVerifier(authority.options) }])
      expect(() => authenticateJwt({ ...options, requirement } as never)).toThrow(
        'Cannot create middleware: "requirement" must not be undefined: leave it out, or check the name of what it is set to',
      )
    expect(() => authorize(requirement as never)).toThrow(TypeError)
  })

  it('give handlers the token of a fresh answer', async () => {
    const verifier = createVerifier({ ...authority.options, tokenCache: false })
    const verifyFresh = vi.fn<NonNullable<typeof verifier.verifyFresh>>(async ({ token }) => verifier.verify(token))
    let first: unknown
    app.use(
      authenticateJwt({ verifier: { ...verifier, verifyFresh } }),
      requireClaim('sub', 'alice'),
      (req, _res, next) => {
        first = getAuth(req)
        next()
      },
    )
    app.get('/', authorize(fresh()), (req, res) => {
      res.json([getAuth(req) === authOf(req), getAuth(req) === first, getAuth(req).claims.sub])
    })
    const response = await request('/', await authority.authorization())
    expect([await response.json(), verifyFresh.mock.calls.length]).toEqual([[true, false, 'alice'], 1])
  })

  it.each([
    ['the token of a fresh answer', undefined, true],
    ['still the user after a fresh answer', () => ({ name: 'Alice' }), false],
  ])('have in their property %s', async (_what, onAuthenticated, isToken) => {
    const verifier = createVerifier({ ...authority.options, tokenCache: false })
    const asking = { ...verifier, verifyFresh: async ({ token }: { token: string }) => verifier.verify(token) }
    const found = onAuthenticated && { onAuthenticated }
    app.use(authenticateJwt({ verifier: asking, property: 'user', ...found }))
    app.get('/', authorize(fresh()), (req, res) => {
      const { user } = req as { user?: unknown }
      res.json([user === getAuth(req), user])
    })
    const answer = (await (await request('/', await authority.authorization())).json()) as unknown[]
    expect(answer[0]).toBe(isToken)
    if (!isToken) expect(answer[1]).toEqual({ name: 'Alice' })
  })

  describe('getAuth', () => {
    it('returns the verified token', async () => {
      app.use(authenticateJwt(authority.options), (req, res) => {
        res.json({ same: getAuth(req) === authOf(req), scopes: [...getAuth(req).scopes] })
      })
      const response = await request('/', await authority.authorization({ scope: 'a b' }))
      expect(await response.json()).toEqual({ same: true, scopes: ['a', 'b'] })
    })

    it('throws without authenticateJwt', async () => {
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
      expect(await response.text()).toContain('Request refused')
    })

    it('passes the full error of anonymous requests to the error handler as the cause', async () => {
      app.use(authenticateJwt({ ...authority.options, optional: true }))
      app.get('/', (req, res) => res.json(getAuth(req).claims))
      app.use(collectErrors)
      await request('/')
      expect(errors).toEqual([
        expect.objectContaining({ status: 401, cause: expect.objectContaining({ code: 'credential_missing' }) }),
      ])
    })

    it('of one middleware throws if another one has authenticated the request', async () => {
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
