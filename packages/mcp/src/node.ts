import type { RefusalResponse } from '@claimgate/core'
import { addFields, asError, bare, NodeRequestView, own, type ResponseFields } from '@claimgate/core/adapter'
import { declaresBody, type Endpoint, isForEndpoint } from './endpoint.ts'
import type { Chunks } from './body.ts'
import type { Parsed, Passed } from './gate.ts'

/** A request of `node:http`, Express or Connect. */
export interface NodeRequest extends AsyncIterable<unknown> {
  readonly method?: string | undefined
  readonly url?: string | undefined
  readonly headers: Readonly<Record<string, unknown>>
  readonly rawHeaders: readonly string[]
  readonly socket: unknown
  readonly httpVersionMajor: number
  /** Whether the body, or part of it, was read. */
  readonly readableDidRead?: boolean
}

/** A response of `node:http`, Express or Connect. */
export interface NodeResponse extends ResponseFields {
  statusCode: number
  readonly headersSent: boolean
  end(body?: string): unknown
  destroy(): unknown
}

/** A middleware of Express or Connect. Without `next`, a listener of `node:http`. */
export type NodeMiddleware = (req: NodeRequest, res: NodeResponse, next?: (error?: unknown) => void) => void

/**
 * Handles an accepted request. `req.auth` is an `AuthInfo`, and `message` the parsed body, which is also `req.body`: the stream has been
 * read. The result of `toNodeHandler` is such a handler.
 */
export type NodeHandler<Q, S> = (req: Q, res: S, message: unknown) => unknown

/** Serves an endpoint and its metadata. All other requests go to `next`. */
export function nodeMiddleware<Q, S>(endpoint: Endpoint, handler: NodeHandler<Q, S>): NodeMiddleware {
  const serve = async (view: NodeRequestView, req: NodeRequest, res: NodeResponse): Promise<void> => {
    const decision = await endpoint.gate.decide({ view, hasBody: declaresBody(view), body: () => bodyOf(req) })
    // For example, a timeout may have responded while keys were fetched.
    if (res.headersSent) return
    if (decision.kind === 'stopped') return send(decision.response, req, res)
    addFields(decision.headers, res)
    passOn(decision, req)
    await handler(req as Q, res as S, decision.message)
  }

  return (req, res, next) => {
    const view = nodeView(req)
    const metadata = endpoint.resource.answer(view)
    if (metadata === undefined && !isForEndpoint(endpoint, view)) {
      if (next !== undefined) return next()
      return send(EMPTY_RESPONSES.notFound, req, res)
    }
    const failed = (thrown: unknown): void => {
      if (next !== undefined) next(asError(thrown))
      else if (res.headersSent) res.destroy()
      else send(EMPTY_RESPONSES.failed, req, res)
    }
    const serving = metadata?.then((response) => send(response, req, res)) ?? serve(view, req, res)
    serving.then(undefined, failed)
  }
}

/** The view of a request of Node. `originalUrl` is the path as received, also inside mounted routers of Express. */
function nodeView(req: NodeRequest): NodeRequestView {
  const { method = 'GET', url = '/', headers } = req
  const originalUrl = own(req as { readonly originalUrl?: string }, 'originalUrl') ?? url
  return new NodeRequestView(bare({ method, originalUrl, headers }), req)
}

/** What is left of a body after the body parsers of the application. */
export function bodyOf(req: NodeRequest): Chunks | Parsed {
  const isStream = typeof req[Symbol.asyncIterator] === 'function'
  if (isStream && req.readableDidRead !== true) return req[Symbol.asyncIterator]()
  const parsed = own(req as { readonly body?: unknown }, 'body')
  if (parsed !== undefined) return { parsed }
  throw new TypeError('Cannot read message: something else has read the body, and left nothing in req.body')
}

/** Gives an accepted request what its handler needs. */
export function passOn({ authInfo, message }: Passed, req: NodeRequest): void {
  Object.assign(req, { auth: authInfo }, message !== undefined && { body: message })
}

/** Sends a response with Node's methods, because Express would add a charset and an entity tag. */
function send({ status, headers, body }: Sent, req: NodeRequest, res: NodeResponse): void {
  if (res.headersSent) return
  res.statusCode = status
  for (const [name, value] of Object.entries(headers))
    if (name !== 'connection' || req.httpVersionMajor < 2) res.setHeader(name, value)
  res.end(body)
}

type Sent = Pick<RefusalResponse, 'status' | 'headers' | 'body'>

const EMPTY_RESPONSES = {
  notFound: { status: 404, headers: {}, body: '' },
  failed: { status: 500, headers: {}, body: '' },
} as const
