// Serves the driver in Node, which has no built-in server for `Request` and `Response`.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

import { respond } from '../driver.ts'

const server = createServer((request, response) => {
  exchange(request, response).catch((error: unknown) => response.destroy(error as Error))
})
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  const version = process.versions.node
  process.stdout.write(`${JSON.stringify({ event: 'listen', port, version })}\n`)
})

async function exchange(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { url, method = 'GET', headers } = request
  const body = method === 'POST' ? await text(request) : null
  const fields = Object.entries(headers).map(([name, value]): [string, string] => [name, String(value)])
  const answer = await respond(new Request(`http://127.0.0.1${url}`, { method, headers: fields, body }))
  response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text())
}
