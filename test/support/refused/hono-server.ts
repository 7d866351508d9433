import { authenticateJwt, authorize, type OnReject, type OptionalAuthEnv } from '@claimgate/hono'
import { createAdaptorServer } from '@hono/node-server'
import { Hono, type MiddlewareHandler } from 'hono'
import { Readable } from 'node:stream'
import { listenTo, routesOf, type StartServer } from './servers.ts'
import { CASE_HEADER, failAsTold, later, type Situation, slowBody, storyOf, WAIT, type World } from './world.ts'

/** `onReject` returns the response, so nothing can fail after it. */
export const HONO_SITUATIONS: readonly Situation[] = ['plain', 'waiting', 'stream', 'session', 'later', 'failing']

export const startHono: StartServer = async (world, situations) => {
  const app = new Hono<OptionalAuthEnv>()
  app.onError((_error, c) => c.text('failed', 500))
  app.use((c, next) => {
    const story = storyOf(world, c.req.header(CASE_HEADER))
    world.reach(story.id, 'arrived')
    return world.stories.run(story, next)
  })
  for (const { path, options, requirement, situation } of routesOf(world, situations)) {
    const onReject = onRejectOf(situation, world)
    app.use(path, around(situation, world), authenticateJwt({ ...options, ...(onReject && { onReject }) }))
    if (requirement !== undefined) app.use(path, authorize(requirement))
    app.all(path, (c) => {
      world.served.add(String(c.req.header(CASE_HEADER)))
      return c.text('served')
    })
  }
  return listenTo(createAdaptorServer({ fetch: app.fetch }))
}

/** A session whose store is slow to load and to save, or something that delays responses. */
const around =
  (situation: Situation, world: World): MiddlewareHandler =>
  async (c, next) => {
    if (situation === 'session') await later(WAIT)
    await next()
    world.reach(String(c.req.header(CASE_HEADER)), 'sending')
    if (situation === 'session' || situation === 'waiting') await later(WAIT)
    if (situation === 'session') c.header('set-cookie', 'session=new; HttpOnly')
  }

function onRejectOf(situation: Situation, world: World): OnReject | undefined {
  switch (situation) {
    case 'stream':
      return ({ response: { status, headers } }) =>
        new Response(Readable.toWeb(Readable.from(slowBody())).pipeThrough(new TextEncoderStream() as never) as never, {
          status,
          headers,
        })
    case 'later':
      return async ({ response: { status, headers } }) => {
        await later(WAIT)
        return new Response('no entry', { status, headers })
      }
    case 'failing':
      return failAsTold(world) as OnReject
    default:
      return undefined
  }
}
