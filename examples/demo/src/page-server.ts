import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Show } from './show.ts'

/** The page of the demo. */
export interface PageServer {
  /** The address to open. */
  readonly url: string
  close(): Promise<void>
}

const FILES: Readonly<Record<string, readonly [file: string, type: string]>> = {
  '/': ['src/page/index.html', 'text/html; charset=utf-8'],
  '/page.css': ['src/page/page.css', 'text/css; charset=utf-8'],
  '/page.js': ['dist/page/page.js', 'text/javascript; charset=utf-8'],
}

// The page loads its two files and calls this server; it needs nothing else.
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ')

const HEADERS = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
}

const LONGEST_BODY = 1024

/**
 * Serves the page on 127.0.0.1; port 0 selects a free one. It answers only requests for its own address, because a name of another site may
 * point to 127.0.0.1, and acts only on requests of the page it serves.
 */
export async function servePage(show: Show, port = 0): Promise<PageServer> {
  const files = new Map(
    Object.entries(FILES).map(([path, [file, type]]) => [
      path,
      { type, body: readFileSync(new URL(`../${file}`, import.meta.url)) },
    ]),
  )
  let hosts: readonly string[] = []

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method, url = '/', headers } = request
    const { host = '', origin } = headers
    if (!hosts.includes(host)) return refuse(response, 421, 'This server has another name.')
    const file = files.get(url)
    if (method === 'GET' && file !== undefined) {
      response.writeHead(200, { ...HEADERS, 'content-type': file.type }).end(file.body)
      return
    }
    // Browsers ask for it by themselves.
    if (method === 'GET' && url === '/favicon.ico') return void response.writeHead(204, HEADERS).end()
    if (method === 'GET' && url === '/state') return send(response, show.state())
    if (method !== 'POST' || url !== '/act') return refuse(response, 404, 'There is nothing here.')
    if (origin !== `http://${host}`) return refuse(response, 403, 'Only the page of the demo may do this.')
    if (headers['content-type'] !== 'application/json') return refuse(response, 415, 'The body must be JSON.')
    const action = actionOf(await textOf(request))
    if (action === undefined) return refuse(response, 400, 'The body must be {"name", "argument"}.')
    return send(response, await show.act(action.name, action.argument))
  }

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy())
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const { port: found } = server.address() as AddressInfo
  hosts = [`127.0.0.1:${found}`, `localhost:${found}`]
  return {
    url: `http://127.0.0.1:${found}/`,
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

function send(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { ...HEADERS, 'content-type': 'application/json' }).end(JSON.stringify(value))
}

function refuse(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { ...HEADERS, 'content-type': 'text/plain; charset=utf-8' }).end(text)
}

/** The body, cut off after its longest permitted length, so that it is no JSON. */
async function textOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) {
    text += String(chunk)
    if (text.length > LONGEST_BODY) return ''
  }
  return text
}

function actionOf(text: string): { readonly name: string; readonly argument: string } | undefined {
  try {
    const { name, argument = '' } = Object(JSON.parse(text)) as { readonly name?: unknown; readonly argument?: unknown }
    return typeof name === 'string' && typeof argument === 'string' ? { name, argument } : undefined
  } catch {
    return undefined
  }
}
