import { own, quote, refusal } from '../refusal.ts'

/** An authorization server's metadata (RFC 8414 section 2, OpenID Connect Discovery section 3). */
export interface IssuerMetadata {
  readonly issuer: string
  readonly jwks_uri: string
  readonly response_types_supported: readonly string[]
  readonly grant_types_supported: readonly string[]
  readonly subject_types_supported: readonly string[]
  readonly id_token_signing_alg_values_supported: readonly string[]
  readonly [member: string]: unknown
}

/**
 * The required members of a metadata document; `extra` adds to them and overrides them. It lists no grant types and no response
 * types, because an issuer has no endpoints for them.
 *
 * @throws TypeError if `extra` has a different `issuer`.
 */
export const metadata = (
  issuer: string,
  algorithms: readonly string[],
  extra: Readonly<Record<string, unknown>>,
): IssuerMetadata => {
  const other = own(extra, 'issuer')
  if (other !== undefined && other !== issuer) {
    throw refusal('describe issuer', `"issuer" must stay ${quote(issuer)}`, other)
  }
  return {
    issuer,
    jwks_uri: `${issuer.replace(/\/$/, '')}/.well-known/jwks.json`,
    response_types_supported: [],
    grant_types_supported: [],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: algorithms,
    ...extra,
  }
}
