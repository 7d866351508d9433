import { getUser, protect } from '@claimgate/fetch'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { greeting } from './services.ts'
import { listen, type StartAdapter } from './started-adapter.ts'

/** Handlers from `Request` to `Response`, by path, behind a minimal bridge from `node:http`. */
export const startFetch: StartAdapter = async (services) => {
  let served = 0
  const handlers = new Map(
    Object.entries(services).map(([path, { options, requirement }]) => {
      const serve = (request: Request, auth: Parameters<typeof greeting>[0]): Response => {
        served += 1
        return new Response(greeting(auth, options.onAuthenticated && auth && getUser(request)), {
          headers: { 'content-type': 'text/plain' },
        })
      }
      return [path, requirement === undefined ? protect(options, serve) : protect(options, serve, requirement)]
    }),
  )
  const serveNode = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const request = await fromNode(req)
    const handler = handlers.get(new URL(request.url).pathname)
    const response = handler === undefined ? new Response(null, { status: 404 }) : await handler(request)
    res.writeHead(response.status, [...response.headers].flat())
    res.end(Buffer.from(await response.arrayBuffer()))
  }
  const server = createServer((req, res) => {
    serveNode(req, res).catch(() => res.writeHead(500).end('bug'))
  })
  return { ...(await listen(server)), served: () => served }
}

async function fromNode(req: IncomingMessage): Promise<Request> {
  const headers = new Headers()
  req.rawHeaders.forEach((value, index, all) => {
    if (index % 2 === 1) headers.append(all[index - 1] ?? '', value)
  })
  const method = req.method ?? 'GET'
  const body = method === 'GET' || method === 'HEAD' ? null : await buffer(req)
  return new Request(`http://127.0.0.1${req.url}`, { method, headers, body })
}
