/** A JOSE header that has passed the checks of RFC 7515 section 4: `alg` is a string, `kid` and `typ` strings if present. */
export interface JoseHeader {
  readonly alg: string
  readonly kid?: string
  readonly typ?: string
  readonly cty?: string
  readonly [member: string]: unknown
}

/**
 * The claims of a JWT (RFC 7519 section 4, RFC 9068 section 2.2), as the issuer signed them. Nothing here is promised by the type alone:
 * a `sub`, `client_id`, `azp`, `nbf`, `scope` or `nonce` of `null` counts as absent, and is still `null` here.
 */
export interface Claims {
  readonly iss?: string
  readonly sub?: string
  readonly aud?: string | readonly string[]
  /** Seconds since the epoch. */
  readonly exp?: number
  /** Seconds since the epoch. */
  readonly nbf?: number
  /** Seconds since the epoch. */
  readonly iat?: number
  readonly jti?: string
  readonly client_id?: string
  readonly azp?: string
  readonly scope?: string
  readonly cnf?: Readonly<Record<string, unknown>>
  readonly [claim: string]: unknown
}

/** A JWS in compact form, taken apart and well formed, with nothing in it trusted yet (RFC 7515 section 7.1). */
export interface ParsedJws {
  readonly token: string
  readonly header: JoseHeader
  /** What was signed: the encoded header and payload with a dot between them (RFC 7515 section 5.1). */
  readonly signingInput: string
  readonly signature: Uint8Array<ArrayBuffer>
  /** The first part that ends with padding; `undefined` for a token as RFC 7515 section 2 spells it. */
  readonly padded: TokenPart | undefined
}

/** The parts of a compact JWS. */
export type TokenPart = 'header' | 'payload' | 'signature'

/** A JWT, taken apart and well formed, with nothing in it trusted yet. */
export interface ParsedJwt extends ParsedJws {
  readonly claims: Claims
}

/** A token whose signature and claims have been verified. Deeply frozen. */
export interface VerifiedToken<C extends object = object> {
  /** The verified claims; with the `claims` option, typed and completed by what its schema returned. */
  readonly claims: C & Claims
  readonly header: JoseHeader
  /** The token as received. Not enumerable, so that it stays out of JSON and logs. */
  readonly token: string
  /** Whole scope words the token grants, those implied by `scopeHierarchy` included. */
  readonly scopes: ReadonlySet<string>
}
