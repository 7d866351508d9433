import { addFields, asError, bare, requestView, webResponse } from '@claimgate/core/adapter'
import type { AuthInfo } from './auth-info.ts'
import type { Chunks } from './body.ts'
import { declaresBody, type Endpoint, isForEndpoint } from './endpoint.ts'
import type { Passed } from './gate.ts'

/** What a handler learns besides the request: the options of `fetch` of an `McpHttpHandler`. */
export interface FetchGiven {
  readonly authInfo: AuthInfo
  /** The message. `undefined` if the method has none. */
  readonly parsedBody?: unknown
}

/** Handles an accepted request, whose body can still be read. `rest` has the other arguments of the runtime, such as `env`. */
export type McpFetchHandler<R extends readonly unknown[]> = (
  request: Request,
  given: FetchGiven,
  ...rest: R
) => Response | Promise<Response>

/** A handler as runtimes and routers call it. */
export type FetchHandler<R extends readonly unknown[]> = (request: Request, ...rest: R) => Response | Promise<Response>

/** Serves an endpoint and its metadata. All other requests go to `otherwise`. */
export function fetchHandler<R extends readonly unknown[]>(
  endpoint: Endpoint,
  handler: McpFetchHandler<R>,
  otherwise: FetchHandler<R> = () => new Response(null, { status: 404 }),
): (request: Request, ...rest: R) => Promise<Response> {
  return async (request, ...rest) => {
    const view = requestView(request)
    const metadata = await endpoint.resource.answer(view)
    if (metadata !== undefined) return responseOf(metadata, request)
    if (!isForEndpoint(endpoint, view)) return otherwise(request, ...rest)
    try {
      const decision = await endpoint.gate.decide({
        view,
        // Hono on Node gives every DELETE request a stream.
        hasBody: declaresBody(view) || (request.body !== null && 'maybe'),
        body: () => chunksOf(request),
      })
      if (decision.kind === 'stopped') return responseOf(decision.response, request)
      const { authInfo, message, headers } = decision
      const given = message === undefined ? { authInfo } : { authInfo, parsedBody: message }
      return withFields(headers, await handler(withBody(request, decision), given, ...rest))
    } catch (thrown) {
      // A router may continue on a rejection with undefined.
      throw asError(thrown)
    }
  }
}

function chunksOf({ body, bodyUsed }: Request): Chunks {
  if (bodyUsed) throw new TypeError('Cannot read message: something else has read the body of the request')
  if (body === null) return { next: async () => ({ done: true }) }
  const reader = body.getReader()
  return { next: () => reader.read() }
}

/** The request with the bytes that were read from it. */
function withBody(request: Request, { bytes }: Passed): Request {
  return bytes === undefined ? request : new Request(request, bare<RequestInit>({ body: bytes }))
}

interface Sent {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

function responseOf(answer: Sent, request: Request): Response {
  const sent = Object.entries(answer.headers).filter(([name]) => name !== 'connection')
  return webResponse(request, { ...answer, headers: Object.fromEntries(sent) })
}

/** The response with the fields, or a copy if its own cannot be changed. */
function withFields(fields: Passed['headers'], response: Response): Response {
  if (Object.keys(fields).length === 0) return response
  const changed = new Response(response.body, response)
  addFields(fields, {
    getHeader: (name) => changed.headers.get(name),
    setHeader: (name, value) => changed.headers.set(name, value),
  })
  return changed
}
