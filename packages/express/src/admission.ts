import type { Authenticator, Outcome, Refused, Requirement, VerifiedToken } from '@claimgate/core'
import { asError, refusedError } from '@claimgate/core/extend'
import type { NextFunction, Request, Response } from 'express'

/** Answers a refused request. */
export type Reject = (refusal: Refused, req: Request, res: Response, next: NextFunction) => void

/** The decision of `authenticateJwt` about a request it has admitted. */
interface Admission {
  readonly authenticator: Authenticator
  /** `undefined` is an anonymous request. */
  readonly token: VerifiedToken | undefined
  readonly reject: Reject
}

// Any middleware can overwrite `req.auth`, so decisions use only this map. Routers and mounted applications share the same request
// object.
const admissions = new WeakMap<Request, Admission>()

/** Removes the admission by an earlier `authenticateJwt`, so that it is gone if a later one refuses the request. */
export function withdraw(req: Request): void {
  admissions.delete(req)
  Object.assign(req, { auth: undefined })
}

/** Records that a request is admitted. */
export function admit(req: Request, admission: Admission): void {
  Object.assign(req, { auth: admission.token })
  admissions.set(req, admission)
}

/**
 * The latest admission of the request.
 *
 * @throws TypeError if no `authenticateJwt` has admitted the request
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
 * The type of the claims is not checked. The `getAuth` of the middleware that `authenticateJwt` returns has the right type.
 *
 * @throws TypeError if no `authenticateJwt` has admitted the request
 * @throws Error for an anonymous request. Its `status` and `headers` make Express respond with 401 and a challenge; its `cause` is an
 * `AuthError` `credential_missing`
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
