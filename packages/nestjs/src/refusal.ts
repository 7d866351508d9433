import type { Refused } from '@claimgate/core'
import { own, refusedError, sendNode } from '@claimgate/core/adapter'
import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common'

/**
 * Thrown for a refused request. The module answers it with the status, challenge and body of the other adapters. To answer in another way,
 * write a filter for it: `@Catch(RefusedException)`. The headers of `refusal.response`, such as the challenge, are already set on the response.
 */
export class RefusedException extends HttpException {
  /** Why the request is refused, and the default response. Do not send the text of `refusal.error` to clients. */
  readonly refusal: Refused

  constructor(refusal: Refused) {
    const { status, body } = refusal.response
    super({ statusCode: status, message: refusedError(refusal).message, ...problemOf(body) }, status, {
      cause: refusal.error,
    })
    this.refusal = refusal
  }
}

// For filters of the application that answer every exception with `getResponse()`.
function problemOf(body: string): object {
  try {
    const problem: unknown = JSON.parse(body)
    return typeof problem === 'object' && problem !== null ? problem : {}
  } catch {
    return {}
  }
}

/** Answers refused requests. */
export class RefusedFilter implements ExceptionFilter<RefusedException> {
  catch({ refusal }: RefusedException, host: ArgumentsHost): void {
    const response: Reply = host.switchToHttp().getResponse()
    const { status, headers, body } = refusal.response
    if (!isFastify(response)) sendNode(response, refusal.response)
    // As bytes, because Fastify adds a charset to the content type of text.
    else if (!response.sent) response.code(status).headers(headers).send(Buffer.from(body))
  }
}
Catch(RefusedException)(RefusedFilter)

/** What is used of a response of Express. */
export interface ExpressResponse {
  headersSent: boolean
  statusCode: number
  getHeader(name: string): string | number | readonly string[] | undefined
  setHeader(name: string, value: string): unknown
  end(body: string): unknown
}

/** What is used of a reply of Fastify. */
export interface FastifyReply {
  readonly raw: { readonly headersSent: boolean }
  readonly sent: boolean
  code(status: number): FastifyReply
  header(name: string, value: string): FastifyReply
  headers(headers: object): FastifyReply
  getHeader(name: string): string | number | readonly string[] | undefined
  send(body: Uint8Array): FastifyReply
}

/** A response of either framework. */
export type Reply = ExpressResponse | FastifyReply

function isFastify(response: Reply): response is FastifyReply {
  return typeof own(response, 'raw' as never) === 'object'
}

/** Reads and sets headers of the response of a request. */
export function fieldsOf(response: Reply): Pick<ExpressResponse, 'headersSent' | 'getHeader' | 'setHeader'> {
  if (!isFastify(response)) return response
  return {
    headersSent: response.raw.headersSent,
    getHeader: (name) => response.getHeader(name),
    setHeader: (name, value) => response.header(name, value),
  }
}
