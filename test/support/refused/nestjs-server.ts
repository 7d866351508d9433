import { ClaimgateModule, Require } from '@claimgate/nestjs'
import { All, Body, type CallHandler, Controller, HttpCode, Req, UseInterceptors } from '@nestjs/common'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { decorate, listenerOf, type Platform, startApp } from '../nestjs/nest.ts'
import { listenTo, type RefusingRoute, routesOf, type StartServer } from './servers.ts'
import { CASE_HEADER, type Situation, storyOf, WAIT, type World } from './world.ts'

/** Filters of an application answer refusals differently; nothing else surrounds them. */
export const NEST_SITUATIONS: readonly Situation[] = ['plain', 'waiting']

/** An application for each route, because the guard of Nest protects all of one. */
export const startNest =
  (platform: Platform): StartServer =>
  async (world, situations) => {
    const routes = routesOf(world, situations)
    const listeners = new Map(
      await Promise.all(routes.map(async (one) => [one.path, await listenerFor(platform, one, world)] as const)),
    )
    const server = createServer((req, res) => {
      const story = storyOf(world, req.headers[CASE_HEADER])
      world.reach(story.id, 'arrived')
      const serve = listeners.get(req.url ?? '')
      if (serve === undefined) res.writeHead(404).end()
      else world.stories.run(story, () => serve(req, res))
    })
    return listenTo(server)
  }

async function listenerFor(platform: Platform, route: RefusingRoute, world: World): Promise<RequestListener> {
  const { path, options, requirement, situation } = route
  // Pipes and interceptors must not run for a refused request, either.
  const serve = ({ headers }: Pick<IncomingMessage, 'headers'>): void =>
    void world.served.add(String(headers[CASE_HEADER]))
  const pipe = { transform: () => void world.served.add(world.stories.getStore()?.id ?? '') }
  class Served {
    serve(_body: unknown, request: Pick<IncomingMessage, 'headers'>): string {
      serve(request)
      return 'served'
    }
  }
  Controller()(Served)
  const interceptor = {
    intercept: (context: { switchToHttp(): { getRequest(): IncomingMessage } }, next: CallHandler) => {
      serve(context.switchToHttp().getRequest())
      return next.handle()
    },
  }
  const rules = requirement === undefined ? [] : [Require(requirement)]
  decorate(Served, 'serve', [All(path), HttpCode(200), UseInterceptors(interceptor), ...rules], [Body(pipe), Req()])
  const listener = listenerOf(
    await startApp(platform, { imports: [ClaimgateModule.forRoot(options)], controllers: [Served] }),
    platform,
  )
  return situation === 'waiting' ? delayed(listener, world) : listener
}

/** Sends each response late, like a session or an audit log. */
const delayed =
  (listener: RequestListener, world: World): RequestListener =>
  (req: IncomingMessage, res: ServerResponse) => {
    const end = res.end.bind(res) as (...args: unknown[]) => ServerResponse
    res.end = ((...args: unknown[]) => {
      world.reach(String(req.headers[CASE_HEADER]), 'sending')
      setTimeout(() => end(...args), WAIT)
      return res
    }) as typeof res.end
    listener(req, res)
  }
