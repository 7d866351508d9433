import { ClaimgateModule, RefusedException, Require } from '@claimgate/nestjs'
import {
  All,
  type ArgumentsHost,
  type CanActivate,
  Catch,
  Controller,
  type INestApplication,
  type NestInterceptor,
  type PipeTransform,
  Redirect,
  Scope,
  UseGuards,
  UseInterceptors,
  UsePipes,
  VERSION_NEUTRAL,
  VersioningType,
} from '@nestjs/common'
import { APP_GUARD, APP_INTERCEPTOR, APP_PIPE } from '@nestjs/core'
import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { THROWN_VALUES } from '../support/adapters/thrown-values.ts'
import { type AppParts, decorate, listenerOf, type Platform, startApp } from '../support/nestjs/nest.ts'
import {
  answersOf,
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

const statusOf = (status: number): readonly number[] => REQUESTS.map(() => status)

const uncaught: unknown[] = []
const remember = (error: unknown): void => void uncaught.push(error ?? 'nothing')
beforeAll(() => {
  process.on('unhandledRejection', remember)
})
afterAll(() => {
  process.off('unhandledRejection', remember)
})

type Next = () => void
type Middleware = (req: IncomingMessage, res: ServerResponse, next: Next) => unknown

/** What surrounds the handler of `/orders`. */
interface Surroundings extends Partial<AppParts> {
  readonly on?: readonly MethodDecorator[]
  readonly above?: readonly ClassDecorator[]
  readonly protection?: Parameters<typeof ClaimgateModule.forRoot>[0]
  readonly middleware?: Middleware
}

describe.each<Platform>(['Express', 'Fastify'])(
  '37. Nothing fails open: in NestJS on %s, a request is refused',
  (platform) => {
    async function start(
      { on = [], above = [], protection = verifier, middleware, ...parts }: Surroundings,
      countedBy?: (served: Served) => Surroundings,
    ) {
      const served: Served = { count: 0 }
      const more = countedBy?.(served) ?? {}
      class Orders {
        serve(): string {
          served.count += 1
          return 'served'
        }
      }
      for (const decorator of [Controller('orders'), ...above, ...(more.above ?? [])]) decorator(Orders)
      decorate(Orders, 'serve', [All(), ...on, ...(more.on ?? [])])
      const app = await startApp(platform, {
        imports: [ClaimgateModule.forRoot(protection), ...(parts.imports ?? [])],
        controllers: [Orders, ...(parts.controllers ?? [])],
        providers: [...(parts.providers ?? []), ...(more.providers ?? [])],
        prepare: async (made) => {
          if (middleware) made.use(middleware)
          await parts.prepare?.(made)
          await more.prepare?.(made)
        },
      })
      const server = createServer(listenerOf(app, platform)).listen(0, '127.0.0.1')
      await once(server, 'listening')
      onTestFinished(() => {
        server.closeAllConnections()
        server.close()
      })
      return { app, server, served }
    }

    const counting = (served: Served) => {
      const count = (): void => void (served.count += 1)
      const pipe: PipeTransform = { transform: (value: unknown) => (count(), value) }
      const interceptor: NestInterceptor = { intercept: (_context, next) => (count(), next.handle()) }
      const guard: CanActivate = { canActivate: () => (count(), true) }
      return { pipe, interceptor, guard }
    }

    it('before all guards, interceptors and pipes of handlers and of the application', async () => {
      const { server, served } = await start({}, (counted) => {
        const { pipe, interceptor, guard } = counting(counted)
        return {
          on: [UseGuards(guard), UseInterceptors(interceptor), UsePipes(pipe)],
          above: [UseGuards(guard), UseInterceptors(interceptor), UsePipes(pipe)],
          providers: [
            { provide: APP_INTERCEPTOR, useValue: interceptor },
            { provide: APP_PIPE, useValue: pipe },
          ],
          prepare: (app: INestApplication) => app.useGlobalInterceptors(interceptor).useGlobalPipes(pipe),
        }
      })
      expect(await answersOf(server)).toEqual(statusOf(401))
      expect(served.count).toBe(0)
    })

    const guard = (canActivate: CanActivate['canActivate']): AppParts['providers'] => [
      { provide: APP_GUARD, useValue: { canActivate } },
    ]

    it.each<readonly [string, Surroundings, readonly number[]]>([
      [
        'beside a guard of the root module that lets everything through',
        { providers: guard(() => true) ?? [] },
        statusOf(401),
      ],
      [
        'beside a guard of the root module that waits',
        { providers: guard(async () => (await later(KEYS_TAKE), true)) ?? [] },
        statusOf(401),
      ],
      [
        'beside a guard that puts a token on the request',
        {
          providers:
            guard((context) => {
              Object.assign(context.switchToHttp().getRequest<object>(), {
                auth: { claims: { sub: 'admin' }, scopes: new Set(['orders:write']) },
                user: { admin: true },
              })
              return true
            }) ?? [],
        },
        statusOf(401),
      ],
      ['with a redirect', { on: [Redirect('https://www.example.com')] }, statusOf(401)],
      [
        'of a controller that is made for each request',
        { above: [Controller({ path: 'orders', scope: Scope.REQUEST })] },
        statusOf(401),
      ],
      [
        'below a prefix that excludes it',
        { prepare: (app) => app.setGlobalPrefix('api', { exclude: ['orders'] }) },
        statusOf(401),
      ],
      [
        'of an application with versions',
        {
          prepare: (app) =>
            app.enableVersioning({ type: VersioningType.HEADER, header: 'x-version', defaultVersion: VERSION_NEUTRAL }),
        },
        statusOf(401),
      ],
      [
        'beside a middleware that listens to the end of the answer',
        {
          middleware: (_req, res, next) => {
            res.on('close', () => res.end('late'))
            next()
          },
        },
        statusOf(401),
      ],
      [
        'beside a middleware that delays answers',
        {
          middleware: (_req, res, next) => {
            const end = res.end.bind(res) as (...args: unknown[]) => ServerResponse
            res.end = ((...args: unknown[]) => {
              setTimeout(() => end(...args), KEYS_TAKE)
              return res
            }) as typeof res.end
            next()
          },
        },
        statusOf(401),
      ],
      [
        'beside a time-out that also answers',
        {
          middleware: (_req, res, next) => {
            setTimeout(() => res.headersSent || res.writeHead(401).end('late'), KEYS_TAKE)
            next()
          },
        },
        statusOf(401),
      ],
      [
        'beside a middleware that continues twice',
        {
          middleware: (_req, _res, next) => {
            next()
            next()
          },
        },
        statusOf(platform === 'Express' ? 404 : 401),
      ],
    ])('%s', async (_name, surroundings, expected) => {
      const { server, served } = await start(surroundings)
      expect(await answersOf(server)).toEqual(expected)
      expect(served.count).toBe(0)
      expect(uncaught.splice(0)).toEqual([])
    })

    it.each<readonly [string, (host: ArgumentsHost, error: RefusedException) => unknown, readonly number[]]>([
      [
        'throws',
        () => {
          throw new RangeError('a bug')
        },
        statusOf(500),
      ],
      [
        'throws undefined',
        () => {
          // oxlint-disable-next-line typescript/only-throw-error -- the subject of the test
          throw undefined
        },
        statusOf(500),
      ],
    ])('once, and its filter %s', async (_name, answer, expected) => {
      class Refusals {
        catch(error: RefusedException, host: ArgumentsHost): unknown {
          return answer(host, error)
        }
      }
      Catch(RefusedException)(Refusals)
      const { server, served } = await start({ prepare: (app) => app.useGlobalFilters(new Refusals() as never) })
      expect(await answersOf(server)).toEqual(expected)
      expect(served.count).toBe(0)
    })

    it('if its requirement throws anything', async () => {
      const { server, served } = await start({
        on: [
          Require((context) => {
            const { headers } = context.switchToHttp().getRequest<IncomingMessage>()
            throw THROWN_VALUES[Number(headers['x-value'])]?.[1]
          }),
        ],
      })
      const asked = THROWN_VALUES.map((_, index) => ({ headers: { ...GOOD, 'x-value': String(index) } }))
      expect(await answersOf(server, asked)).toEqual(asked.map(() => 500))
      expect(served.count).toBe(0)
    })

    it('as a client disconnects in the middle of a body', async () => {
      const { server, served } = await start({ protection: { verifier, credentials: [{ from: 'form' }] } })
      await leaveInTheMiddle(server, 'application/x-www-form-urlencoded')
      await leaveInTheMiddle(server, 'application/json')
      expect(served.count).toBe(0)
    })

    it('whatever Expect or Upgrade header the client sends', async () => {
      const { server, served } = await start({})
      // The parser of Fastify runs before the guard.
      const expected = platform === 'Express' ? EXPECTED : EXPECTED.with(1, 415)
      expect(await answersOf(server, EXPECTING)).toEqual(expected)
      expect(served.count).toBe(0)
    })
  },
)

describe('37. Nothing fails open: in NestJS with hooks of Fastify, a request is refused', () => {
  const goOnTwice = (_request: unknown, _reply: unknown, done: () => void): void => {
    done()
    done()
  }
  const throws = (): never => {
    throw new RangeError('a bug')
  }
  const rejects = async (): Promise<never> => throws()

  type Hooks = readonly [string, (app: FastifyInstance) => unknown, readonly number[], FastifyServerOptions]
  const CASES: readonly Hooks[] = [
    ['a preHandler that continues twice', (app) => app.addHook('preHandler', goOnTwice), [401], {}],
    ['an onRequest that continues twice', (app) => app.addHook('onRequest', goOnTwice), [401], {}],
    ['an onSend that waits', (app) => app.addHook('onSend', () => later(KEYS_TAKE)), [401], {}],
    ['an onSend that rejects', (app) => app.addHook('onSend', rejects), [500], {}],
    ['an onResponse that rejects', (app) => app.addHook('onResponse', rejects), [401], {}],
    ['a serializer that throws', (app) => app.setReplySerializer(throws), [401], {}],
    ['a handlerTimeout', () => {}, [401, 503], { handlerTimeout: KEYS_TAKE / 4 }],
    [
      'a handlerTimeout whose answer waits',
      (app) => app.addHook('onSend', () => later(3 * KEYS_TAKE)),
      [401, 503],
      { handlerTimeout: KEYS_TAKE / 4 },
    ],
  ]

  it.each(CASES)('beside %s', async (_name, around, expected, options) => {
    const served: Served = { count: 0 }
    class Orders {
      serve(): string {
        served.count += 1
        return 'served'
      }
    }
    Controller('orders')(Orders)
    decorate(Orders, 'serve', [All()])
    const app = await startApp('Fastify', {
      imports: [ClaimgateModule.forRoot(verifier)],
      controllers: [Orders],
      prepare: (made) => void around(made.getHttpAdapter().getInstance() as FastifyInstance),
      fastify: options,
    })
    const server = createServer(listenerOf(app, 'Fastify')).listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    expect((await answersOf(server)).filter((status) => !expected.includes(status))).toEqual([])
    expect(served.count).toBe(0)
    expect(uncaught.splice(0)).toEqual([])
  })
})
