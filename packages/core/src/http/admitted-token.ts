import { ignoreRejection } from '../model/ignore-rejection.ts'
import type { VerifiedToken } from '../model/token.ts'
import type { Outcome } from './outcome.ts'

/**
 * The token of a request that may go on; `undefined` for an anonymous one. Adapters ask here instead of testing for `refused` alone: an
 * authenticator of the application that answers with nothing, or with a promise, must not open a route.
 *
 * @throws TypeError for anything but an outcome of kind `authenticated`, with a token, or `anonymous`
 */
export function admittedToken<C extends object>(outcome: Outcome<C>): VerifiedToken<C> | undefined {
  if (outcome?.kind === 'authenticated' && typeof outcome.token === 'object' && outcome.token !== null)
    return outcome.token
  if (outcome?.kind === 'anonymous') return undefined
  ignoreRejection(outcome)
  throw new TypeError(
    'Cannot let the request through: the authenticator gave no outcome "authenticated" or "anonymous"',
  )
}
