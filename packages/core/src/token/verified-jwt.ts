import type { Claims, JoseHeader, VerifiedToken } from '../model/token.ts'

/** A verified JWT. Frozen; the token itself is not among its own properties, so that a logger that prints it prints no token. */
export class VerifiedJwt<C extends object> implements VerifiedToken<C> {
  readonly claims: C & Claims
  readonly header: JoseHeader
  readonly scopes: ReadonlySet<string>
  readonly #token: string

  constructor(token: string, parts: Pick<VerifiedToken<C>, 'claims' | 'header' | 'scopes'>) {
    this.claims = parts.claims
    this.header = parts.header
    this.scopes = parts.scopes
    this.#token = token
    Object.freeze(this)
  }

  get token(): string {
    return this.#token
  }
}
