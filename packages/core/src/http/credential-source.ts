/**
 * A place a request may carry its access token in (RFC 6750 section 2). The same token in several places is one credential; two
 * different tokens are refused with status 400. An empty value is no credential.
 */
export type CredentialSource = AuthorizationSource | HeaderSource | CookieSource | QuerySource | FormSource

/** The `Authorization` header with the `Bearer` scheme (RFC 6750 section 2.1). */
export interface AuthorizationSource {
  readonly from: 'authorization'
  /** `accept` also takes a token without a scheme, as some older services send it. @defaultValue 'refuse' */
  readonly bareToken?: 'accept' | 'refuse'
}

/** A header of your own that holds nothing but the token. */
export interface HeaderSource {
  readonly from: 'header'
  readonly name: string
  /** `Bearer` where the scheme stands before the token, as in `X-Forwarded-Authorization: Bearer …`. @defaultValue no scheme */
  readonly scheme?: 'Bearer'
}

/** A cookie that holds nothing but the token. Protect such routes against cross-site request forgery. */
export interface CookieSource {
  readonly from: 'cookie'
  readonly name: string
}

/** A query parameter (RFC 6750 section 2.3): it ends up in logs and histories, so use it only where nothing else works. */
export interface QuerySource {
  readonly from: 'query'
  /** @defaultValue 'access_token' */
  readonly name?: string
}

/**
 * A field of an `application/x-www-form-urlencoded` body (RFC 6750 section 2.2); not with GET or HEAD. With `@claimgate/fetch` a body of
 * more than 64 KiB or 1,000 fields is refused with status 413, and one that takes longer than 5 s with 408.
 */
export interface FormSource {
  readonly from: 'form'
  /** @defaultValue 'access_token' */
  readonly name?: string
}

/** Where an access token is looked for unless told otherwise: the `Authorization` header alone. */
export const DEFAULT_CREDENTIAL_SOURCES: readonly CredentialSource[] = Object.freeze([{ from: 'authorization' }])
