import type { Refused } from '@claimgate/core'
import { refusedError } from '@claimgate/core/extend'
import type { NextFunction, Request, Response } from 'express'
import type { Reject } from './admission.ts'

/**
 * Answers a refused request in place of the default. It sends a response, or calls `next`, or else the request hangs. `next` never lets
 * the request through: called without an error it gives the error handler one that has `status` and `headers` of the refusal, the text
 * `Request refused`, and the `AuthError` as its `cause`.
 */
export type OnReject = (refusal: Refused, req: Request, res: Response, next: NextFunction) => void | Promise<void>

/** How to answer refused requests. */
export function rejectWith(onReject: OnReject | undefined): Reject {
  if (onReject === undefined) return (refusal, _req, res) => send(refusal, res)
  return (refusal, req, res, next) => {
    // Neither `next()` nor `next('route')` may lead to a handler behind the refusal, nor may its full story be sent.
    const fail = (error?: unknown): void =>
      next(error instanceof Error && error !== refusal.error ? error : refusedError(refusal))
    Promise.resolve()
      .then(() => onReject(refusal, req, res, fail))
      .catch(fail)
  }
}

// Node's own methods: Express adds a charset to the content type and an entity tag.
function send({ response: { status, headers, body } }: Refused, res: Response): void {
  res.statusCode = status
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value)
  res.end(body)
}
