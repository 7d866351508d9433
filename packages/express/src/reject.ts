import type { Refused } from '@claimgate/core'
import { asError, refusedError } from '@claimgate/core/extend'
import type { NextFunction, Request, Response } from 'express'
import type { Reject } from './admission.ts'

/**
 * Answers a refused request in place of the default. It sends a response, or calls `next`, or throws. To answer from a later callback it
 * returns a promise, or `res`; where it has done nothing else once it is finished, the default is sent.
 *
 * `next` never lets the request through: called without an error it gives the error handler one that has `status` and `headers` of the
 * refusal, the text `Request refused`, and the `AuthError` as its `cause`.
 */
export type OnReject = (refusal: Refused, req: Request, res: Response, next: NextFunction) => unknown

/** How to answer refused requests. Never throws, and never calls `next` without an error. */
export function rejectWith(onReject: OnReject | undefined): Reject {
  if (onReject === undefined) return (refusal, _req, res, next) => send(refusal, res, next)
  return (refusal, req, res, next) => {
    const { hasBegun, hasEnded } = watchAnswers(res)
    const { next: goOn } = req
    let passedOn = false
    const passOn = (error: Error): void => {
      if (passedOn) return
      passedOn = true
      // The full story of the refusal is not for the caller.
      const told = error === refusal.error ? refusedError(refusal) : error
      Object.assign(req, { next: goOn })
      // An error handler must not answer into an answer that waits, in the store of a session for example. One that has only begun
      // stays without its end, so Express breaks it off.
      if (hasEnded()) res.once('close', () => next(told))
      else next(told)
    }
    // Neither `next()` nor `next('route')` may lead to a handler behind the refusal.
    const nextWithError = (given?: unknown): void => {
      if (isError(given)) passOn(given)
      else if (!hasBegun()) passOn(refusedError(refusal))
    }
    const finished = (answer: unknown): void => {
      if (!passedOn && answer !== res && !hasBegun()) send(refusal, res, passOn)
    }
    const failed = (thrown: unknown): void => passOn(asError(thrown))
    try {
      // Express's own methods call it: `res.sendFile()` of a directory does so without an error.
      Object.assign(req, { next: nextWithError })
      Promise.resolve(onReject(refusal, req, res, nextWithError)).then(finished, failed)
    } catch (thrown) {
      failed(thrown)
    }
  }
}

// Middleware such as a session may hold back what `end` was called with, and then `headersSent` tells nothing yet.
function watchAnswers(res: Response): Answers {
  const { end, write } = res
  let [begun, ended] = [false, false]
  const watched = <F extends (...args: never[]) => unknown>(method: F): F =>
    ((...args) => {
      const before = [begun, ended] as const
      begun = true
      ended ||= method === end
      try {
        return method.apply(res, args)
      } catch (error) {
        // A body that is no text, for example: nothing has been sent.
        ;[begun, ended] = before
        throw error
      }
    }) as F
  res.end = watched(end)
  res.write = watched(write)
  return { hasBegun: () => begun || res.headersSent, hasEnded: () => ended || res.writableEnded }
}

interface Answers {
  hasBegun(): boolean
  hasEnded(): boolean
}

// Node's own methods: Express adds a charset to the content type and an entity tag.
function send({ response: { status, headers, body } }: Refused, res: Response, next: (error: Error) => void): void {
  // A time-out, for example, may have answered while keys were fetched.
  if (res.headersSent) return
  try {
    res.statusCode = status
    for (const [name, value] of Object.entries(headers)) res.setHeader(name, value)
    res.end(body)
  } catch (thrown) {
    next(asError(thrown))
  }
}

function isError(value: unknown): value is Error {
  return asError(value) === value
}
