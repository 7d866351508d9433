import { createAuthenticator, createVerifier, type ProtectedResource, scope, type VerifiedToken } from '@claimgate/core'
import { protectedResource } from '@claimgate/core/metadata'
import * as express from '@claimgate/express'
import { claimgate, resourceMetadata as fastifyMetadata } from '@claimgate/fastify'
import * as gates from '@claimgate/fetch'
import { authenticateJwt as authenticateInHono } from '@claimgate/hono'
import { protect as protectLambda } from '@claimgate/lambda'
import { ClaimgateModule } from '@claimgate/nestjs'
import { createTestKeys } from '@claimgate/testing'
import cors from '@fastify/cors'
import { createAdaptorServer } from '@hono/node-server'
import { All, Controller, HttpCode } from '@nestjs/common'
import express5 from 'express'
import fastify, { type FastifyInstance, type RouteHandlerMethod } from 'fastify'
import { Hono } from 'hono'
import { SignJWT } from 'jose'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import { type AddressInfo, connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RawRequest, type RawResponse, sendRaw } from '../support/contract/raw-request.ts'
import { listen } from '../support/contract/started-adapter.ts'
import { type MakeEvent, restApi, httpApi, sendResponse, sentOf } from '../support/lambda/events.ts'
import { decorate, listenerOf, type Platform, startApp } from '../support/nestjs/nest.ts'

const require = createRequire(import.meta.url)
const express4 = require('express4') as typeof express5

const ISSUER = 'https://issuer.example'
const RESOURCE = 'https://api.example.com/orders'
const PATH = '/.well-known/oauth-protected-resource/orders'
const { publicJwk, privateKey } = await createTestKeys('ES256')
const options = { issuer: ISSUER, jwks: { keys: [publicJwk] } }
const jwt = (aud: string): Promise<string> =>
  new SignJWT({ scope: 'orders:read' })
    .setProtectedHeader({ alg: 'ES256', kid: publicJwk.kid ?? '' })
    .setIssuer(ISSUER)
    .setAudience(aud)
    .setExpirationTime('5m')
    .sign(privateKey)
const token = await jwt(RESOURCE)

interface Started {
  readonly port: number
  readonly close: () => Promise<void>
}

/** Starts an API that serves "served" on every path to accepted requests, and the metadata of the resources. */
type Start = (resource: ProtectedResource, other: ProtectedResource) => Promise<Started>

const startExpress =
  (framework: typeof express5): Start =>
  async (resource, other) => {
    const app = framework()
    app.use(express.resourceMetadata(resource, other))
    app.use(express.authenticateJwt({ ...options, resource }))
    app.use((_req, res) => void res.send('served'))
    return listen(createServer(app))
  }

const startedFastify = async (app: FastifyInstance): Promise<Started> => {
  await app.listen({ host: '127.0.0.1', port: 0 })
  return { port: (app.server.address() as AddressInfo).port, close: () => app.close() }
}

const startFastify: Start = async (resource, other) => {
  const app = fastify()
  app.register(claimgate, { ...options, resource })
  app.register(fastifyMetadata(other))
  app.all('/*', async () => 'served')
  return startedFastify(app)
}

const startGate: Start = async (resource, other) => {
  const gate = gates.createGate({ ...options, resource })
  const metadata = gates.resourceMetadata(other)
  const handle = async (request: Request): Promise<Response> => {
    const response = (await metadata(request)) ?? (await gate(request))
    return response instanceof Response ? response : new Response('served')
  }
  return listen(
    createServer((req, res) => {
      const fields = Object.entries(req.headers).map(([name, value]) => [name, String(value)] as [string, string])
      const target = req.url?.startsWith('/') ? `http://127.0.0.1${req.url}` : String(req.url)
      const answered = handle(new Request(target, { method: req.method ?? 'GET', headers: fields }))
      answered.then((response) => sendNode(response, res)).catch(() => res.destroy())
    }),
  )
}

const startHono: Start = async (resource, other) => {
  const metadata = gates.resourceMetadata(other)
  const app = new Hono()
  app.use(async (c, next) => (await metadata(c.req.raw)) ?? next())
  app.use(authenticateInHono({ ...options, resource }))
  app.all('/*', (c) => c.text('served'))
  return listen(createAdaptorServer({ fetch: app.fetch }) as Server)
}

