import { protect } from '@claimgate/fetch'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createServerH2, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { listenTo, type RefusingRoute, routesOf, type StartServer } from './servers.ts'
import { CASE_HEADER, later, type Situation, slowBody, storyOf, WAIT, type World } from './world.ts'

type Handler = (request: Request) => Promise<Response>

/** The application sends the gate's response, so nothing can fail after the refusal. */
export const FETCH_SITUATIONS: readonly Situation[] = ['plain', 'waiting', 'stream', 'session']

export const startFetch =
  (protocol: 'http/1.1' | 'h2' = 'http/1.1'): StartServer =>
  async (world, situations) => {
    const handlers = new Map(routesOf(world, situations).map((route) => [route.path, handlerOf(world, route)]))
    const listener = async (
      req: IncomingMessage | Http2ServerRequest,
      res: ServerResponse | Http2ServerResponse,
    ): Promise<void> => {
      const story = storyOf(world, req.headers[CASE_HEADER])
      world.reach(story.id, 'arrived')
      const request = toRequest(req)
      const handler = handlers.get(new URL(request.url).pathname)
      const response = await world.stories.run(story, async () => handler?.(request))
      await respond(res, response ?? new Response(null, { status: 404 }))
    }
    const serve = (req: IncomingMessage | Http2ServerRequest, res: ServerResponse | Http2ServerResponse): void => {
      listener(req, res).catch(() => {
        if (!res.headersSent) res.writeHead(500)
        res.end()
      })
    }
    return listenTo(protocol === 'h2' ? createServerH2(serve) : createServer(serve))
  }

function handlerOf(world: World, { options, requirement, situation }: RefusingRoute): Handler {
  const serve = (request: Request): Response => {
    world.served.add(String(request.headers.get(CASE_HEADER)))
    return new Response('served')
  }
  const handler = requirement === undefined ? protect(options, serve) : protect(options, serve, requirement)
  if (situation === 'plain') return handler
  return async (request) => {
    if (situation === 'session') return inSession(request, handler, world)
    const response = await handler(request)
    world.reach(String(request.headers.get(CASE_HEADER)), 'sending')
    if (situation === 'waiting') await later()
    if (situation === 'waiting' || response.status < 300) return response
    const body = Readable.toWeb(Readable.from(slowBody())).pipeThrough(new TextEncoderStream() as never)
    return new Response(body as ReadableStream, { status: response.status, headers: response.headers })
  }
}

/** Around the gate, with a store that is slow to load and to save. */
async function inSession(request: Request, handler: Handler, world: World): Promise<Response> {
  const id = request.headers.get('cookie') ?? 'a new session'
  await later(WAIT)
  const response = await handler(request)
  world.reach(String(request.headers.get(CASE_HEADER)), 'sending')
  await later(WAIT)
  const headers = new Headers(response.headers)
  headers.append('set-cookie', `session=${id}; HttpOnly`)
  return new Response(response.body, { status: response.status, headers })
}

function toRequest(req: IncomingMessage | Http2ServerRequest): Request {
  const headers = new Headers()
  for (const [name, value] of Object.entries(req.headers)) if (!name.startsWith(':')) headers.set(name, String(value))
  const method = req.method ?? 'GET'
  const body = method === 'GET' || method === 'HEAD' ? null : (Readable.toWeb(req) as ReadableStream)
  return new Request(`http://127.0.0.1${req.url}`, { method, headers, body, duplex: 'half' } as RequestInit)
}

async function respond(res: ServerResponse | Http2ServerResponse, response: Response): Promise<void> {
  res.writeHead(response.status, Object.fromEntries(response.headers) as never)
  if (response.body === null) res.end()
  else await pipeline(Readable.fromWeb(response.body as never), res as NodeJS.WritableStream)
}
