import type { Refused } from '@claimgate/core'
import type { FastifyReply, FastifyRequest } from 'fastify'

/** Answers a refused request in place of the default: sends a reply or throws. The request goes no further either way. */
export type OnReject = (refusal: Refused, request: FastifyRequest, reply: FastifyReply) => unknown

/** Answers with the response of the core as it is. */
export const answer: OnReject = ({ response: { status, headers, body } }, _request, reply) => {
  // As bytes, because Fastify adds a charset to the content type of text.
  reply.code(status).headers(headers).send(Buffer.from(body))
}

/** An error for Fastify's error handlers, with the status and the challenge. What it says is fixed: Fastify may send it. */
export function refusedError({ error, response: { status, headers } }: Refused): Error {
  return Object.assign(new Error('Request refused', { cause: error }), {
    name: 'RefusedError',
    statusCode: status,
    headers,
  })
}