/** The guard of Nest sees only handlers, so the metadata comes from the adapter of its framework. */
const startNest =
  (platform: Platform): Start =>
  async (resource, other) => {
    class Anything {
      serve(): string {
        return 'served'
      }
    }
    Controller()(Anything)
    decorate(Anything, 'serve', [All(platform === 'Express' ? '{*path}' : '*'), HttpCode(200)])
    const app = await startApp(platform, {
      imports: [ClaimgateModule.forRoot({ ...options, resource })],
      controllers: [Anything],
      prepare: (made) =>
        platform === 'Express'
          ? made.use(express.resourceMetadata(resource, other))
          : (made.getHttpAdapter().getInstance() as FastifyInstance).register(fastifyMetadata(resource, other)),
    })
    return listen(createServer(listenerOf(app, platform)))
  }

/** A function for the metadata of each resource, and for everything else. */
const startLambda =
  (makeEvent: MakeEvent): Start =>
  async (resource, other) => {
    const serve = (): object => ({ statusCode: 200, headers: {}, body: 'served' })
    const [handler, metadata] = [resource, other].map((one) => protectLambda(serve, { ...options, resource: one }))
    return listen(
      createServer((req, res) => {
        const answer = async (): Promise<void> => {
          const sent = await sentOf(req)
          const invoke = sent.path.startsWith('/.well-known/oauth-protected-resource/a') ? metadata : handler
          sendResponse(res, (await invoke?.(makeEvent(sent))) as never)
        }
        answer().catch(() => res.destroy())
      }),
    )
  }

async function sendNode(response: Response, res: ServerResponse): Promise<void> {
  res.writeHead(response.status, [...response.headers].flat())
  res.end(Buffer.from(await response.arrayBuffer()))
}

const row = (target: string, method = 'GET', ...fields: readonly string[]): RawRequest => ({ method, target, fields })

const ADAPTERS: readonly (readonly [string, Start])[] = [
  ['Express 4', startExpress(express4)],
  ['Express 5', startExpress(express5)],
  ['Fastify', startFastify],
  ['fetch', startGate],
  ['Hono', startHono],
  ['NestJS on Express', startNest('Express')],
  ['NestJS on Fastify', startNest('Fastify')],
  ['Lambda behind a REST API', startLambda(restApi)],
  ['Lambda behind an HTTP API', startLambda(httpApi)],
]

