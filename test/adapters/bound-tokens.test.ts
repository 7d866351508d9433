import {
  anyRole,
  AuthError,
  type Binding,
  createAuthenticator,
  type Peer,
  type RequestView,
  role,
  scope,
} from '@claimgate/core'
import { authenticateJwt, authorize } from '@claimgate/express'
import { claimgate } from '@claimgate/fastify'
import { createGate, protect, withFields } from '@claimgate/fetch'
import { authenticateJwt as honoJwt, authorize as honoAuthorize } from '@claimgate/hono'
import { protect as protectLambda } from '@claimgate/lambda'
import { ClaimgateModule, Require } from '@claimgate/nestjs'
import { getRequestListener } from '@hono/node-server'
import { Controller, Get, Req } from '@nestjs/common'
import express, { type Request } from 'express'
import fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import { Hono } from 'hono'
import { createHash, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http'
import { connect } from 'node:http2'
import { createServer, request as httpsRequest } from 'node:https'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { createAuthority } from '../support/adapters/authority.ts'
import { decorate, listenerOf, type Platform, startApp } from '../support/nestjs/nest.ts'
import { issuerCertificate } from '../support/resilience/issuer-certificate.ts'
import { toyDpop } from '../support/adapters/toy-dpop.ts'

const authority = await createAuthority()
const bound = await authority.token({ cnf: { jkt: 'thumb' }, scope: 'orders:read' })
const sent = { authorization: `DPoP ${bound}`, dpop: 'thumb' }
const options = { ...authority.options, bindings: [toyDpop] }

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

const listening = async (server: Server): Promise<string> => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  ends.push(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const PLATFORMS = ['Express', 'Fastify'] as const
type NestOptions = Parameters<typeof ClaimgateModule.forRoot>[0]

/** An application of Nest that serves `/` and `/:tenant`. */
async function nestListener(
  platform: Platform,
  given: NestOptions,
  { rule, before }: { readonly rule?: (req: never) => unknown; readonly before?: RequestListener } = {},
): Promise<RequestListener> {
  class Subject {
    get({ auth }: Request): string {
      return String(auth?.claims.sub)
    }
  }
  Controller()(Subject)
  const rules = rule === undefined ? [] : [Require((context) => rule(context.switchToHttp().getRequest()) as never)]
  decorate(Subject, 'get', [Get(['', ':tenant']), ...rules], [Req()])
  const app = await startApp(platform, {
    imports: [ClaimgateModule.forRoot(given)],
    controllers: [Subject],
    prepare: (made) =>
      before &&
      made.use((...[req, res, next]: [...Parameters<RequestListener>, () => void]) => (before(req, res), next())),
  })
  return listenerOf(app, platform)
}

function nodeListener({ fetch: serve }: Pick<Hono, 'fetch'>): RequestListener {
  const listener = getRequestListener(serve)
  return (req, res) => void listener(req, res)
}

describe('the headers of an accepted request', () => {
  it('are set before the handler runs, which may replace them', async () => {
    const app = express()
    app.use(authenticateJwt(options))
    app.get('/', (_req, res) => void res.send(String(res.getHeader('dpop-nonce'))))
    app.get('/own', (_req, res) => void res.set('DPoP-Nonce', 'own').send())
    const origin = await listening(createHttpServer(app))
    expect(await (await fetch(origin, { headers: sent })).text()).toBe('nonce-2')
    expect((await fetch(`${origin}/own`, { headers: sent })).headers.get('dpop-nonce')).toBe('own')
  })

  it('do not overwrite exposed CORS headers, in any adapter', async () => {
    const shown = { ...options, exposeChallenge: true }
    const app = express()
    app.use((_req, res, next) => {
      res.setHeader('Access-Control-Expose-Headers', 'X-Total')
      next()
    })
    app.use(authenticateJwt(shown))
    app.get('/', (_req, res) => void res.send('ok'))
    const server = fastify()
    server.addHook(
      'onRequest',
      async (_request, reply) => void reply.header('access-control-expose-headers', 'X-Total'),
    )
    await server.register(claimgate, shown)
    server.get('/', () => 'ok')
    const handler = protect(
      shown,
      () => new Response('ok', { headers: { 'access-control-expose-headers': 'X-Total' } }),
    )
    const hono = new Hono()
    hono.use((c, next) => {
      c.header('access-control-expose-headers', 'X-Total')
      return next()
    })
    hono.use(honoJwt(shown)).get('/', (c) => c.text('ok'))
    const before: RequestListener = (_req, res) => res.setHeader('Access-Control-Expose-Headers', 'X-Total')
    const nest = PLATFORMS.map(async (platform) => {
      const listener = await nestListener(platform, shown, { before })
      return (await fetch(await listening(createHttpServer(listener)), { headers: sent })).headers
    })
    const handle = protectLambda(
      () => ({ statusCode: 200, headers: { 'Access-Control-Expose-Headers': 'X-Total' } }),
      shown,
    )
    const handled = (await handle({ headers: sent })) as { readonly headers: Record<string, string> }
    const answers = [
      (await fetch(await listening(createHttpServer(app)), { headers: sent })).headers,
      (await hono.request('/', { headers: sent })).headers,
      ...(await Promise.all(nest)),
      new Headers(handled.headers),
      new Headers((await server.inject({ url: '/', headers: sent })).headers as Record<string, string>),
      (await handler(new Request('https://api.example.com/', { headers: sent }))).headers,
    ]
    for (const headers of answers) {
      expect(headers.get('dpop-nonce')).toBe('nonce-2')
      expect(headers.get('access-control-expose-headers')).toBe('X-Total, dpop-nonce')
    }
  })

  it('are added by withFields, even to an immutable response', async () => {
    const gate = createGate(options)
    const request = new Request('https://api.example.com/', { headers: sent })
    const response = new Response('ok', { status: 201 })
    expect(withFields(request, response)).toBe(response)
    expect(response.headers.has('dpop-nonce')).toBe(false)
    expect(await gate(request)).toMatchObject({ token: bound })
    expect(withFields(request, response)).toBe(response)
    expect(response.headers.get('dpop-nonce')).toBe('nonce-2')

    const origin = await listening(createHttpServer((_req, res) => void res.writeHead(203, { 'x-a': 'b' }).end('body')))
    const fetched = withFields(request, await fetch(origin))
    expect([fetched.status, fetched.headers.get('x-a'), fetched.headers.get('dpop-nonce')]).toEqual([
      203,
      'b',
      'nonce-2',
    ])
    expect(await fetched.text()).toBe('body')
  })

  it('never stay on a response that a handler returns to every request', async () => {
    const shared = new Response(null, { status: 204 })
    const handler = protect({ ...options, exposeChallenge: true }, () => shared)
    const call = async (headers: Record<string, string>): Promise<Headers> =>
      (await handler(new Request('https://api.example.com/', { headers }))).headers
    for (let count = 0; count < 3; count += 1)
      expect((await call(sent)).get('access-control-expose-headers')?.toLowerCase()).toBe('dpop-nonce')
    const plain = await call({ authorization: `Bearer ${await authority.token({})}` })
    expect([...plain]).toEqual([])
  })

  it.each([
    ['Response.error()', () => Response.error()],
    ['nothing', () => undefined as unknown as Response],
  ])('are left out if a handler returns %s', async (_, respond) => {
    const handler = protect(options, () => respond())
    const response = await handler(new Request('https://api.example.com/', { headers: sent }))
    expect(response?.type).toBe(respond()?.type)
  })

  it.each([
    ['Headers', () => new Headers({ 'dpop-nonce': 'n' })],
    ['a Map', () => new Map([['dpop-nonce', 'n']])],
  ])('must be a plain object, not %s, which would lose them', async (_, make) => {
    const headers = make() as unknown as Record<string, string>
    const binding: Binding = { ...toyDpop, confirm: async () => ({ headers }) }
    const view: RequestView = {
      method: 'GET',
      target: '/',
      header: (name) => (name === 'authorization' ? [sent.authorization] : name === 'dpop' ? [sent.dpop] : []),
    }
    const authenticator = createAuthenticator({ ...authority.options, bindings: [binding] })
    await expect(authenticator.authenticate(view)).rejects.toThrow('"headers" as an object')
    expect(() => new AuthError('binding_failed', { headers })).toThrow('plain objects')
  })

  it('never give a challenge the same parameter twice', () => {
    const twice = { resource_metadata: 'https://a.example', Resource_Metadata: 'https://b.example' }
    expect(() => createAuthenticator({ ...authority.options, challenge: twice })).toThrow('"challenge" must be')
  })
})

describe('a requirement after the authentication', () => {
  it.each<[string, () => RequestListener | Promise<RequestListener>]>([
    [
      'Express',
      () =>
        express()
          .use(authenticateJwt(options))
          .get('/', authorize(scope('admin')), (_req, res) => void res.send('ok')) as RequestListener,
    ],
    [
      'Hono',
      () => {
        const app = new Hono().use(honoJwt(options)).get('/', honoAuthorize(scope('admin')), (c) => c.text('ok'))
        return nodeListener(app)
      },
    ],
    ...PLATFORMS.map(
      (platform) =>
        [`NestJS on ${platform}`, () => nestListener(platform, options, { rule: () => scope('admin') })] as [
          string,
          () => Promise<RequestListener>,
        ],
    ),
  ])('challenges in the scheme of the request: %s', async (_name, start) => {
    const { status, headers } = await fetch(await listening(createHttpServer(await start())), { headers: sent })
    expect(status).toBe(403)
    expect(headers.get('www-authenticate')).toMatch(
      /^Bearer realm="api", DPoP realm="api", error="insufficient_scope".*, scope="admin", algs="ES256"$/,
    )
    expect(headers.get('dpop-nonce')).toBe('nonce-2')
  })
})

describe('a requirement that depends on the request', () => {
  const tenantOf = (request: { readonly params: unknown }): string =>
    (request.params as { readonly tenant: string }).tenant

  const expressApp = (rule: (req: Request) => unknown): RequestListener => {
    const app = express()
    app.use(authenticateJwt(authority.options))
    app.get('/:tenant', authorize(rule as never), (_req, res) => void res.send('ok'))
    app.use(((error, _req, res, _next) => void res.status(500).send(String(error))) as express.ErrorRequestHandler)
    return app
  }

  const fastifyApp = async (rule: (request: FastifyRequest) => unknown, hook = false): Promise<FastifyInstance> => {
    const app = fastify()
    await app.register(claimgate, authority.options)
    const place = hook
      ? { onRequest: app.authenticateJwt(rule as never), config: { auth: false } }
      : { config: { auth: rule as never } }
    app.get('/:tenant', place, (request) => String(request.auth?.claims.sub))
    return app
  }

  const honoApp = (rule: (request: never) => unknown): RequestListener => {
    const app = new Hono()
    app.onError((error, c) => c.text(String(error), 500))
    app.use(honoJwt(authority.options))
    const requirement = honoAuthorize((c) => rule({ auth: c.get('auth'), params: c.req.param() } as never) as never)
    app.get('/:tenant', requirement, (c) => c.text('ok'))
    return nodeListener(app)
  }

  const listenerOfFastify = async (app: FastifyInstance): Promise<RequestListener> => {
    await app.ready()
    return (req, res) => app.routing(req, res)
  }

  /** The URLs of an API of each adapter. */
  const start = async (rule: (request: never) => unknown): Promise<readonly string[]> => {
    const listeners = [
      expressApp(rule as never),
      listenerOfFastify(await fastifyApp(rule as never)),
      listenerOfFastify(await fastifyApp(rule as never, true)),
      honoApp(rule),
      ...PLATFORMS.map((platform) => nestListener(platform, authority.options, { rule })),
    ]
    return Promise.all(listeners.map(async (listener) => listening(createHttpServer(await listener))))
  }

  /** The answers of every adapter to a good token for the path, for another path, and to no token; one if all are the same. */
  const statuses = async (rule: (request: never) => unknown): Promise<readonly (number | readonly number[])[]> => {
    const headers = await authority.authorization({ scope: 'read:acme' })
    const origins = await start(rule)
    const cases = [
      ['/acme', { headers }],
      ['/other', { headers }],
      ['/acme', {}],
    ] as const
    const answers = cases.map(async ([path, init]) => {
      const all = await Promise.all(origins.map(async (origin) => (await fetch(origin + path, init)).status))
      return new Set(all).size === 1 ? (all[0] as number) : all
    })
    return Promise.all(answers)
  }

  it('is evaluated for each request after authentication', async () => {
    const seen: unknown[] = []
    const rule = (request: Request & FastifyRequest) => {
      seen.push(request.auth?.claims.sub)
      return scope(`read:${tenantOf(request)}`)
    }
    expect(await statuses(rule as never)).toEqual([200, 403, 401])
    expect(new Set(seen)).toEqual(new Set(['alice']))
  })

  it.each<readonly [string, () => unknown]>([
    ['nothing', () => undefined],
    ['true', () => true],
    ['a promise', async () => scope('read:acme')],
    ['a rejected promise', () => Promise.reject(new Error('no'))],
    ['the name of a scope', () => 'read:acme'],
    [
      'an error',
      () => {
        throw new Error('no')
      },
    ],
  ])('lets no request through if the function returns %s', async (_case, rule) => {
    expect(await statuses(rule)).toEqual([500, 500, 401])
  })

  it('refuses with an AuthError that the function throws, without its message', async () => {
    const rule = () => {
      throw new AuthError('token_refused', { actual: 'secret tenant' })
    }
    expect(await statuses(rule)).toEqual([401, 401, 401])
    const headers = await authority.authorization({})
    for (const origin of await start(rule)) {
      const response = await fetch(`${origin}/acme`, { headers })
      expect(response.headers.get('www-authenticate')).toMatch(/^Bearer realm="api", error="invalid_token"/)
      expect(await response.text()).not.toContain('secret tenant')
    }
  })

  it('rejects a factory in place of a requirement at start-up', async () => {
    for (const make of [authorize, honoAuthorize, Require])
      for (const factory of [scope, role, anyRole])
        expect(() => make(factory as never)).toThrow('give a requirement such as scope("orders:read")')
    await expect(fastifyApp(scope as never)).rejects.toThrow('"config.auth" must be true, false or a requirement')
  })

  it('appears in the OpenAPI document by its scheme, without scopes', async () => {
    const app = await fastifyApp(() => scope('a'))
    let schema: unknown
    app.addHook('onRoute', (route) => void ({ schema } = route))
    app.get('/x/:tenant', { config: { auth: () => scope('a') } }, () => 'ok')
    await app.ready()
    expect(schema).toMatchObject({ security: [{ bearerAuth: [] }] })
  })
})

describe('the view of a request', () => {
  const seen: { certificate: Uint8Array | undefined; peer: Peer | undefined }[] = []
  const certificateBinding: Binding = {
    confirmation: 'x5t#S256',
    async confirm(_value, _token, view: RequestView) {
      seen.push({ certificate: view.clientCertificate?.(), peer: view.peer })
    },
  }
  const certified = { ...authority.options, bindings: [certificateBinding] }

  const adapters = {
    Express: async () => {
      const app = express()
      app.set('trust proxy', true)
      app.use(authenticateJwt(certified), (_req, res) => void res.send('ok'))
      return app as RequestListener
    },
    Fastify: async () => {
      const app = fastify({ trustProxy: true })
      await app.register(claimgate, certified)
      app.get('/', () => 'ok')
      await app.ready()
      return ((req, res) => app.routing(req, res)) as RequestListener
    },
    'NestJS on Express': () => nestListener('Express', certified),
    'NestJS on Fastify': () => nestListener('Fastify', certified),
  }
  const forwarded = {
    'x-forwarded-for': '203.0.113.9',
    'x-forwarded-proto': 'https',
    'x-forwarded-client-cert': 'Cert="x"',
    'client-cert': ':AAAA:',
  }
  const headers = async (): Promise<Record<string, string>> => ({
    ...forwarded,
    ...(await authority.authorization({ cnf: { 'x5t#S256': 'hash' } })),
  })

  it.each(Object.entries(adapters))('contains the certificate and the peer of the socket: %s', async (_name, start) => {
    const { key, cert } = issuerCertificate
    const server = createServer({ key, cert, requestCert: true, rejectUnauthorized: false }, await start())
    const port = new URL(await listening(server)).port
    for (const own of [{ key, cert }, {}]) {
      const request = httpsRequest({ port, agent: false, rejectUnauthorized: false, ...own, headers: await headers() })
      request.end()
      const [response] = (await once(request, 'response')) as [{ statusCode: number; resume(): void }]
      response.resume()
      expect(response.statusCode).toBe(200)
    }
    const [withCertificate, without] = seen.splice(0)
    const hash = (der: Uint8Array): string => createHash('sha256').update(der).digest('hex')
    expect(hash(withCertificate?.certificate ?? new Uint8Array())).toBe(hash(new X509Certificate(cert).raw))
    expect(withCertificate?.peer).toEqual({ address: '127.0.0.1', encrypted: true })
    expect(without).toEqual({ certificate: undefined, peer: { address: '127.0.0.1', encrypted: true } })
  })

  it.each(Object.entries(adapters))('has no certificate without TLS: %s', async (_name, start) => {
    const origin = await listening(createHttpServer(await start()))
    expect((await fetch(origin, { headers: await headers() })).status).toBe(200)
    expect(seen.splice(0)).toEqual([{ certificate: undefined, peer: { address: '127.0.0.1', encrypted: false } }])
  })

  it('contains the certificate on HTTP/2: Fastify', async () => {
    const { key, cert } = issuerCertificate
    const app = fastify({ http2: true, https: { key, cert, requestCert: true, rejectUnauthorized: false } })
    await app.register(claimgate, certified)
    app.get('/', () => 'ok')
    await app.listen({ port: 0, host: '127.0.0.1' })
    ends.push(() => app.close())
    const session = connect(`https://127.0.0.1:${app.server.address() && (app.server.address() as AddressInfo).port}`, {
      key,
      cert,
      rejectUnauthorized: false,
    })
    const stream = session.request({ ':path': '/', ...(await headers()) })
    const [fields] = (await once(stream, 'response')) as [{ ':status'?: number }]
    session.destroy()
    expect(fields[':status']).toBe(200)
    const [one] = seen.splice(0)
    expect(Buffer.from(one?.certificate ?? []).equals(new X509Certificate(cert).raw)).toBe(true)
    expect(one?.peer).toEqual({ address: '127.0.0.1', encrypted: true })
  })

  it('contains neither without a socket', async () => {
    const views: RequestView[] = []
    const authenticator = createAuthenticator(certified)
    const spy = {
      ...authenticator,
      authenticate: (...given: Parameters<typeof authenticator.authenticate>) => {
        views.push(given[0])
        return authenticator.authenticate(...given)
      },
    }
    const request = { method: 'GET', originalUrl: '/', headers: await headers(), rawHeaders: [] }
    await new Promise<void>((resolve) => {
      authenticateJwt({ authenticator: spy })(request as never, { headersSent: false } as never, () => resolve())
    })
    expect([views[0]?.peer, views[0]?.clientCertificate?.()]).toEqual([undefined, undefined])
  })
})
