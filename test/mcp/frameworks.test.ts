import { claimgate } from '@claimgate/fastify'
import { mcpResource, type AuthInfo, type McpResource, type McpResourceOptions } from '@claimgate/mcp'
import { allOf, AuthError, scope, stepUp } from '@claimgate/core'
import cors from '@fastify/cors'
import express5, { type ErrorRequestHandler } from 'express'
import fastify, { type FastifyInstance } from 'fastify'
import { Hono } from 'hono'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import serverless from 'serverless-http'
import { afterEach, describe, expect, it } from 'vitest'
import { callOf, fieldsWith, ISSUER, tokenFor, VERIFYING } from '../support/mcp/requests.ts'
import { bridge, FRAMEWORKS, listen, startMcp } from '../support/mcp/servers.ts'

const express4 = createRequire(import.meta.url)('express4') as typeof express5

const RESOURCE = 'https://mcp.example.com/mcp'
const token = await tokenFor(RESOURCE)
const admin = await tokenFor(RESOURCE, { scope: 'mcp:tools mcp:admin' })
const resourceWith = (more: Partial<McpResourceOptions> = {}): McpResource =>
  mcpResource({
    resource: RESOURCE,
    scopes: ['mcp:tools'],
    tools: { purge: scope('mcp:admin') },
    ...VERIFYING,
    ...more,
  } as McpResourceOptions)

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

/** A promise that rejects with anything, as code in plain JavaScript does. */
const rejected = async (reason: unknown): Promise<never> => {
  throw reason
}