describe.each(ADAPTERS)('47. the metadata of a protected resource in %s', (name, start) => {
  const document = { resource: RESOURCE, authorization_servers: [ISSUER], bearer_methods_supported: ['header'] }
  let api: Started
  const send = (...args: Parameters<typeof row>): Promise<RawResponse> => sendRaw(api.port, row(...args))

  beforeAll(async () => {
    api = await start(
      protectedResource({ resource: RESOURCE, atRoot: true }),
      protectedResource({ resource: 'https://api.example.com/a:b/c%20d' }),
    )
  })

  afterAll(() => api.close())

  it('is served without a token where everything else needs one', async () => {
    for (const path of [PATH, '/.well-known/oauth-protected-resource', `${PATH}?v=1`]) {
      const { status, headers, body } = await send(path)
      expect([status, headers.get('content-type'), headers.get('cache-control')]).toEqual([
        200,
        'application/json',
        'public, max-age=600',
      ])
      expect(headers.get('access-control-allow-origin')).toBe('*')
      expect(JSON.parse(body)).toEqual(document)
    }
    const other = await send('/.well-known/oauth-protected-resource/a:b/c%20d')
    expect(JSON.parse(other.body)).toMatchObject({ resource: 'https://api.example.com/a:b/c%20d' })
  })

  it('is served with a bad token, too', async () => {
    expect((await send(PATH, 'GET', 'Authorization: Bearer x', 'Authorization: Bearer y')).status).toBe(200)
  })

  it('answers HEAD, OPTIONS and conditional requests without a body', async () => {
    const got = await send(PATH)
    const head = await send(PATH, 'HEAD')
    expect([head.status, head.body, head.headers.get('etag')]).toEqual([200, '', got.headers.get('etag')])
    const preflight = await send(PATH, 'OPTIONS', 'Origin: https://app.example', 'Access-Control-Request-Method: GET')
    expect([preflight.status, preflight.body]).toEqual([204, ''])
    expect(preflight.headers.get('access-control-allow-headers')).toBe('*')
    expect(preflight.headers.get('content-type')).toBeUndefined()
    const current = await send(PATH, 'GET', `If-None-Match: ${got.headers.get('etag')}`)
    expect([current.status, current.body]).toEqual([304, ''])
  })

  it('does not open anything else', async () => {
    const targets = [
      '/orders',
      '/',
      `${PATH}/`,
      `${PATH}/x`,
      `${PATH}x`,
      `/${PATH}`,
      `/x/..${PATH.replace('.well', '%2ewell')}`,
      PATH.replace('oauth-', 'oauth%2D'),
      PATH.replace('/orders', '%2Forders'),
      PATH.toUpperCase(),
      `/orders?${PATH}`,
      `/orders;${PATH}`,
      `/orders${PATH}`,
      '/.well-known/oauth-protected-resource/axb/c%20d',
      '/.well-known/oauth-protected-resource/a:b/c+d',
      '/.well-known/oauth-protected-resource/a%3Ab/c%20d',
    ]
    for (const target of targets)
      for (const method of ['GET', 'HEAD', 'OPTIONS']) {
        const { status, body } = await send(target, method)
        expect([target, method, status]).toEqual([
          target,
          method,
          expect.toSatisfy((code) => [401, 404].includes(code)),
        ])
        expect(body).not.toMatch(/served|resource"/)
      }
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'])
      expect((await send(PATH, method, 'Content-Length: 0')).status).toBe(401)
  })

  it('is in the challenge, and the resource is the audience', async () => {
    const metadata = `resource_metadata="https://api.example.com${PATH}"`
    expect((await send('/orders')).headers.get('www-authenticate')).toBe(`Bearer realm="api", ${metadata}`)
    const other = await send('/orders', 'GET', `Authorization: Bearer ${await jwt(`${RESOURCE}/`)}`)
    expect([other.status, other.headers.get('www-authenticate')]).toEqual([401, expect.stringContaining(metadata)])
    const good = await send('/orders', 'GET', `Authorization: Bearer ${token}`)
    expect([name, good.status, good.body]).toEqual([name, 200, 'served'])
  })
})

describe.each(ADAPTERS)('47. metadata that is signed while clients leave, in %s', (_, start) => {
  it('harms no other request, and opens nothing', async () => {
    let sign = (_jwt: string): void => {}
    let signing = (): void => {}
    const begun = new Promise<void>((resolve) => {
      signing = resolve
    })
    const signedMetadata = (): Promise<string> => {
      signing()
      return new Promise((resolve) => {
        sign = resolve
      })
    }
    const api = await start(
      protectedResource({ resource: RESOURCE, signedMetadata }),
      protectedResource({ resource: 'https://api.example.com/other' }),
    )
    const sockets = Array.from({ length: 5 }, () => connect({ host: '127.0.0.1', port: api.port }))
    const received: string[] = []
    for (const socket of sockets) {
      socket.on('data', (chunk: Buffer) => received.push(chunk.toString()))
      socket.on('error', () => {})
      socket.write(`GET ${PATH} HTTP/1.1\r\nHost: h\r\n\r\nGET /orders HTTP/1.1\r\nHost: h\r\n\r\n`)
    }
    await begun
    for (const socket of sockets) socket.resetAndDestroy()
    const waiting = sendRaw(api.port, row(PATH))
    expect((await sendRaw(api.port, row('/orders'))).status).toBe(401)
    sign('a.b.c')
    expect(JSON.parse((await waiting).body)).toMatchObject({ signed_metadata: 'a.b.c' })
    expect(received.join('')).not.toContain('served')
    await api.close()
  })
})

describe.each([express4, express5])('47. metadata in an Express application', (framework) => {
  it('is at the path of the request, wherever it is mounted', async () => {
    const resource = protectedResource({ resource: RESOURCE })
    const served = express.resourceMetadata(resource)
    const app = framework()
    app.use('/api', served)
    app.use(PATH, served)
    app.use('/sub', framework.Router().use(framework.Router().use(served)))
    app.use(express.authenticateJwt({ ...options, resource }))
    app.use((_req, res) => void res.send('served'))
    const api = await listen(createServer(app))
    const statusOf = async (target: string): Promise<number> => (await sendRaw(api.port, row(target))).status
    expect([await statusOf(PATH), await statusOf(`/api${PATH}`), await statusOf(`/sub${PATH}`)]).toEqual([
      200, 401, 401,
    ])
    expect([await statusOf(`${PATH}/x`), await statusOf(`http://h${PATH}`)]).toEqual([401, 200])
    await api.close()
  })

  it('is not written into a response that has been sent', async () => {
    const app = framework()
    app.use((_req, res, next) => {
      res.end('early')
      next()
    })
    app.use(express.resourceMetadata(protectedResource({ resource: RESOURCE })))
    const api = await listen(createServer(app))
    expect((await sendRaw(api.port, row(PATH))).body).toBe('early')
    await api.close()
  })
})

describe('47. scopes_supported', () => {
  const scopesOf = async (resource: ProtectedResource): Promise<unknown> => {
    const answer = await resource.answer({ method: 'GET', target: resource.paths[0] ?? '', header: () => [] })
    return (JSON.parse(answer?.body ?? '{}') as { readonly scopes_supported?: unknown }).scopes_supported
  }

  it('has the scopes of protected routes in Fastify, and only of those that the resource protects', async () => {
    const resource = protectedResource({ resource: RESOURCE })
    const app = fastify()
    await app.register(claimgate, { ...options, resource })
    const handler = async (): Promise<string> => 'served'
    app.get('/a', { config: { auth: scope('a') } }, handler)
    app.get('/b', { onRequest: app.authenticateJwt(scope('b', 'a')) }, handler)
    app.get('/c', { config: { auth: true } }, handler)
    app.get('/d', { config: { auth: () => scope('d') } }, handler)
    app.get('/offline', { config: { auth: scope('offline_access') } }, handler)
    await app.register(async (inner) => {
      await inner.register(claimgate, { ...options, audience: 'inner' })
      inner.get('/e', { config: { auth: scope('e') } }, handler)
    })
    await app.ready()
    expect(await scopesOf(resource)).toEqual(['a', 'b'])
    await app.close()
  })

  it('has the scopes of the requirement that every request has in Express, and of protected handlers', async () => {
    const inExpress = protectedResource({ resource: RESOURCE })
    express.authenticateJwt({ ...options, resource: inExpress, requirement: scope('a') })
    express.requireScope('b')
    expect(await scopesOf(inExpress)).toEqual(['a'])
    const inFetch = protectedResource({ resource: RESOURCE })
    const gate = gates.createGate({ ...options, resource: inFetch })
    gates.protect(gate, () => new Response('served'), scope('a'))
    gates.protect({ ...options, resource: inFetch }, () => new Response('served'), scope('b'))
    expect(await scopesOf(inFetch)).toEqual(['a', 'b'])
  })
})

describe('47. the metadata of a protected resource in an application', () => {
  it.each(['a%2Fb', 'a%3ab', '%zz', '%ff'])(
    'stops Fastify at start-up for a path it would never find: %s',
    async (path) => {
      const app = fastify().register(
        fastifyMetadata(protectedResource({ resource: `https://api.example.com/${path}` })),
      )
      await expect(app.ready()).rejects.toThrow('without escaped delimiters')
    },
  )

  const get = async (app: FastifyInstance, url = PATH): Promise<number> => (await app.inject({ url })).statusCode

  it('is at the root, though the plugin is in a scope with a prefix, and another one protects the root', async () => {
    const app = fastify()
    const resource = protectedResource({ resource: RESOURCE })
    app.register(claimgate, { ...options, audience: 'root' })
    app.register(
      async (inner) => {
        await inner.register(claimgate, { ...options, resource })
        const audience: RouteHandlerMethod = async ({ auth }) => (auth as VerifiedToken | null)?.claims['aud']
        inner.get('/', audience)
      },
      { prefix: '/orders' },
    )
    expect([await get(app), await get(app, `/orders${PATH}`), await get(app, '/orders')]).toEqual([200, 401, 401])
    const good = await app.inject({ url: '/orders', headers: { authorization: `Bearer ${token}` } })
    expect([good.statusCode, good.body]).toEqual([200, RESOURCE])
    await app.close()
  })

  it('may be registered several times for one resource, but not for two at one address', async () => {
    const resource = protectedResource({ resource: RESOURCE })
    const app = fastify()
    app.register(fastifyMetadata(resource))
    app.register(async (inner) => void inner.register(claimgate, { ...options, resource }))
    app.register(async (inner) => void inner.register(claimgate, { ...options, resource }))
    await app.ready()
    expect(await get(app)).toBe(200)
    await app.close()
    const two = fastify()
    two.register(fastifyMetadata(resource, protectedResource({ resource: RESOURCE })))
    await expect(two.ready().then(() => 'ready')).rejects.toThrow(
      'two resources have their metadata at the same address',
    )
  })

  it('may be that of several tenants, which differ by a query', async () => {
    const [a, b] = ['a', 'b'].map((tenant) => protectedResource({ resource: `${RESOURCE}?tenant=${tenant}` }))
    const app = fastify()
    app.register(fastifyMetadata(a as ProtectedResource, b as ProtectedResource))
    const answer = await app.inject({ url: `${PATH}?tenant=b` })
    expect(answer.json()).toEqual({ resource: `${RESOURCE}?tenant=b` })
    expect(await get(app, `${PATH}?tenant=c`)).toBe(404)
    await app.close()
  })

  it('replaces what CORS allows for other paths', async () => {
    const app = fastify()
    app.register(cors, { origin: 'https://app.example', credentials: true })
    app.register(claimgate, { ...options, resource: protectedResource({ resource: RESOURCE }) })
    const answer = await app.inject({ url: PATH, headers: { origin: 'https://other.example' } })
    expect([answer.statusCode, answer.headers['access-control-allow-origin']]).toEqual([200, '*'])
    await app.close()
  })

  it('is served if the authenticator was created before', async () => {
    const resource = protectedResource({ resource: RESOURCE })
    const authenticator = createAuthenticator({ ...options, resource })
    const gate = gates.createGate(authenticator)
    expect(await gate(new Request(`https://api.example.com${PATH}`))).toMatchObject({ status: 200 })
  })

  it('cannot be served in the wrong way', () => {
    const wrong = [undefined, RESOURCE, { resource: RESOURCE }, createVerifier({ ...options, audience: RESOURCE })]
    for (const given of wrong)
      for (const serve of [express.resourceMetadata, fastifyMetadata, gates.resourceMetadata])
        expect(() => serve(given as unknown as ProtectedResource)).toThrow(/made by protectedResource\(\)/)
    for (const serve of [express.resourceMetadata, fastifyMetadata, gates.resourceMetadata])
      expect(() => serve()).toThrow(TypeError)
    const request = { method: 'GET', headers: {} } as unknown as ProtectedResource
    expect(() => express.resourceMetadata(request)).toThrow('app.use(resourceMetadata(resource))')
  })
})

describe('47. the environment of a protected resource', () => {
  it('needs no JWT_AUDIENCE', () => {
    const { JWT_ISSUER, JWT_AUDIENCE } = process.env
    Object.assign(process.env, { JWT_ISSUER: ISSUER })
    delete process.env['JWT_AUDIENCE']
    try {
      const resource = protectedResource({ resource: RESOURCE })
      expect(() => express.authenticateJwt({ resource })).not.toThrow()
      expect(() => express.authenticateJwt()).toThrow('set JWT_AUDIENCE')
    } finally {
      delete process.env['JWT_ISSUER']
      Object.assign(process.env, { ...(JWT_ISSUER && { JWT_ISSUER }), ...(JWT_AUDIENCE && { JWT_AUDIENCE }) })
    }
  })
})
