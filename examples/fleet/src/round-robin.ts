import { once } from 'node:events'
import { createServer, request, type Server } from 'node:http'

/** Starts a proxy that sends each request to the next of some ports, in turn. */
export async function startRoundRobin(port: number, targets: readonly number[]): Promise<Server> {
  let next = 0
  const server = createServer((incoming, outgoing) => {
    const target = targets[next % targets.length]
    next += 1
    const { method, url: path, headers } = incoming
    const forwarded = request({ host: '127.0.0.1', port: target, method, path, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    })
    forwarded.on('error', () => outgoing.writeHead(502).end())
    incoming.pipe(forwarded)
  })
  await once(server.listen(port, '127.0.0.1'), 'listening')
  return server
}
