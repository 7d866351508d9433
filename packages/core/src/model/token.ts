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

/** A token as it came with a request (RFC 6750 section 2). */
export interface Credential {
  readonly scheme: 'Bearer'
  readonly token: string
}

/** A credential of an authentication scheme that is not supported, such as `Basic`. */
export interface OtherScheme {
  readonly scheme: 'other'
  /** Its name, if it is a well-known one. Anything else may be a token in the wrong place. */
  readonly name: string | undefined
  /** Whether it may be an access token that was sent in the wrong way, which `optional` must not let through. */
  readonly mayBeToken: boolean
}

/** What an adapter shows of a request. Making one must be cheap: nothing is copied or parsed until asked for. */
export interface RequestView {
  readonly method: string
  /** Path and query as received, for example `/orders?page=2`. An absolute URL is fine too. */
  readonly target: string
  /** Every value of a field, in order, repeats included; `name` is in lower case. */
  header(name: string): readonly string[]
  /**
   * The parsed `application/x-www-form-urlencoded` body, or at least its fields called `name`; called only where the credential may be in
   * the body. A repeated field has an array of values.
   */
  form?(name: string): Promise<FormFields | undefined>
  /** The DER bytes of the client certificate of the TLS connection (RFC 8705). */
  clientCertificate?(): Uint8Array | undefined
}

/** Form fields by name; a repeated field has an array of values. */
export type FormFields = Readonly<Record<string, unknown>>

// By the completed claims, and by the signed ones where the two differ in what names a token.
const known = new WeakMap<object, Claims>()

/** What names a token and says how long it lasts. */
const NAMING: readonly string[] = ['iss', 'jti', 'exp']

/** Remembers the signed claims that a schema has completed, for as long as the completed ones are in use. */
export function keepSigned(completed: Claims, signed: Claims): void {
  known.set(completed, signed)
  if (NAMING.some((name) => completed[name] !== signed[name])) known.set(signed, signed)
}

/**
 * The signed claims behind claims that a schema has completed, or the claims themselves if a schema has changed what names their token.
 * `undefined` for all others, copies included.
 */
export function knownSigned(claims: Claims): Claims | undefined {
  return known.get(claims)
}

/**
 * The claims of a verified token as the issuer signed them, whatever the `claims` schema has made of them: for denylists, logout stores and
 * logs, which must name a token as others do. Without a schema these are the claims of the token.
 *
 * @param token the token as `verify`, `getAuth` or `request.auth` gave it. A copy of its `claims` is taken for claims as signed
 */
export function signedClaims({ claims }: Pick<VerifiedToken, 'claims'>): Claims {
  return known.get(claims) ?? claims
}

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
