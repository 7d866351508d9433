import type { AuthError } from '../errors/auth-error.ts'
import type { VerifiedToken } from '../model/token.ts'
import { ignoreRejection, own } from '../model/values.ts'

/** The result for a request: authenticated, anonymous (only with `optional: true`), or refused. */
export type Outcome<C extends object = object> = Authenticated<C> | Anonymous | Refused

/** The request carries a valid token that meets the requirement. */
export interface Authenticated<C extends object = object> {
  readonly kind: 'authenticated'
  readonly token: VerifiedToken<C>
}

/** The request carries no credentials, and `optional` allows that. */
export interface Anonymous {
  readonly kind: 'anonymous'
}

/** The request is refused. */
export interface Refused {
  readonly kind: 'refused'
  /** The full details, for the log. */
  readonly error: AuthError
  /** The response to send. It contains fixed text only. */
  readonly response: RefusalResponse
}

/** A response that an adapter copies unchanged to its framework. Header names are in lower case. */
export interface RefusalResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const NOTHING: object = Object.freeze({})

/**
 * The token of an accepted request; `undefined` for an anonymous one. Adapters call this instead of testing for `refused`: an
 * application's own authenticator that returns nothing, or a promise, must not open a route.
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
