import type { Authenticator, Outcome, Requirement, VerifiedToken } from '@claimgate/core'
import { asError, refusedError } from '@claimgate/core/extend'
import type { Request } from 'express'
import { admissionOf } from './admission.ts'

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
