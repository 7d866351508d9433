import type { Authenticator, Refused, Verifier } from '@claimgate/core'
import {
  asError,
  callback,
  type MiddlewareAdapterOptions,
  type OptionTable,
  propertyOption,
  READY,
  type ReadAdapterOptions,
  readMiddlewareOptions,
  type ReadyAuthenticator,
  refusedError,
  type RequirementOption,
  sendNode,
} from '@claimgate/core/adapter'
import { optionsFromEnv } from '@claimgate/core/providers'
import type { NextFunction, Request, Response } from 'express'

/**
 * Replaces the default response to a refused request. It sends a response, calls `next`, or throws. To respond from a later callback,
 * return a promise or `res`. If it has done none of this when it finishes, the default response is sent.
 *
 * `next` never admits the request. Called without an error, it passes an error to the error handler, with the `status` and `headers`
 * of the refusal, the message `Request refused`, and the `AuthError` as its `cause`.
 */
export type OnReject = (refusal: Refused, req: Request, res: Response, next: NextFunction) => unknown

/** Answers a refused request. */
export type Reject = (refusal: Refused, req: Request, res: Response, next: NextFunction) => void

/** Creates the function that answers refused requests. It never throws, and never calls `next` without an error. */
export function rejectWith(onReject: OnReject | undefined): Reject {
  if (onReject === undefined) return (refusal, _req, res, next) => send(refusal, res, next)
  return (refusal, req, res, next) => {
    const { hasBegun, hasEnded } = watchAnswers(res)
    const { next: originalNext } = req
    let passedOn = false
    const passOn = (error: Error): void => {
      if (passedOn) return
      passedOn = true
      // The message of the AuthError must not reach the client.
      const passed = error === refusal.error ? refusedError(refusal) : error
      Object.assign(req, { next: originalNext })
      // The error handler must not write into a complete response that is still pending, for example while a session is saved. An
      // incomplete response never ends, so Express aborts it.
      if (hasEnded()) res.once('close', () => next(passed))
      else next(passed)
    }
    // Neither `next()` nor `next('route')` may reach a protected handler.
    const nextWithError = (given?: unknown): void => {
      if (isError(given)) passOn(given)
      else if (!hasBegun()) passOn(refusedError(refusal))
    }
    const finished = (answer: unknown): void => {
      if (!passedOn && answer !== res && !hasBegun()) send(refusal, res, passOn)
    }
    const failed = (thrown: unknown): void => passOn(asError(thrown))
    try {
      // Express's own methods call req.next: `res.sendFile()` of a directory calls it without an error.
      Object.assign(req, { next: nextWithError })
      Promise.resolve(onReject(refusal, req, res, nextWithError)).then(finished, failed)
    } catch (thrown) {
      failed(thrown)
    }
  }
}

// Middleware such as a session may delay `end`, so `headersSent` alone does not show that a response was sent.
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
        // Nothing was sent, for example because the body was not text.
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

// Uses Node's methods, because Express would add a charset and an entity tag.
function send({ response }: Refused, res: Response, next: (error: Error) => void): void {
  try {
    sendNode(res, response)
  } catch (thrown) {
    next(asError(thrown))
  }
}

function isError(value: unknown): value is Error {
  return asError(value) === value
}

/**
 * How to verify tokens, and how to answer refused requests. If the options do not say how to verify tokens,
 * `optionsFromEnv(process.env)` is used.
 */
export type AuthenticateJwtOptions<C extends object = object> = MiddlewareAdapterOptions<C> & MiddlewareOptions

/** The options that the middleware adds to those of an authenticator. */
export interface MiddlewareOptions extends RequirementOption {
  /** Answers refused requests. @defaultValue the status, challenge and problem document of the core */
  readonly onReject?: OnReject | undefined
  /**
   * A property of the request besides `req.auth`, such as `user`: it gets what `onAuthenticated` returned, or without that option the verified
   * token. `undefined` for anonymous requests. Later middleware can overwrite it, so nothing of Claimgate reads it. @defaultValue `user` with
   * `onAuthenticated`, else none
   */
  readonly property?: string
}

/** The options of the middleware. */
export const MIDDLEWARE: OptionTable<MiddlewareOptions & Partial<ReadyAuthenticator>> = {
  onReject: callback,
  property: propertyOption,
  ...READY,
}

/**
 * Resolves the argument of `authenticateJwt`.
 *
 * @throws TypeError
 */
export function resolveOptions<C extends object>(
  given: AuthenticateJwtOptions<C> | Verifier<C> | Authenticator<C> = {},
): ReadAdapterOptions<C, MiddlewareOptions> {
  return readMiddlewareOptions<C, MiddlewareOptions>(given, {
    action: 'create middleware',
    table: MIDDLEWARE,
    environment: process.env,
    readProvider: optionsFromEnv,
  })
}