async function start(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  ends.push(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${await listen(server)}`
}

async function startFastify(app: FastifyInstance): Promise<string> {
  ends.push(() => app.close())
  return app.listen({ host: '127.0.0.1', port: 0 })
}

const post = (origin: string, body: string, { given = token, path = '/mcp', more = {} } = {}): Promise<Response> =>
  fetch(`${origin}${path}`, { method: 'POST', headers: fieldsWith(given, more), body })

/** Answers with what the handler has received. */
const tell = (
  req: IncomingMessage & { auth?: AuthInfo; body?: unknown },
  res: ServerResponse,
  message: unknown,
): void => {
  res.end(JSON.stringify({ message, same: req.body === message, clientId: req.auth?.clientId }))
}

describe.each([
  ['Express 4', express4],
  ['Express 5', express5],
])('a resource in %s', (_, express) => {
  it('gives the handler the message and who calls', async () => {
    const origin = await start(express().use(resourceWith().express(tell)))
    const answer = await (await post(origin, callOf('echo'))).json()
    expect(answer).toEqual({ message: JSON.parse(callOf('echo')), same: true, clientId: 'client-1' })
  })

  it.each([
    ['json', express.json()],
    ['json of every type', express.json({ type: () => true })],
    ['raw', express.raw({ type: () => true })],
    ['text', express.text({ type: () => true })],
  ])('decides by the result of an earlier body parser, which the handler receives: %s', async (name, parser) => {
    const origin = await start(express().use(parser).use(resourceWith().express(tell)))
    expect((await post(origin, callOf('purge'))).status).toBe(403)
    expect((await post(origin, `[${callOf('purge')}]`)).status).toBe(400)
    expect(await (await post(origin, callOf('purge'), { given: admin })).json()).toMatchObject({
      message: JSON.parse(callOf('purge')),
      same: true,
    })
    // The last one counts for both, because both use the same object. The text itself would be refused.
    const twice = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","name":"purge"}}'
    expect((await post(origin, twice)).status).toBe(name.startsWith('json') ? 403 : 400)
  })

  it('reads the message itself if a body parser has left it', async () => {
    const origin = await start(
      express()
        .use(express.json({ type: 'text/other' }))
        .use(resourceWith().express(tell)),
    )
    expect((await post(origin, callOf('purge'))).status).toBe(403)
    expect((await post(origin, callOf('echo'))).status).toBe(200)
  })

  it('fails if the message was read, and is lost', async () => {
    let found: unknown
    const failed: ErrorRequestHandler = (error, _req, res, _next) => {
      found = error
      res.status(500).end()
    }
    const app = express()
    app.use((req, _res, next) => void req.resume().on('end', next))
    app.use(resourceWith().express(tell), failed)
    expect((await post(await start(app), callOf('echo'))).status).toBe(500)
    expect(String(found)).toContain('something else has read the body')
  })

  it('passes other requests on, and works in a router', async () => {
    const app = express()
    app.get('/health', (_req, res) => void res.send('ok'))
    app.use('/', express.Router().use(resourceWith().express(tell)))
    app.get('/later', (_req, res) => void res.send('later'))
    const origin = await start(app)
    expect(await (await fetch(`${origin}/later`)).text()).toBe('later')
    expect((await post(origin, callOf('echo'))).status).toBe(200)
    expect((await post(origin, callOf('echo'), { path: '/MCP' })).status).toBe(404)
  })

  it.each([
    [
      'throws',
      () => {
        throw new RangeError('a bug')
      },
    ],
    ['rejects', () => Promise.reject(new RangeError('a bug'))],
    ['rejects with undefined', () => rejected(undefined)],
  ])('passes on what a handler %s', async (_name, handler) => {
    const app = express().use(resourceWith().express(handler))
    app.use('/mcp', (_req, res) => void res.send('passed'))
    app.use(((_error, _req, res, _next) => void res.status(500).send('bug')) satisfies ErrorRequestHandler)
    const response = await post(await start(app), callOf('echo'))
    expect([response.status, await response.text()]).toEqual([500, 'bug'])
  })

  it('works behind a proxy that strips a prefix', async () => {
    const mcp = mcpResource({ resource: 'https://h.example/api/mcp', path: '/mcp', scopes: [], ...VERIFYING })
    const origin = await start(express().use(mcp.express(tell)))
    expect((await post(origin, callOf('echo'), { given: await tokenFor('https://h.example/api/mcp') })).status).toBe(
      200,
    )
    expect((await post(origin, callOf('echo'))).headers.get('www-authenticate')).toContain(
      'oauth-protected-resource/api/mcp',
    )
  })

  it('works in a serverless function', async () => {
    const app = express().use(resourceWith().express(tell))
    const call = serverless(app) as (event: object, context: object) => Promise<{ statusCode: number; body: string }>
    const event = { httpMethod: 'POST', path: '/mcp', headers: fieldsWith(token), body: callOf('purge') }
    expect((await call(event, {})).statusCode).toBe(403)
    expect((await call({ ...event, body: callOf('echo') }, {})).statusCode).toBe(200)
  })
})

describe('a resource in node:http', () => {
  it('answers 404 for other paths, and 500 if the handler fails', async () => {
    const origin = await start(resourceWith().express(() => Promise.reject(new Error('a bug'))))
    expect((await fetch(origin)).status).toBe(404)
    const response = await post(origin, callOf('echo'))
    expect([response.status, await response.text()]).toEqual([500, ''])
  })

  it('aborts a response that has begun if the handler fails', async () => {
    const listener = resourceWith().express((_req, res: ServerResponse) => {
      res.write('begun')
      throw new Error('a bug')
    })
    const origin = await start(listener)
    await expect(post(origin, callOf('echo')).then((response) => response.text())).rejects.toThrow(
      /fetch failed|terminated/,
    )
  })
})

describe('a resource in Fastify', () => {
  it('protects itself, also in a scope that another registration protects', async () => {
    const app = fastify()
    await app.register(claimgate, { issuer: ISSUER, audience: 'https://other.example', jwks: VERIFYING.jwks })
    await app.register(resourceWith().fastify(tell))
    app.post('/orders', () => 'orders')
    const origin = await startFastify(app)
    expect((await post(origin, callOf('echo'))).status).toBe(200)
    expect((await post(origin, callOf('purge'))).status).toBe(403)
    expect((await post(origin, callOf('echo'), { path: '/orders' })).status).toBe(401)
    expect((await fetch(`${origin}/.well-known/oauth-protected-resource/mcp`)).status).toBe(200)
  })

  it('leaves body parsers of other routes alone, and keeps headers that plugins have set', async () => {
    const app = fastify()
    await app.register(cors, { origin: 'https://app.example.com', exposedHeaders: ['X-Trace'] })
    await app.register(resourceWith().fastify(tell))
    app.post('/orders', (request) => request.body)
    const origin = await startFastify(app)
    expect(await (await post(origin, '{"a":1}', { path: '/orders' })).json()).toEqual({ a: 1 })
    for (const name of ['echo', 'purge']) {
      const response = await post(origin, callOf(name), { more: { origin: 'https://app.example.com' } })
      expect(response.headers.get('access-control-allow-origin')).toBe('https://app.example.com')
    }
  })

  it.each([
    [
      'throws',
      () => {
        throw new RangeError('a bug')
      },
    ],
    ['rejects', () => Promise.reject(new RangeError('a bug'))],
    ['rejects with undefined', () => rejected(undefined)],
  ])('answers 500 if the handler %s', async (_name, handler) => {
    const app = fastify()
    await app.register(resourceWith().fastify(handler))
    const response = await post(await startFastify(app), callOf('echo'))
    expect(response.status).toBe(500)
    expect(await response.text()).not.toContain('a bug')
  })

  it('sends the error of a function that gives no requirement to the error handler', async () => {
    const app = fastify()
    app.setErrorHandler((error, _request, reply) => reply.code(500).send(String(error)))
    await app.register(resourceWith({ tools: { echo: () => undefined as never } }).fastify(tell))
    const response = await post(await startFastify(app), callOf('echo'))
    expect([response.status, await response.text()]).toEqual([
      500,
      expect.stringContaining('must return a requirement'),
    ])
  })

  it('uses the result of a body parser that a plugin has added to its scope', async () => {
    const app = fastify()
    app.addHook('preValidation', async (request) => {
      if (request.url === '/mcp') request.body = JSON.parse(callOf('purge')) as never
    })
    await app.register(resourceWith().fastify(tell))
    expect((await post(await startFastify(app), callOf('echo'))).status).toBe(403)
  })
})

describe('a path in Fastify', () => {
  it.each(['/a:b/mcp', '/my%20mcp', '/caf%C3%A9', '/', '/100%25'])('is that of the resource: %s', async (path) => {
    const resource = `https://mcp.example.com${path}`
    const mcp = resourceWith({ resource })
    const app = fastify()
    await app.register(mcp.fastify(tell))
    const origin = await startFastify(app)
    const given = await tokenFor(resource)
    const metadata = (more: string): Promise<Response> =>
      fetch(`${origin}/.well-known/oauth-protected-resource${path === '/' ? '' : path}${more}`)
    expect((await post(origin, callOf('echo'), { given, path })).status).toBe(200)
    expect(await (await metadata('')).json()).toMatchObject({ resource })
    expect((await metadata('x')).status).toBe(404)
    if (path.includes(':')) expect((await post(origin, callOf('echo'), { given, path: '/aX/mcp' })).status).toBe(404)
  })

  it('of the metadata is not found with another query, or in another spelling', async () => {
    const app = fastify()
    await app.register(resourceWith({ resource: `${RESOURCE}?tenant=1` }).fastify(tell))
    const origin = await startFastify(app)
    const statusOf = async (end: string): Promise<number> =>
      (await fetch(`${origin}/.well-known/oauth-protected-resource/${end}`)).status
    expect(await Promise.all(['mcp?tenant=1', 'mcp', 'mcp?tenant=2', 'm%63p?tenant=1'].map(statusOf))).toEqual([
      200, 404, 404, 404,
    ])
  })

  it.each(['/a*', '/a%2Fb', '/a%3ab', '/%zz', '/%ff'])('must be one that its router can compare: %s', (path) => {
    const mcp = resourceWith({ path })
    expect(() => mcp.fastify(tell)).toThrow('give "resource" or "path" a path that the router can compare')
  })

  it('must be free, and have no prefix; anything else can be caught', async () => {
    const twice = fastify().register(resourceWith().fastify(tell)).register(resourceWith().fastify(tell))
    await expect(twice.ready()).rejects.toThrow('already declared')
    const prefixed = fastify().register(resourceWith().fastify(tell), { prefix: '/api' })
    await expect(prefixed.ready()).rejects.toThrow('register the plugin without a prefix')
  })
})

