import { AuthError } from '@claimgate/core'
import { authenticateJwt, requireScope } from '@claimgate/express'
import { claimgate } from '@claimgate/fastify'
import fastifyAuth from '@fastify/auth'
import formbody from '@fastify/formbody'
import express5 from 'express'
import fastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerOptions,
} from 'fastify'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  answersOf,
  authority,
  BAD,
  EXPECTED,
  EXPECTING,
  GOOD,
  KEYS_TAKE,
  later,
  leaveInTheMiddle,
  REQUESTS,
  type Served,
  verifier,
} from '../support/refused/surroundings.ts'

const express4 = createRequire(import.meta.url)('express4') as typeof express5

const goOnTwice = (_request: unknown, _reply: unknown, done: () => void): void => {
  done()
  done()
}

describe('37. Nothing fails open: in Fastify, a request is refused', () => {
  type Declare = (app: FastifyInstance, served: Served) => Promise<unknown>

  async function start(declare: Declare, options: FastifyServerOptions = {}) {
    const served: Served = { count: 0 }
    const app = fastify(options) as unknown as FastifyInstance
    await declare(app, served)
    await app.listen({ host: '127.0.0.1', port: 0 })
    onTestFinished(async () => {
      app.server.closeAllConnections()
      await app.close()
    })
    return { app, served }
  }

  const route = (served: Served) => ({
    method: ['GET', 'POST', 'DELETE'],
    url: '/orders',
    handler: async () => {
      served.count += 1
      return 'served'
    },
  })

  const protectedBy =
    (options: object, around: (app: FastifyInstance) => unknown = () => {}): Declare =>
    async (app, served) => {
      around(app)
      await app.register(claimgate, { verifier, ...options } as never)
      app.route(route(served))
    }

  const throws = (): never => {
    throw new RangeError('a bug')
  }
  const rejects = async (): Promise<never> => throws()
  const ANSWERS = { onReject: () => ({ no: 'entry' }) }
  const FAILS = { onReject: throws }

  const CASES: readonly (readonly [string, Declare, number, FastifyServerOptions?])[] = [
    ['an onError hook that throws', protectedBy(FAILS, (app) => app.addHook('onError', throws)), 500],
    ['an onError hook that rejects', protectedBy(FAILS, (app) => app.addHook('onError', rejects)), 500],
    [
      'an onError hook that sends',
      protectedBy(FAILS, (app) => app.addHook('onError', async (_request, reply) => void reply.send('own'))),
      500,
    ],
    ['an onResponse hook that rejects', protectedBy({}, (app) => app.addHook('onResponse', rejects)), 401],
    [
      'an onRequestAbort hook that rejects',
      protectedBy({}, (app) => app.addHook('onRequestAbort', async (_request) => throws())),
      401,
    ],
    ['an onSend hook that rejects', protectedBy({}, (app) => app.addHook('onSend', rejects)), 401],
    [
      'a preSerialization hook that rejects',
      protectedBy(ANSWERS, (app) => app.addHook('preSerialization', rejects)),
      401,
    ],
    ['a serializer that throws', protectedBy(ANSWERS, (app) => app.setReplySerializer(throws)), 401],
    [
      'a serializer of routes that throws',
      protectedBy(ANSWERS, (app) => {
        app.setSerializerCompiler(() => throws)
        app.addHook(
          'onRoute',
          (one) => void Object.assign(one, { schema: { response: { '4xx': { type: 'object' } } } }),
        )
      }),
      500,
    ],
    [
      'an error handler that calls the not-found handler',
      protectedBy(FAILS, (app) => app.setErrorHandler((_error, _request, reply) => reply.callNotFound())),
      404,
    ],
    [
      'an onReject that calls the not-found handler',
      protectedBy({ onReject: (...[, , reply]: [unknown, unknown, FastifyReply]) => reply.callNotFound() }),
      404,
    ],
    [
      'a connectionTimeout, and an onTimeout hook that throws',
      protectedBy({}, (app) => app.addHook('onTimeout', rejects)),
      401,
      { connectionTimeout: 500 },
    ],
    ['a requestTimeout', protectedBy({}), 401, { requestTimeout: 500 }],
    ['a handlerTimeout', protectedBy({}), 401, { handlerTimeout: 500 }],
    ['an earlier hook that calls back twice', protectedBy({}, (app) => app.addHook('onRequest', goOnTwice)), 401],
  ]

  it.each(CASES.map(([name, declare, status, options = {}]) => [name, declare, status, options] as const))(
    'beside %s',
    async (_name, declare, status, options) => {
      const { app, served } = await start(declare, options)
      expect(await answersOf(app.server)).toEqual(REQUESTS.map(() => status))
      expect(served.count).toBe(0)
    },
  )

  it('while the time limit of the connection ends, whatever an onTimeout hook does', async () => {
    const answers = (app: FastifyInstance): unknown =>
      app.addHook('onTimeout', async (_request, reply) => void reply.code(408).send('late'))
    const { app, served } = await start(protectedBy({}, answers), { connectionTimeout: 5 })
    await answersOf(app.server)
    expect(served.count).toBe(0)
  })

  it.each(['onRequest', 'preParsing', 'preValidation', 'preHandler'] as const)(
    'by authenticateJwt() in %s of a route, HEAD included',
    async (stage) => {
      const { app, served } = await start(async (to, counted) => {
        to.addHook('onSend', () => later(20))
        await to.register(claimgate, { verifier, global: false })
        to.route({ ...route(counted), [stage]: to.authenticateJwt() })
      })
      expect(await answersOf(app.server, [...REQUESTS, { method: 'HEAD', headers: BAD }])).toEqual(
        [...REQUESTS, 0].map(() => 401),
      )
      expect(served.count).toBe(0)
    },
  )

  it.each([
    ['once', (): void => {}],
    ['slowly', (to: FastifyInstance) => to.addHook('onSend', () => later(20))],
  ] as const)(
    'by a preHandler of the scope after one that continues twice, and is answered %s',
    async (_name, around) => {
      const { app, served } = await start(async (to, counted) => {
        around(to)
        to.addHook('preHandler', goOnTwice)
        await to.register(claimgate, { verifier, global: false })
        to.addHook('preHandler', to.authenticateJwt())
        to.route(route(counted))
      })
      expect(await answersOf(app.server)).toEqual(REQUESTS.map(() => 401))
      expect(served.count).toBe(0)
      expect(await answersOf(app.server, [{ headers: GOOD }])).toEqual([200])
    },
  )

  it('by nested gates, each after a hook that continues twice', async () => {
    const { app, served } = await start(async (to, counted) => {
      to.addHook('onRequest', goOnTwice)
      to.addHook('preHandler', goOnTwice)
      await to.register(claimgate, { verifier })
      await to.register(async (child) => {
        child.addHook('onRequest', goOnTwice)
        await child.register(claimgate, { verifier })
        child.route(route(counted))
      })
    })
    expect(await answersOf(app.server)).toEqual(REQUESTS.map(() => 401))
    expect(served.count).toBe(0)
    expect(await answersOf(app.server, [{ headers: GOOD }])).toEqual([200])
  })

  it.each([
    ['of the scope', {}, async (to: FastifyInstance, handler: () => Promise<string>) => to.setNotFoundHandler(handler)],
    [
      'with a hook',
      { global: false },
      async (to: FastifyInstance, handler: () => Promise<string>) =>
        to.setNotFoundHandler({ preHandler: to.authenticateJwt() }, handler),
    ],
  ] as const)('by the not-found handler %s', async (_name, options, declare) => {
    const { app, served } = await start(async (to, counted) => {
      to.addHook('onSend', () => later(20))
      to.addHook('onRequest', goOnTwice)
      await to.register(claimgate, { verifier, ...options })
      await declare(to, async () => `served ${(counted.count += 1)}`)
    })
    expect(await answersOf(app.server)).toEqual(REQUESTS.map(() => 401))
    expect(served.count).toBe(0)
  })

  it.each([true, false])('while the server closes (return503OnClosing: %s)', async (return503OnClosing) => {
    const { app, served } = await start(
      protectedBy({}, (to) => to.addHook('onSend', () => later(30))),
      { return503OnClosing },
    )
    const answers = answersOf(app.server)
    await later(30)
    await app.close()
    // A late request finds no connection.
    expect((await answers).every((status) => [401, 503, 0].includes(status))).toBe(true)
    expect(served.count).toBe(0)
  })

  it.each([{ close: true }, { error: true }, { end: false }])('in an injected request with %j', async (simulate) => {
    const { app, served } = await start(protectedBy({}))
    const { statusCode } = await app.inject({
      method: 'POST',
      url: '/orders',
      headers: BAD,
      payload: {},
      simulate: simulate as never,
    })
    expect([statusCode, served.count]).toEqual([401, 0])
  })

  it('if another method is to be tried, and an earlier hook continues twice', async () => {
    const { app, served } = await start(async (to, counted) => {
      await to.register(fastifyAuth)
      await to.register(claimgate, { verifier, global: false })
      const apiKey = async (request: FastifyRequest): Promise<void> => {
        if (request.headers['x-api-key'] !== 'letmein') throw new Error('no API key')
      }
      to.route({ ...route(counted), onRequest: [goOnTwice, to.auth([to.authenticateJwt(), apiKey]) as never] })
    })
    expect(await answersOf(app.server)).toEqual(REQUESTS.map(() => 401))
    expect(served.count).toBe(0)
    expect(await answersOf(app.server, [{ headers: GOOD }, { headers: { ...BAD, 'x-api-key': 'letmein' } }])).toEqual([
      200, 200,
    ])
  })

  it('and the log also fails', async () => {
    const silent = (): void => {}
    const logger = { level: 'info', info: silent, warn: silent, debug: silent, trace: silent, fatal: silent }
    const onReject = (...[, , reply]: [unknown, unknown, FastifyReply]): never => {
      void reply.code(418).send('own')
      return throws()
    }
    const loggerInstance = { ...logger, error: throws, child: () => loggerInstance }
    const { app, served } = await start(protectedBy({ onReject }), { loggerInstance: loggerInstance as never })
    expect(await answersOf(app.server)).toEqual(REQUESTS.map(() => 418))
    expect(served.count).toBe(0)
  })

  it.each(['application/json', 'application/x-www-form-urlencoded'])(
    'as a client disconnects in the middle of a body (%s)',
    async (type) => {
      const { app, served } = await start(async (to, counted) => {
        await to.register(formbody)
        await protectedBy({ credentials: [{ from: 'form' }], optional: true })(to, counted)
      })
      await leaveInTheMiddle(app.server, type)
      expect(served.count).toBe(0)
    },
  )

  it('whatever Expect or Upgrade header the client sends', async () => {
    const { app, served } = await start(protectedBy({}))
    expect(await answersOf(app.server, EXPECTING)).toEqual(EXPECTED)
    expect(served.count).toBe(0)
  })
})

