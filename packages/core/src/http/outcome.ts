import type { AuthError } from '../errors/auth-error.ts'
import type { VerifiedToken } from '../model/token.ts'
import { ignoreRejection, own } from '../model/values.ts'

/** What became of a request: authenticated, anonymous (only with `optional: true`), or refused. */
export type Outcome<C extends object = object> = Authenticated<C> | Anonymous | Refused

/** The request carries a good token that meets the requirement. */
export interface Authenticated<C extends object = object> {
  readonly kind: 'authenticated'
  readonly token: VerifiedToken<C>
}

/** The request carries no credentials, and need not. */
export interface Anonymous {
  readonly kind: 'anonymous'
}

/** The request is refused. */
export interface Refused {
  readonly kind: 'refused'
  /** The full story, for the log. */
  readonly error: AuthError
  /** What to answer; carries fixed text only. */
  readonly response: RefusalResponse
}

/** An answer an adapter copies to its framework as it is. Header names are in lower case. */
export interface RefusalResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

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