describe('a resource for fetch', () => {
  const request = (body: string, given = token): Request =>
    new Request(RESOURCE, { method: 'POST', headers: fieldsWith(given), body })

  it('gives the handler a request whose body can still be read, and the other arguments', async () => {
    const env = { name: 'env' }
    const serve = resourceWith().fetch(async (one, { authInfo, parsedBody }, rest: typeof env) =>
      Response.json({
        text: await one.text(),
        parsedBody,
        id: authInfo.clientId,
        rest,
        type: one.headers.get('content-type'),
      }),
    )
    expect(await (await serve(request(callOf('echo')), env)).json()).toEqual({
      text: callOf('echo'),
      parsedBody: JSON.parse(callOf('echo')),
      id: 'client-1',
      rest: env,
      type: 'application/json',
    })
  })

  it('keeps the signal of the request', async () => {
    const abort = new AbortController()
    const serve = resourceWith().fetch(({ signal }) => Response.json(signal.aborted))
    const given = new Request(request(callOf('echo')), { signal: abort.signal })
    abort.abort()
    expect(await (await serve(given)).json()).toBe(true)
  })

  it('gives other requests to another handler, or answers 404', async () => {
    const handler = (): Response => new Response('mcp')
    const other = new Request('https://mcp.example.com/health')
    expect((await resourceWith().fetch(handler)(other)).status).toBe(404)
    expect(await (await resourceWith().fetch(handler, () => new Response('ok'))(other)).text()).toBe('ok')
  })

  it('rejects with an error if the body was read, or if the handler fails', async () => {
    const handler = (): Promise<Response> => rejected(undefined)
    const read = request(callOf('echo'))
    await read.text()
    await expect(resourceWith().fetch(handler)(read)).rejects.toThrow('something else has read the body')
    await expect(resourceWith().fetch(handler)(request(callOf('echo')))).rejects.toThrow(TypeError)
  })

  it.each(['DELETE', 'OPTIONS'])(
    'accepts %s with an empty stream, which Hono on Node gives it, and no bytes',
    async (method) => {
      const serve = resourceWith().fetch(async (received, { parsedBody }) =>
        Response.json([received.method, await new Request(received).text(), parsedBody ?? null]),
      )
      const answerTo = (bytes: string, more = {}): Promise<Response> => {
        const body = new Response(bytes).body
        const init = { method, headers: fieldsWith(token, more), body, duplex: 'half' }
        return serve(new Request(RESOURCE, init))
      }
      expect(await (await answerTo('')).json()).toEqual([method, '', null])
      expect((await answerTo(callOf('purge'))).status).toBe(400)
      expect((await answerTo('', { 'content-length': '1' })).status).toBe(400)
    },
  )

  it('works in Hono', async () => {
    const serve = resourceWith().fetch((_request, { parsedBody }) => Response.json(parsedBody))
    const app = new Hono().mount('/', (one: Request) => serve(one), { replaceRequest: false })
    expect((await app.request(request(callOf('purge')))).status).toBe(403)
    expect((await app.request(request(callOf('echo')))).status).toBe(200)
    const origin = await start(bridge((one) => Promise.resolve(app.fetch(one))))
    expect((await fetch(`${origin}/.well-known/oauth-protected-resource/mcp`)).status).toBe(200)
  })
})