describe.each([
  ['Express 4', express4],
  ['Express 5', express5],
])('37. Nothing fails open: in %s, a request is refused', (_version, framework) => {
  type App = ReturnType<typeof express5>

  async function start(declare: (app: App, serve: express5.RequestHandler) => void) {
    const served: Served = { count: 0 }
    const app = framework()
    app.set('env', 'test')
    declare(app, (_req, res) => {
      served.count += 1
      res.send('served')
    })
    const server = createServer(app)
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve)
    })
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    return { server, served }
  }

  const protect = authenticateJwt({ verifier })

  it.each<readonly [string, (app: App, serve: express5.RequestHandler) => void]>([
    ['by a mounted application', (app, serve) => void app.use(framework().use(protect), serve)],
    [
      'by the application in which another is mounted',
      (app, serve) => void app.use(protect, framework().use('/orders', serve)),
    ],
    ['by a router', (app, serve) => void app.use('/orders', framework.Router().all('/', protect), serve)],
    ['by a route', (app, serve) => void app.all('/orders', protect, serve)],
    [
      'and a listener on the end of the answer does not throw',
      (app, serve) => {
        app.use((_req, res, next) => {
          res.on('close', () => res.end('late'))
          next()
        }, protect)
        app.use(serve)
      },
    ],
    [
      'and a time-out also answers',
      (app, serve) => {
        app.use((_req, res, next) => {
          setTimeout(() => res.headersSent || res.status(401).end('late'), KEYS_TAKE)
          next()
        }, protect)
        app.use(serve)
      },
    ],
  ])('%s', async (_name, declare) => {
    const { server, served } = await start(declare)
    expect(await answersOf(server)).toEqual(REQUESTS.map(() => 401))
    expect(served.count).toBe(0)
  })

  it.each<readonly [string, (req: express5.Request) => unknown]>([
    ['a proxy of the request', (req) => new Proxy(req, {})],
    ['a copy of the request', (req) => Object.assign(Object.create(Object.getPrototypeOf(req) as object), req)],
  ])('if its requirement gets %s', async (_name, other) => {
    const { server, served } = await start((app, serve) => {
      app.use(authenticateJwt(authority.options))
      const required = requireScope('orders:write')
      app.use((req, res, next) => required(other(req) as express5.Request, res, next), serve)
    })
    expect(await answersOf(server, [{ headers: GOOD }])).toEqual([500])
    expect(served.count).toBe(0)
  })

  it('as a client disconnects in the middle of a body', async () => {
    const { server, served } = await start((app, serve) => {
      app.use(framework.urlencoded({ extended: false }))
      app.use(authenticateJwt({ verifier, credentials: [{ from: 'form' }] }), serve)
    })
    await leaveInTheMiddle(server, 'application/x-www-form-urlencoded')
    expect(served.count).toBe(0)
  })

  it('whatever Expect or Upgrade header the client sends', async () => {
    const { server, served } = await start((app, serve) => void app.use(protect, serve))
    expect(await answersOf(server, EXPECTING)).toEqual(EXPECTED)
    expect(served.count).toBe(0)
  })

  it('if an earlier middleware continues twice, at the latest by a requirement', async () => {
    const { server, served } = await start((app, serve) => {
      app.use((_req, _res, next) => {
        next()
        next()
      }, protect)
      app.use(requireScope('orders:write'), serve)
    })
    const answers = await answersOf(server, [{ headers: BAD }, { headers: GOOD }])
    expect(answers.every((status) => status >= 400)).toBe(true)
    expect(served.count).toBe(0)
  })

  it('once it is answered, and an error of onReject is passed on with the original methods of Express', async () => {
    const nexts: unknown[] = []
    const { server } = await start((app, serve) => {
      app.use((req, _res, next) => {
        nexts.push(req.next)
        next()
      })
      app.use(authenticateJwt({ verifier, onReject: () => Promise.reject(new AuthError('token_refused')) }), serve)
      const handler: express5.ErrorRequestHandler = (_error, req, res, _next) => {
        nexts.push(req.next)
        res.status(500).end()
      }
      app.use(handler)
    })
    const { port } = server.address() as AddressInfo
    expect((await fetch(`http://127.0.0.1:${port}/orders`)).status).toBe(500)
    expect(nexts[1]).toBe(nexts[0])
  })
})
