import { claimgate, type OnReject } from '@claimgate/fastify'
import cookie from '@fastify/cookie'
import formbody from '@fastify/formbody'
import session from '@fastify/session'
import fastify, { type FastifyInstance, type FastifyPluginAsync } from 'fastify'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { type RefusingRoute, routesOf, type StartServer } from './servers.ts'
import { CASE_HEADER, failAsTold, later, type Situation, slowBody, storyOf, WAIT, type World } from './world.ts'

/** How the routes are protected: by the plugin, or by a hook of `fastify.authenticateJwt()`. */
export type FastifyProtection = 'plugin' | 'preHandler' | 'hook of the scope'

export const startFastify =
  (protection: FastifyProtection, protocol: 'http/1.1' | 'h2' = 'http/1.1'): StartServer =>
  async (world, situations) => {
    const app = protocol === 'h2' ? (fastify({ http2: true }) as unknown as FastifyInstance) : fastify()
    app.register(formbody)
    app.addHook('onRequest', (request, _reply, done) => {
      const story = storyOf(world, request.headers[CASE_HEADER])
      world.reach(story.id, 'arrived')
      world.stories.run(story, done)
    })
    for (const route of routesOf(world, situations)) app.register(scopeOf(world, route, protection))
    await app.listen({ host: '127.0.0.1', port: 0 })
    return { port: (app.server.address() as AddressInfo).port, close: () => app.close() }
  }

function scopeOf(world: World, route: RefusingRoute, protection: FastifyProtection): FastifyPluginAsync {
  const { path, options, requirement, situation } = route
  return async (scope) => {
    await surround(scope, situation, world)
    if (situation === 'twice') scope.addHook(stageOf(route, protection) as 'onRequest', goOnTwice)
    const onReject = onRejectOf(situation, world)
    await scope.register(claimgate, {
      ...options,
      global: protection === 'plugin',
      ...(onReject && { onReject }),
    } as never)
    const hook = requirement === undefined ? scope.authenticateJwt() : scope.authenticateJwt(requirement)
    if (protection === 'hook of the scope') scope.addHook('preValidation', hook)
    scope.route({
      method: ['GET', 'POST', 'DELETE'],
      url: path,
      config: protection === 'plugin' && requirement !== undefined ? { auth: requirement } : {},
      ...(protection === 'preHandler' && { preHandler: hook }),
      handler: async (request) => {
        world.served.add(String(request.headers[CASE_HEADER]))
        return 'served'
      },
    })
  }
}

/** Where the token is verified. */
function stageOf({ options }: RefusingRoute, protection: FastifyProtection): string {
  if (protection === 'preHandler') return 'preHandler'
  return protection === 'plugin' && options.credentials === undefined ? 'onRequest' : 'preValidation'
}

/** Calls back and also returns a promise, like an arrow function without braces. */
function goOnTwice(_request: unknown, _reply: unknown, done: () => void): void {
  const goesOn = async (): Promise<void> => {
    await later(2)
    done()
  }
  return goesOn() as unknown as void
}

async function surround(scope: FastifyInstance, situation: Situation, world: World): Promise<void> {
  if (situation === 'waiting' || situation === 'sent-and-failing')
    scope.addHook('onSend', async (request) => {
      world.reach(String(request.headers[CASE_HEADER]), 'sending')
      await later()
    })
  if (situation !== 'session') return
  await scope.register(cookie)
  await scope.register(session, {
    secret: 'a secret of the test that is long enough',
    saveUninitialized: true,
    cookie: { secure: false },
    store: {
      get: (_id, callback) => void setTimeout(callback, WAIT, null, null),
      set: (_id, _session, callback) => {
        world.reach(world.stories.getStore()?.id ?? '', 'sending')
        setTimeout(callback, WAIT)
      },
      destroy: (_id, callback) => callback(),
    },
  })
}

function onRejectOf(situation: Situation, world: World): OnReject | undefined {
  switch (situation) {
    case 'stream':
      return () => Readable.from(slowBody())
    case 'later':
      return async ({ response: { status, headers } }, _request, reply) => {
        setTimeout(() => void reply.code(status).headers(headers).send('no entry'), WAIT)
        return reply
      }
    case 'failing':
      return failAsTold(world)
    case 'sent-and-failing':
      return ({ response: { status, headers } }, _request, reply) => {
        void reply.code(status).headers(headers).send('no entry')
        return failAsTold(world)()
      }
    default:
      return undefined
  }
}
