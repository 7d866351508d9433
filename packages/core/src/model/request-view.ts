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
