import { AuthError } from '@claimgate/core'
import { authenticateJwt, authorize, type OptionalAuthEnv, requireScope } from '@claimgate/hono'
import { authenticateJwt as middyJwt, protect } from '@claimgate/lambda'
import { createAdaptorServer } from '@hono/node-server'
// oxlint-disable-next-line import/no-named-as-default -- its types have only the default export
import middy from '@middy/core'
import { type Handler, Hono, type MiddlewareHandler } from 'hono'
import { every, except, some } from 'hono/combine'
import { compress } from 'hono/compress'
import { etag } from 'hono/etag'
import { methodOverride } from 'hono/method-override'
import { timeout } from 'hono/timeout'
import { once } from 'node:events'
import type { Server } from 'node:http'
import { isNativeError } from 'node:util/types'
import { describe, expect, it, onTestFinished } from 'vitest'
import { THROWN_VALUES } from '../support/adapters/thrown-values.ts'
import { httpApi, restApi } from '../support/lambda/events.ts'
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

type App = Hono<OptionalAuthEnv>
type Declare = (app: App, serve: Handler) => unknown

const statusOf = (status: number): readonly number[] => REQUESTS.map(() => status)
const protection = authenticateJwt({ verifier })

describe('37. Nothing fails open: in Hono, a request is refused', () => {
  async function start(declare: Declare) {
    const served: Served = { count: 0 }
    const app: App = new Hono()
    app.onError((_error, c) => c.text('failed', 500))
    declare(app, (c) => {
      served.count += 1
      return c.text('served')
    })
    const server = createAdaptorServer({ fetch: app.fetch }) as Server
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    return { server, served }
  }

  /** Around the protection. */
  const within =
    (...around: readonly MiddlewareHandler[]): Declare =>
    (app, serve) =>
      app.use(...(around as [MiddlewareHandler]), protection).all('/orders', serve)

  it.each<readonly [string, Declare, readonly number[]]>([
    [
      'by a mounted app',
      (app, serve) => app.use(protection).route('/', new Hono().all('/orders', serve)),
      statusOf(401),
    ],
    [
      'by an app that is mounted',
      (app, serve) => app.route('/orders', new Hono().use(protection).all('/', serve as never)),
      statusOf(401),
    ],
    ['by a route', (app, serve) => app.all('/orders', protection, serve), statusOf(401)],
    [
      'before a fetch handler that is mounted',
      (app) => app.use(protection).mount('/orders', () => new Response('served', { status: 299 })),
      statusOf(401),
    ],
    [
      'beside a middleware that continues twice',
      within(async (_c, next) => {
        await next()
        await next()
      }),
      statusOf(500),
    ],
    [
      'beside a middleware that does not wait',
      within(async (_c, next) => {
        void next()
      }),
      statusOf(500),
    ],
    ['beside a middleware that catches every error', within(async (_c, next) => next().catch(() => {})), statusOf(401)],
    [
      'beside a middleware that answers first, and then continues',
      within(async (c, next) => {
        c.res = new Response('early')
        await next()
      }),
      statusOf(401),
    ],
    ['beside compression and entity tags', within(compress(), etag()), statusOf(401)],
    [
      'beside a method that a header changes',
      (app, serve) =>
        app
          .use(methodOverride({ app, header: 'x-method' }), protection)
          .on(['GET', 'POST', 'DELETE'], '/orders', serve),
      statusOf(401),
    ],
    [
      'by every()',
      (app, serve) =>
        app
          .use(
            every(
              protection,
              authorize(() => authorityScope),
            ),
          )
          .all('/orders', serve),
      statusOf(401),
    ],
    [
      'by except(), on other paths',
      (app, serve) => app.use(except('/public', protection)).all('/orders', serve),
      statusOf(401),
    ],
    [
      'by some(), because a refusal ends the search',
      (app, serve) => app.use(some(protection, async (_c, next) => next())).all('/orders', serve),
      statusOf(401),
    ],
    [
      'by the last of several that run',
      (app, serve) => app.use(authenticateJwt({ verifier, optional: true }), protection).all('/orders', serve),
      statusOf(401),
    ],
    ['on a path without a route', (app) => app.use(protection), statusOf(401)],
  ])('%s', async (_name, declare, expected) => {
    const { server, served } = await start(declare)
    expect(await answersOf(server)).toEqual(expected)
    expect(served.count).toBe(0)
  })

  it('beside a time-out, whichever answers first', async () => {
    const { server, served } = await start(within(timeout(KEYS_TAKE / 4)))
    const answers = await answersOf(server)
    expect(answers.filter((status) => status !== 401 && status !== 500)).toEqual([])
    expect(served.count).toBe(0)
  })

  it('if a requirement of the request throws anything', async () => {
    const { server, served } = await start((app, serve) =>
      app
        .use(
          protection,
          authorize((c) => {
            throw THROWN_VALUES[Number(c.req.header('x-value'))]?.[1]
          }),
        )
        .all('/orders', serve),
    )
    const asked = THROWN_VALUES.map((_, index) => ({ headers: { ...GOOD, 'x-value': String(index) } }))
    expect(await answersOf(server, asked)).toEqual(asked.map(() => 500))
    expect(served.count).toBe(0)
  })

  it.each([
    [
      'a copy of the context',
      (c: object) => Object.assign(Object.create(Object.getPrototypeOf(c) as object) as object, c),
    ],
    ['a proxy of the context', (c: object) => new Proxy(c, {})],
  ])('if its requirement gets %s', async (_name, other) => {
    const { server, served } = await start((app, serve) => {
      const required = requireScope('orders:write')
      app.use(protection, (c, next) => required(other(c) as never, next)).all('/orders', serve)
    })
    expect(await answersOf(server, [{ headers: GOOD }])).toEqual([500])
    expect(served.count).toBe(0)
  })

  it('whatever Expect or Upgrade header the client sends', async () => {
    const { server, served } = await start(within())
    expect(await answersOf(server, EXPECTING)).toEqual(EXPECTED)
    expect(served.count).toBe(0)
  })

  it('as a client disconnects in the middle of a form', async () => {
    const forms = authenticateJwt({ verifier, credentials: [{ from: 'authorization' }, { from: 'form' }] })
    const { server, served } = await start((app, serve) => app.use(forms).all('/orders', serve))
    await leaveInTheMiddle(server, 'application/x-www-form-urlencoded')
    expect(await answersOf(server, [{ headers: BAD }, { headers: GOOD }])).toEqual([401, 200])
    expect(served.count).toBe(1 + 4)
  })

  it('by onReject that fails, in the middleware and in a requirement', async () => {
    const onReject = (): never => {
      throw new AuthError('token_refused')
    }
    const { server, served } = await start((app, serve) =>
      app.use(authenticateJwt({ verifier, onReject }), requireScope('orders:write')).all('/orders', serve),
    )
    expect(await answersOf(server, [{}, { headers: BAD }, { headers: GOOD }])).toEqual([500, 500, 500])
    expect(served.count).toBe(0)
  })
})

