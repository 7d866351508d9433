import type { AuthError } from '../errors/auth-error.ts'
import type { VerifiedToken } from '../model/token.ts'

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