describe('the body of a request for fetch', () => {
  const statusOf = async (
    pull: (controller: ReadableStreamDefaultController) => void,
    more: Partial<McpResourceOptions> = {},
  ): Promise<number> => {
    const serve = resourceWith(more).fetch(() => new Response(null, { status: 204 }))
    const init = { method: 'POST', headers: fieldsWith(token), body: new ReadableStream({ pull }), duplex: 'half' }
    return (await serve(new Request(RESOURCE, init))).status
  }

  it('costs no more memory if it comes in chunks of one byte', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const used: number[] = []
    let sent = 0
    const pull = (controller: ReadableStreamDefaultController): void => {
      if (sent % 50_000 === 0) {
        collect()
        used.push(process.memoryUsage().heapUsed)
      }
      sent += 1
      controller.enqueue(new Uint8Array(1))
    }
    expect(await statusOf(pull, { bodyLength: 100_000 })).toBe(413)
    const [first = 0, , last = Infinity] = used
    expect(last - first).toBeLessThan(5_000_000)
  })

  it('is too large if it has chunks without bytes and no end', async () => {
    expect(await statusOf((controller) => controller.enqueue(new Uint8Array()), { bodyLength: 1024 })).toBe(413)
  })

  it('is too slow if it comes in so many chunks that no timer fires', async () => {
    let monotonic = 0
    const clock = { now: Date.now, monotonic: () => (monotonic += 10), setTimeout: () => () => {} }
    expect(await statusOf((controller) => controller.enqueue(new Uint8Array(1)), { clock })).toBe(408)
  })

  it('is refused if it fails, or holds anything but bytes', async () => {
    expect(await statusOf((controller) => controller.error(new Error('broken')))).toBe(400)
    expect(await statusOf((controller) => controller.enqueue(7))).toBe(400)
  })
})

