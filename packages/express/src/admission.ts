import type { Authenticator, Refused, VerifiedToken } from '@claimgate/core'
import type { NextFunction, Request, Response } from 'express'

/** Answers a refused request. */
export type Reject = (refusal: Refused, req: Request, res: Response, next: NextFunction) => void

/** What `authenticateJwt` knows of a request it has let through. */
export interface Admission {
  readonly authenticator: Authenticator
  /** `undefined` is an anonymous request. */
  readonly token: VerifiedToken | undefined
  readonly reject: Reject
}

// `req.auth` is for everybody to read, and so for everybody to overwrite; decisions rest on this map alone. Routers and mounted
// applications see the same request object.
const admissions = new WeakMap<Request, Admission>()

/** Forgets what an earlier `authenticateJwt` said, so that nothing of it outlives a refusal by a later one. */
export function withdraw(req: Request): void {
  admissions.delete(req)
  Object.assign(req, { auth: undefined })
}

/** Lets a request through. */
export function admit(req: Request, admission: Admission): void {
  Object.assign(req, { auth: admission.token })
  admissions.set(req, admission)
}

/**
 * What `authenticateJwt` said about the request last.
 *
 * @throws TypeError where none has let the request through
 */
export function admissionOf(req: Request): Admission {
  const admission = admissions.get(req)
  if (admission !== undefined) return admission
  throw new TypeError(
    'Cannot authorize request: no authenticateJwt() has let it through. Put app.use(authenticateJwt()) before the route',
  )
}
