import { ignoreRejection } from '../model/ignore-rejection.ts'
import { own } from '../model/own.ts'
import type { VerifiedToken } from '../model/token.ts'
import type { Outcome } from './outcome.ts'

const NOTHING: object = Object.freeze({})

/**
 * The token of a request that may go on; `undefined` for an anonymous one. Adapters ask here instead of testing for `refused` alone: an
 * authenticator of the application that answers with nothing, or with a promise, must not open a route.
 *
 * @throws TypeError for anything but an outcome of kind `authenticated`, with a token, or `anonymous`
 */
export function admittedToken<C extends object>(outcome: Outcome<C>): VerifiedToken<C> | undefined {
  const given = typeof outcome === 'object' && outcome !== null ? outcome : NOTHING
  const kind = own(given, 'kind')
  const token = own(given, 'token')
  if (kind === 'authenticated' && typeof token === 'object' && token !== null) return token as VerifiedToken<C>
  if (kind === 'anonymous') return undefined
  ignoreRejection(outcome)
  throw new TypeError(
    'Cannot let the request through: the authenticator gave no outcome "authenticated" or "anonymous"',
  )
}
