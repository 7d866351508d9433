import { AuthError } from '@claimgate/core'
import { authenticateJwt, authorize, type OptionalAuthEnv, requireScope } from '@claimgate/hono'
import { createAdaptorServer } from '@hono/node-server'
import { type Handler, Hono, type MiddlewareHandler } from 'hono'
import { every, except, some } from 'hono/combine'
import { compress } from 'hono/compress'
import { etag } from 'hono/etag'
import { methodOverride } from 'hono/method-override'
import { timeout } from 'hono/timeout'
import { once } from 'node:events'
import type { Server } from 'node:http'
import { describe, expect, it, onTestFinished } from 'vitest'
import { THROWN_VALUES } from '../support/adapters/thrown-values.ts'
import {
  answersOf,
  BAD,
  EXPECTED,
  EXPECTING,
  GOOD,
  KEYS_TAKE,
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
