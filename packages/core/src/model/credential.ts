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
