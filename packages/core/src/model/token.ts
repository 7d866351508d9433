import { own } from './values.ts'

/** A JOSE header that has passed the checks of RFC 7515 section 4: `alg` is a string, `kid` and `typ` strings if present. */
export interface JoseHeader {
  readonly alg: string
  readonly kid?: string
  readonly typ?: string
  readonly cty?: string
  readonly [member: string]: unknown
}

/**
 * The claims of a JWT (RFC 7519 section 4, RFC 9068 section 2.2), as the issuer signed them. The type alone guarantees nothing:
 * a `sub`, `client_id`, `azp`, `nbf`, `scope` or `nonce` of `null` counts as absent, but is still `null` here.
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

/** A parsed, well-formed JWS in compact form (RFC 7515 section 7.1). Nothing in it is trusted yet. */
export interface ParsedJws {
  readonly token: string
  readonly header: JoseHeader
  /** What was signed: the encoded header and payload with a dot between them (RFC 7515 section 5.1). */
  readonly signingInput: string
  readonly signature: Uint8Array<ArrayBuffer>
  /** The first part that ends with padding; `undefined` for a token without padding, as RFC 7515 section 2 requires. */
  readonly padded: TokenPart | undefined
}

/** The parts of a compact JWS. */
export type TokenPart = 'header' | 'payload' | 'signature'

/** A parsed, well-formed JWT. Nothing in it is trusted yet. */
export interface ParsedJwt extends ParsedJws {
  readonly claims: Claims
}

/** A token whose signature and claims have been verified. Deeply frozen. */
export interface VerifiedToken<C extends object = object> {
  /** The verified claims. The `claims` option sets their type, and its schema's output is merged into them. */
  readonly claims: C & Claims
  /** The protected header. Absent for a token that is not a JWT, such as one that the issuer was asked about (RFC 7662). */
  readonly header?: JoseHeader | undefined
  /** The token as received. Not enumerable, so it stays out of JSON and logs. */
  readonly token: string
  /** The scopes the token grants, including those from `scopeHierarchy`. */
  readonly scopes: ReadonlySet<string>
  /** The roles, groups or permissions from the `roleSource` of its issuer. Empty without one. Absent if another verifier does not set it. */
  readonly roles?: ReadonlySet<string> | undefined
  /** How the key that signed the token is published. Absent for a token without a signature, or from your own key source. Not enumerable. */
  readonly key?: PublishedAs | undefined
}

/** The members of a JWK besides its key material. */
export interface PublishedAs {
  readonly kid: string | undefined
  readonly alg: string | undefined
  /** The certificate thumbprints it is published with (RFC 7517 sections 4.8 and 4.9). */
  readonly x5t: string | undefined
  readonly 'x5t#S256': string | undefined
  /** The issuer that the key may sign for, as Microsoft publishes it. */
  readonly issuer: string | undefined
}

/** A token as received in a request (RFC 6750 section 2). */
export interface Credential {
  /** The authentication scheme: `Bearer`, or one that a binding brings, spelled as the binding spells it. */
  readonly scheme: string
  readonly token: string
}

/** A credential with an unsupported authentication scheme, such as `Basic`. */
export interface OtherScheme {
  readonly scheme: undefined
  /** The name of the scheme, if it is well-known. Anything else may be a token in the wrong place. */
  readonly name: string | undefined
  /** Whether it may be an access token sent in the wrong way. `optional` must not accept such a request as anonymous. */
  readonly mayBeToken: boolean
}

/** What an adapter exposes of a request. Creating one must be cheap: copy or parse nothing until it is called for. */
export interface RequestView {
  readonly method: string
  /** Path and query as received, for example `/orders?page=2`. An absolute URL is also accepted. */
  readonly target: string
  /** Every value of a header field, in order, including repeats. `name` is in lower case. */
  header(name: string): readonly string[]
  /**
   * The parsed `application/x-www-form-urlencoded` body, or at least its fields called `name`. Called only if the credential may be in
   * the body. A repeated field has an array of values.
   */
  form?(name: string): Promise<FormFields | undefined>
  /** The DER bytes of the client certificate of the TLS connection (RFC 8705). Never from a header field. */
  clientCertificate?(): Uint8Array | undefined
  /** The other end of the connection, which may be a proxy. Never from a header field. `undefined` if there is no socket to ask. */
  readonly peer?: Peer | undefined
}

/** The other end of a connection. */
export interface Peer {
  /** Its IP address. */
  readonly address: string
  /** Whether the connection itself uses TLS. */
  readonly encrypted: boolean
}

/** Form fields by name; a repeated field has an array of values. */
export type FormFields = Readonly<Record<string, unknown>>

// Keyed by the merged claims, and also by the signed ones if the two differ in what identifies a token.
const known = new WeakMap<object, Claims>()

/** The claims that identify a token and its expiry. */
const NAMING: readonly string[] = ['iss', 'jti', 'exp']

/** Records the signed claims behind the merged ones, as long as the merged ones are in use. */
export function keepSigned(completed: Claims, signed: Claims): void {
  known.set(completed, signed)
  if (NAMING.some((name) => completed[name] !== signed[name])) known.set(signed, signed)
}

/**
 * The signed claims behind merged claims, or the same claims if a schema has changed what identifies their token.
 * `undefined` for all others, including copies.
 */
export function knownSigned(claims: Claims): Claims | undefined {
  return known.get(claims)
}

/**
 * The claims of a verified token as the issuer signed them, even if the `claims` schema has changed them. For denylists, logout stores and
 * logs, which must identify a token as other systems do. Without a schema, these are the token's claims.
 *
 * @param token - the token from `verify`, `getAuth` or `request.auth`. A copy of its `claims` is returned as if it were signed
 */
export function signedClaims({ claims }: Pick<VerifiedToken, 'claims'>): Claims {
  return known.get(claims) ?? claims
}

/**
 * Makes a verified token from what a verifier has verified.
 *
 * @param token - the token as received, which stays out of JSON and logs
 */
export function verifiedToken<C extends object>(token: string, parts: TokenParts<C>): VerifiedToken<C> {
  return new VerifiedJwt(token, parts)
}

type TokenParts<C extends object> = Pick<VerifiedToken<C>, 'claims' | 'header' | 'scopes' | 'roles' | 'key'>

/** A verified JWT. Frozen. The token is not an own property, so a logger that prints this object does not print the token. */
export class VerifiedJwt<C extends object> implements VerifiedToken<C> {
  readonly claims: C & Claims
  readonly header: JoseHeader | undefined
  readonly scopes: ReadonlySet<string>
  readonly roles: ReadonlySet<string> | undefined
  readonly #token: string
  readonly #key: PublishedAs | undefined

  constructor(token: string, parts: TokenParts<C>) {
    this.claims = parts.claims
    this.header = parts.header
    this.scopes = parts.scopes
    this.roles = own(parts, 'roles')
    this.#token = token
    this.#key = own(parts, 'key')
    Object.freeze(this)
  }

  get token(): string {
    return this.#token
  }

  get key(): PublishedAs | undefined {
    return this.#key
  }
}
