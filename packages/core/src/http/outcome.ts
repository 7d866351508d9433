import type { AuthError } from '../errors/auth-error.ts'
import type { VerifiedToken } from '../model/token.ts'

/** The result for a request: authenticated, anonymous (only with `optional: true`), or refused. */
export type Outcome<C extends object = object> = Authenticated<C> | Anonymous | Refused

/** The request carries a valid token that meets the requirement. */
export interface Authenticated<C extends object = object> {
  readonly kind: 'authenticated'
  readonly token: VerifiedToken<C>
  /** The authentication scheme that was used. Pass it to `authorize`. */
  readonly scheme: string
  /** Headers for the response, such as a `DPoP-Nonce`. Usually empty. Names are in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** What `onAuthenticated` returned. Absent without that option. */
  readonly user?: unknown
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
