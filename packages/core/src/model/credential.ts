/** A token as it came with a request (RFC 6750 section 2). */
export interface Credential {
  readonly scheme: 'Bearer'
  readonly token: string
}
