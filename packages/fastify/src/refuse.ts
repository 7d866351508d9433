import type { Refused } from '@claimgate/core'
import { refusedError } from '@claimgate/core/extend'
import type { FastifyReply, FastifyRequest } from 'fastify'

/**
 * Answers a refused request in place of the default: sends a reply, returns a body for the refusal's status and headers, throws, or returns
 * the reply to answer later. Otherwise the default is sent. The request goes no further in any case.
 */
export type OnReject = (refusal: Refused, request: FastifyRequest, reply: FastifyReply) => unknown

/** Sends the response of the core as it is. */
export function sendResponse(
  { response: { status, headers, body } }: Refused,
  _request: FastifyRequest,
  reply: FastifyReply,
): void {
  // As bytes, because Fastify adds a charset to the content type of text.
  reply.code(status).headers(headers).send(Buffer.from(body))
}

/** Answers refused requests, whatever `onReject` does. */
export function answerWith(onReject: OnReject): (...args: Parameters<OnReject>) => Promise<void> {
  return async (refusal, request, reply) => {
    const answers = watchAnswers(reply)
    const body = await ask(onReject, [refusal, request, reply])
    if (answers.begun() || reply.sent) return
    if (body === undefined) sendResponse(refusal, request, reply)
    else sendBody(body, refusal, reply)
  }
}

async function ask(onReject: OnReject, [refusal, request, reply]: Parameters<OnReject>): Promise<unknown> {
  try {
    // To wait for a reply that is returned is to wait until it has been sent.
    return await onReject(refusal, request, reply)
  } catch (error) {
    // The message of the refusal's own error is not for the caller.
    throw error === refusal.error ? refusedError(refusal) : error
  }
}

// `reply.sent` tells only when the hooks of the scope have seen the answer.
function watchAnswers(reply: FastifyReply): { begun(): boolean } {
  const { send } = reply
  let begun = false
  reply.send = (payload?: unknown) => {
    begun = true
    return send.call(reply, payload)
  }
  return { begun: () => begun }
}

/** What has been set on the reply stays. */
function sendBody(body: unknown, refusal: Refused, reply: FastifyReply): void {
  const { status, headers } = refusedError(refusal)
  if (reply.statusCode === 200) reply.code(status)
  for (const [name, value] of Object.entries(headers)) if (!reply.hasHeader(name)) reply.header(name, value)
  reply.send(body)
}
