import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A request to the endpoint. */
export interface SeenRequest {
  readonly headers: IncomingHttpHeaders
  readonly form: URLSearchParams
}

/** What the endpoint answers. A text is the body as it is. */
export interface Reply {
  readonly status?: number
  readonly type?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
  /** Milliseconds until the answer. */
  readonly after?: number
}

/** An authorization server on 127.0.0.1, with metadata, keys and an introspection endpoint. */
export interface IntrospectionServer {
  readonly issuer: string
  readonly endpoint: string
  readonly seen: SeenRequest[]
  /** The requested paths, in order. */
  readonly paths: string[]
  /** The most requests to the endpoint that were open at once. */
  mostAtOnce(): number
  reply: (token: string, request: SeenRequest) => Reply | Promise<Reply>
  metadata: (defaults: Readonly<Record<string, unknown>>) => unknown
  keys: readonly unknown[]
  close(): Promise<void>
}

export const AUDIENCE = 'orders-api'

/** An answer for an active token of a server. */
export function active(issuer: string, more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const now = Math.floor(Date.now() / 1000)
  return {
    active: true,
    iss: issuer,
    aud: AUDIENCE,
    sub: 'ada',
    scope: 'orders:read',
    exp: now + 600,
    token_type: 'Bearer',
    ...more,
  }
}

export async function startIntrospectionServer(): Promise<IntrospectionServer> {
  let open = 0
  let most = 0
  const server = createServer((request, response) => {
    const path = request.url ?? '/'
    state.paths.push(path)
    const send = ({ status = 200, type = 'application/json', headers = {}, body = '' }: Reply): void => {
      response.writeHead(status, { 'content-type': type, ...headers })
      response.end(typeof body === 'string' ? body : JSON.stringify(body))
    }
    if (path === '/.well-known/openid-configuration')
      return send({
        body: state.metadata({
          issuer: state.issuer,
          jwks_uri: `${state.issuer}/jwks`,
          introspection_endpoint: state.endpoint,
        }),
      })
    if (path === '/jwks') return send({ body: { keys: state.keys } })
    if (path !== '/introspect') return send({ status: 404 })
    open += 1
    most = Math.max(most, open)
    response.on('close', () => {
      open -= 1
    })
    let text = ''
    request.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    request.on('end', () => {
      const seen = { headers: request.headers, form: new URLSearchParams(text) }
      state.seen.push(seen)
      const answer = async (): Promise<void> => {
        const reply = await state.reply(seen.form.get('token') ?? '', seen)
        await new Promise<void>((resolve) => {
          setTimeout(resolve, reply.after ?? 0)
        })
        send(reply)
      }
      answer().catch((error: unknown) => response.destroy(error as Error))
    })
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const state: IntrospectionServer = {
    issuer,
    endpoint: `${issuer}/introspect`,
    seen: [],
    paths: [],
    mostAtOnce: () => most,
    reply: (token) => ({ body: token.startsWith('good') ? active(issuer) : { active: false } }),
    metadata: (defaults) => defaults,
    keys: [],
    close: async () => {
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve())
      })
      server.closeAllConnections()
      await closed
    },
  }
  return state
}
