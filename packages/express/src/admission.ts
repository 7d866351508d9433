import type { Authenticator, Outcome, Refused, Requirement, VerifiedToken } from '@claimgate/core'
import { asError, refusedError } from '@claimgate/core/extend'
import type { NextFunction, Request, Response } from 'express'

/** Answers a refused request. */
export type Reject = (refusal: Refused, req: Request, res: Response, next: NextFunction) => void

/** What `authenticateJwt` knows of a request it has let through. */
interface Admission {
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

/**
 * The verified token of a request.
 *
 * The type of the claims is taken on trust; `getAuth` of the middleware that `authenticateJwt` returns knows it.
 *
 * @throws TypeError where no `authenticateJwt` has let the request through
 * @throws Error for an anonymous request; it has `status` and `headers`, so that Express answers with status 401 and a challenge, and an
 * `AuthError` `credential_missing` as its `cause`
 */
export function getAuth<C extends object = object>(req: Request): VerifiedToken<C> {
  const { authenticator, token } = admissionOf(req)
  if (token !== undefined) return token as VerifiedToken<C>
  const outcome = refusalOfAnonymous(authenticator)
  if (outcome.kind === 'refused') throw refusedError(outcome)
  throw new TypeError('Cannot get auth: the request is anonymous')
}

function refusalOfAnonymous(authenticator: Authenticator): Outcome {
  try {
    return authenticator.authorize(undefined, ANY_TOKEN)
  } catch (error) {
    throw asError(error)
  }
}

const ANY_TOKEN: Requirement = { description: 'a token', scopes: [], isMet: () => true }