describe.each(Object.keys(FRAMEWORKS))('an answer on %s', (framework) => {
  it('has the fields of bindings, whether the request is refused or not', async () => {
    const bound = { confirmation: 'x', confirm: async () => ({ headers: { 'DPoP-Nonce': 'next' } }) }
    const server = await startMcp(framework, () => ({ ...VERIFYING, bindings: [bound] }))
    ends.push(server.close)
    const headers = fieldsWith(await tokenFor(server.url.href, { cnf: { x: 1 } }))
    for (const [body, status] of [
      [callOf('echo'), 200],
      [callOf('purge'), 403],
      ['[]', 400],
    ] as const) {
      const response = await fetch(server.url, { method: 'POST', headers, body })
      expect([response.status, response.headers.get('dpop-nonce')]).toEqual([status, 'next'])
      expect(response.headers.get('access-control-expose-headers')).toContain('dpop-nonce')
    }
  })
})

describe('an application that has answered during the wait for keys', () => {
  const slow = (answered: Promise<unknown>): McpResource =>
    resourceWith({
      jwks: undefined as never,
      keys: {
        resolve: async () => {
          await answered
          throw new AuthError('keys_unavailable')
        },
      },
    })

  it('is left alone in Express', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const app = express5()
    app.use((_req, res, next) => {
      next()
      res.send('answered').once('finish', resolve)
    })
    app.use(slow(promise).express(tell))
    const response = await post(await start(app), callOf('echo'))
    expect([response.status, await response.text()]).toEqual([200, 'answered'])
  })

  it('is left alone in Fastify', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const app = fastify()
    app.addHook('preHandler', (_request, reply, done) => {
      done()
      reply.raw.once('finish', resolve)
      reply.send('answered')
    })
    await app.register(slow(promise).fastify(tell))
    const response = await post(await startFastify(app), callOf('echo'))
    expect([response.status, await response.text()]).toEqual([200, 'answered'])
  })
})

describe('an application that has answered while a requirement was decided', () => {
  const deciding = (answer: () => Promise<unknown>): McpResource => {
    const isMet = async (): Promise<boolean> => {
      await answer()
      return true
    }
    return resourceWith({ tools: { echo: { description: 'an answer', scopes: [], isMet } } })
  }

  it('is left alone in Express, and no handler runs', async () => {
    let answer = async (): Promise<unknown> => undefined
    let calls = 0
    const app = express5()
    app.use((_req, res, next) => {
      answer = () => once(res.send('answered'), 'finish')
      next()
    })
    app.use(deciding(() => answer()).express(() => (calls += 1)))
    const response = await post(await start(app), callOf('echo'))
    expect([response.status, await response.text(), calls]).toEqual([200, 'answered', 0])
  })

  it('is left alone in Fastify, and no handler runs', async () => {
    let answer = async (): Promise<unknown> => undefined
    let calls = 0
    const app = fastify()
    app.addHook('preHandler', (_request, reply, done) => {
      answer = () => once(reply.hijack().raw.end('answered'), 'finish')
      done()
    })
    await app.register(deciding(() => answer()).fastify(() => (calls += 1)))
    const response = await post(await startFastify(app), callOf('echo'))
    expect([response.status, await response.text(), calls]).toEqual([200, 'answered', 0])
  })
})

