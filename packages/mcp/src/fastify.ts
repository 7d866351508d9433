import { addFields, asError, decodedPath, misconfigured, NodeRequestView } from '@claimgate/core/adapter'
import type { Chunks } from './body.ts'
import { declaresBody, type Endpoint } from './endpoint.ts'
import type { Parsed } from './gate.ts'
import { bodyOf, type NodeHandler, type NodeRequest, passOn } from './node.ts'

/** What the plugin uses of a Fastify instance. */
export interface FastifyScope {
  readonly prefix: string
  route(options: object): unknown
  removeAllContentTypeParsers(): unknown
  addContentTypeParser(type: string, parser: ContentTypeParser): unknown
}

type ContentTypeParser = (
  request: unknown,
  payload: unknown,
  done: (error: Error | null, body?: unknown) => void,
) => void

/** A plugin of Fastify 5, for `app.register`. */
export type FastifyPlugin = (scope: FastifyScope, options: unknown, done: (error?: Error) => void) => void

interface Request {
  readonly raw: NodeRequest
  readonly method: string
  readonly originalUrl: string
  readonly headers: Readonly<Record<string, unknown>>
  readonly body?: unknown
}

interface Reply {
  readonly raw: RawResponse
  readonly sent: boolean
  code(status: number): Reply
  header(name: string, value: unknown): Reply
  headers(fields: object): Reply
  getHeader(name: string): number | string | string[] | undefined
  getHeaders(): Readonly<Record<string, number | string | readonly string[] | undefined>>
  send(payload?: unknown): Reply
  hijack(): Reply
}

interface RawResponse {
  readonly headersSent: boolean
  readonly destroyed: boolean
  setHeader(name: string, value: number | string | readonly string[]): unknown
  end(): unknown
  destroy(): unknown
}

/**
 * Serves an endpoint and its metadata. The handler receives the request and response of Node. It is called in the route's handler, after all
 * hooks of the application.
 */
export function fastifyPlugin<Q, S>(endpoint: Endpoint, handler: NodeHandler<Q, S>): FastifyPlugin {
  const { gate, resource, path } = endpoint

  const decide = async (request: Request, reply: Reply): Promise<void> => {
    const view = new NodeRequestView(request, request.raw)
    const decision = await gate.decide({ view, hasBody: declaresBody(view), body: () => unreadBody(request) })
    if (reply.sent || reply.raw.headersSent || reply.raw.destroyed) return
    if (decision.kind === 'stopped') return send(reply, decision.response, request)
    addFields(decision.headers, {
      getHeader: (name) => reply.getHeader(name),
      setHeader: (name, value) => reply.header(name, value),
    })
    passOn(decision, request.raw)
    reply.hijack()
    // Fastify sends no header of a reply that was hijacked, such as those of CORS.
    for (const [name, value] of Object.entries(reply.getHeaders()))
      if (value !== undefined) reply.raw.setHeader(name, value)
    await handler(request.raw as Q, reply.raw as S, decision.message)
  }

  const serve = (request: Request, reply: Reply): void => {
    const failed = (thrown: unknown): void => {
      if (reply.raw.headersSent) reply.raw.destroy()
      else if (reply.sent) Object.assign(reply.raw, { statusCode: 500 }).end()
      else reply.send(asError(thrown))
    }
    decide(request, reply).then(undefined, failed)
  }

  const describe = (request: Request, reply: Reply): void => {
    const answer = resource.answer(new NodeRequestView(request, request.raw))
    // The router ignores some differences, such as encoded characters, and the query.
    if (answer === undefined) return void reply.code(404).send()
    answer.then(
      (response) => send(reply, response, request),
      (thrown: unknown) => reply.send(asError(thrown)),
    )
  }

  // Both routes protect themselves, so a registration of @claimgate/fastify around them must not.
  const config = { auth: false }
  const endpointRoute = routeOf(path)
  const metadataRoutes = new Set(resource.paths.map(routeOf))
  const addRoutes = (scope: FastifyScope): void => {
    if (scope.prefix !== '') throw misconfigured(ACTION, PREFIXED, scope.prefix)
    // The gate reads the body, after it has verified the token.
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, payload, parsed) => parsed(null, payload))
    scope.route({ method: METHODS, url: endpointRoute, config, handler: serve, exposeHeadRoute: false })
    for (const url of metadataRoutes)
      scope.route({ method: ['GET', 'HEAD', 'OPTIONS'], url, config, handler: describe, exposeHeadRoute: false })
  }

  return (scope, _options, done) => {
    try {
      addRoutes(scope)
    } catch (thrown) {
      // What a plugin throws would end the process.
      return done(asError(thrown))
    }
    return done()
  }
}

const ACTION = 'serve MCP in Fastify'
const PREFIXED =
  'register the plugin without a prefix, because its metadata is not below one: give "path" the whole path'
const PLAIN =
  'give "resource" or "path" a path that the router can compare: without "*", and without escaped delimiters'

/** The router compares decoded paths, except for escaped delimiters. A colon begins a parameter, and an asterisk matches anything. */
function routeOf(path: string): string {
  const plain = decodedPath(path)
  if (plain === undefined || path.includes('*')) throw misconfigured(ACTION, PLAIN, path)
  return plain.replaceAll(':', '::')
}

const METHODS: readonly string[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/** The stream that the content type parser has passed on, or what a body parser of the application made of it. */
function unreadBody({ raw, body }: Request): Chunks | Parsed {
  if (body === undefined || body === null) return bodyOf(raw)
  const chunks = (body as Partial<AsyncIterable<unknown>>)[Symbol.asyncIterator]
  return typeof chunks === 'function' ? chunks.call(body) : { parsed: body }
}

interface Sent {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

// As bytes, because Fastify adds a charset to the content type of text.
function send(reply: Reply, { status, headers, body }: Sent, { raw }: Request): void {
  if (reply.sent) return
  const sent = Object.entries(headers).filter(([name]) => name !== 'connection' || raw.httpVersionMajor < 2)
  reply.code(status).headers(Object.fromEntries(sent)).send(new TextEncoder().encode(body))
}