const authorityScope = { description: 'any', scopes: [], isMet: () => true } as const

describe('37. Nothing fails open: in Lambda, a request is refused', () => {
  const event = (headers: object = {}): object =>
    httpApi({ method: 'GET', path: '/orders', query: '', fields: Object.entries(headers), body: Buffer.of() })
  const served: Served = { count: 0 }
  const serve = async (): Promise<object> => {
    served.count += 1
    return { statusCode: 200 }
  }
  const statusFrom = async (invoke: (given: never, context: never) => unknown, given: object): Promise<unknown> =>
    ((await invoke(given as never, {} as never)) as { readonly statusCode?: number } | undefined)?.statusCode

  it.each<readonly [string, object]>([
    [
      'an earlier middleware that replaces the event',
      { before: (request: { event: object }) => void (request.event = { ...request.event }) },
    ],
    [
      'one that changes the event',
      {
        before: (request: { event: object }) =>
          void Object.assign(request.event, {
            auth: { claims: {} },
            requestContext: { authorizer: { jwt: { claims: { sub: 'x' } } } },
          }),
      },
    ],
    ['one that waits', { before: () => later(KEYS_TAKE) }],
    [
      'an after that fails',
      {
        after: () => Promise.reject(new Error('a bug')),
        onError: (request: { response: unknown; event: object }) => void (request.response ??= { statusCode: 401 }),
      },
    ],
  ])('by the middleware for middy, beside %s', async (_name, around) => {
    served.count = 0
    const handler = middy()
      .use(around)
      .use(middyJwt({ verifier }))
      .handler(serve as never)
    expect(await statusFrom(handler as never, event(BAD))).toBe(401)
    expect(await statusFrom(handler as never, event())).toBe(401)
    expect(served.count).toBe(0)
  })

  it.each(THROWN_VALUES)('by the middleware for middy, if an authenticator throws %s', async (_name, value) => {
    served.count = 0
    const fails = async (): Promise<never> => {
      throw value
    }
    const authenticator = { verifier, readsBody: false, authenticate: fails, authorize: fails, explain: fails }
    const handler = middy()
      .use(middyJwt({ authenticator }))
      .handler(serve as never)
    await expect(statusFrom(handler as never, event(GOOD))).rejects.toSatisfy(isNativeError)
    await expect(statusFrom(protect(serve, { authenticator }), event(GOOD))).rejects.toSatisfy(isNativeError)
    expect(served.count).toBe(0)
  })

  it.each<readonly [string, (event: object) => object]>([
    ['a proxy of the event', (given) => new Proxy(given, {})],
    ['a frozen event', (given) => Object.freeze(given)],
    ['an event without a prototype', (given) => Object.assign(Object.create(null) as object, given)],
    [
      'headers that are inherited',
      (given) => Object.assign(Object.create({ headers: GOOD }) as object, given, { headers: {} }),
    ],
    ['headers in an array', (given) => ({ ...given, headers: [GOOD] })],
    ['headers that are text', (given) => ({ ...given, headers: GOOD.authorization })],
    ['an authorization in a list', (given) => ({ ...given, headers: { authorization: [[GOOD.authorization]] } })],
    [
      'an authorization in two cases',
      (given) => ({ ...given, headers: { authorization: BAD.authorization, Authorization: GOOD.authorization } }),
    ],
    [
      'claims of another authorizer',
      (given) => ({
        ...given,
        requestContext: { authorizer: { lambda: { sub: 'x' }, jwt: { claims: { sub: 'x' } } } },
      }),
    ],
  ])('by protect, for %s', async (_name, change) => {
    served.count = 0
    const status = await statusFrom(protect(serve, { verifier }), change(event(BAD)))
    expect([400, 401]).toContain(status)
    expect(served.count).toBe(0)
  })

  it('for both forms of the headers of a REST API, and two values in one of them', async () => {
    served.count = 0
    const fields = [BAD, GOOD].flatMap(({ authorization }) => [['Authorization', authorization] as const])
    const given = restApi({ method: 'GET', path: '/orders', query: '', fields, body: Buffer.of() })
    expect(await statusFrom(protect(serve, { verifier }), given)).toBe(400)
    expect(
      await statusFrom(protect(serve, { verifier }), {
        ...given,
        multiValueHeaders: { Authorization: [BAD.authorization] },
      }),
    ).toBe(400)
    expect(served.count).toBe(0)
  })

  it('once, though warm invocations share its decision function', async () => {
    served.count = 0
    const handler = protect(serve, authority.options)
    const all = await Promise.all([BAD, GOOD, {}, GOOD, BAD].map((headers) => statusFrom(handler, event(headers))))
    expect(all).toEqual([401, 200, 401, 200, 401])
    expect(served.count).toBe(2)
  })
})