describe('what a tool needs', () => {
  const statusOf = async (tools: McpResourceOptions['tools'], body: string): Promise<number> => {
    const serve = resourceWith({ tools: tools ?? {} }).fetch(() => new Response(null, { status: 204 }))
    return (await serve(new Request(RESOURCE, { method: 'POST', headers: fieldsWith(token), body }))).status
  }
  const withAll = callOf('x', { params: { name: 'delete', arguments: { all: true } } })
  const withOne = callOf('x', { params: { name: 'delete', arguments: { all: false } } })

  it('may depend on the call', async () => {
    const tools: McpResourceOptions['tools'] = {
      delete: (call) => scope((call.arguments as { all: boolean }).all ? 'mcp:admin' : 'mcp:tools'),
    }
    expect([await statusOf(tools, withAll), await statusOf(tools, withOne)]).toEqual([403, 204])
  })

  it('may be a log-in that is strong or recent, with a challenge that says so', async () => {
    const tools = { delete: allOf(scope('mcp:admin'), stepUp({ acr: ['urn:mfa'], maxAge: 300 })) }
    const serve = resourceWith({ tools }).fetch(() => new Response(null, { status: 204 }))
    const now = Math.floor(Date.now() / 1000)
    const answerTo = async (claims: object): Promise<readonly [number, string]> => {
      const headers = fieldsWith(await tokenFor(RESOURCE, claims))
      const { status, headers: sent } = await serve(new Request(RESOURCE, { method: 'POST', headers, body: withOne }))
      return [status, sent.get('www-authenticate') ?? '']
    }
    const strong = { scope: 'mcp:tools mcp:admin', acr: 'urn:mfa', auth_time: now - 10 }
    expect((await answerTo(strong))[0]).toBe(204)
    expect((await answerTo({ ...strong, scope: 'mcp:tools' }))[0]).toBe(403)
    const [status, challenge] = await answerTo({ ...strong, auth_time: now - 600 })
    expect(status).toBe(401)
    expect(challenge).toContain('error="insufficient_user_authentication"')
    expect(challenge).toContain('acr_values="urn:mfa", max_age="300"')
    expect(challenge).toContain('resource_metadata=')
  })

  it('may be decided by a request to another server', async () => {
    const allowed = (answer: boolean): McpResourceOptions['tools'] => ({
      delete: { description: 'the policy server', scopes: [], isMet: async () => answer },
    })
    expect([await statusOf(allowed(true), withOne), await statusOf(allowed(false), withOne)]).toEqual([204, 403])
  })

  it('lets nothing through if the function fails, and hides why', async () => {
    for (const rule of [
      () => Promise.resolve(scope('mcp:tools')),
      () => true,
      () => {
        throw new Error('secret')
      },
    ]) {
      const serve = resourceWith({ tools: { delete: rule as never } }).fetch(() => new Response(null, { status: 204 }))
      const request = new Request(RESOURCE, { method: 'POST', headers: fieldsWith(token), body: withOne })
      await expect(serve(request)).rejects.toThrow(/must return a requirement|secret/)
    }
  })
})

describe('a token', () => {
  it('stays out of JSON of what handlers receive', async () => {
    let seen: AuthInfo | undefined
    const serve = resourceWith().fetch((_request, { authInfo }) => {
      seen = authInfo
      return Response.json(authInfo)
    })
    const answer = await (
      await serve(new Request(RESOURCE, { method: 'POST', headers: fieldsWith(token), body: callOf('echo') }))
    ).text()
    expect(answer).not.toContain(token.slice(0, 20))
    expect(seen?.token).toBe(token)
    expect(JSON.parse(answer)).toMatchObject({
      clientId: 'client-1',
      scopes: ['mcp:tools'],
      resource: RESOURCE,
      resourceMetadataUrl: 'https://mcp.example.com/.well-known/oauth-protected-resource/mcp',
      extra: { claims: { sub: 'ada' } },
      expiresAt: expect.any(Number) as number,
    })
  })

  it('stays out of refusals and of the log', async () => {
    const lines: string[] = []
    const log = { warn: (line: string) => lines.push(line) }
    const serve = resourceWith({ log }).fetch(() => new Response(null, { status: 204 }))
    const bad = await tokenFor(RESOURCE, { aud: 'https://other.example' })
    const response = await serve(
      new Request(RESOURCE, { method: 'POST', headers: fieldsWith(bad), body: callOf('echo') }),
    )
    expect(response.status).toBe(401)
    expect(lines).toEqual([expect.stringContaining('audience_mismatch')])
    const told = [await response.text(), ...response.headers.values(), ...lines].join('\n')
    for (const part of bad.split('.')) expect(told).not.toContain(part)
  })
})
