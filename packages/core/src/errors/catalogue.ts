import type { ErrorCode } from '../model/error-code.ts'

/**
 * The `error` in the response (RFC 6750 section 3.1, RFC 9449 section 7.1, RFC 9470 section 3). Absent in a challenge without credentials
 * and for status 503.
 */
export type WireError =
  | 'invalid_request'
  | 'invalid_token'
  | 'insufficient_scope'
  | 'invalid_dpop_proof'
  | 'use_dpop_nonce'
  | 'insufficient_user_authentication'
  | 'insufficient_authorization'

/** How a refusal is sent, where this differs from its code: a binding or a requirement knows more than the catalogue. */
export interface WireRefusal {
  readonly status: 400 | 401 | 403
  readonly error: WireError
  /** Parameters for the challenge, such as `{ acr_values: 'mfa' }`. The realm, the error and the scopes cannot be replaced. */
  readonly parameters?: Readonly<Record<string, string>>
}

/** What a code means: its status, its RFC 6750 error, and a sentence. */
export interface CatalogueEntry {
  readonly status: 400 | 401 | 403 | 408 | 413 | 503
  readonly error: WireError | undefined
  /** One sentence for the log, without a full stop. */
  readonly summary: string
}

const noCredential = (summary: string): CatalogueEntry => ({ status: 401, error: undefined, summary })
const badRequest = (summary: string): CatalogueEntry => ({ status: 400, error: 'invalid_request', summary })
const badToken = (summary: string): CatalogueEntry => ({ status: 401, error: 'invalid_token', summary })
const forbidden = (summary: string): CatalogueEntry => ({ status: 403, error: 'insufficient_scope', summary })
const badForm = (status: 408 | 413, summary: string): CatalogueEntry => ({ status, error: undefined, summary })
const undecided = (summary: string): CatalogueEntry => ({ status: 503, error: undefined, summary })

/** Every code with its meaning. */
export const catalogue: Readonly<Record<ErrorCode, CatalogueEntry>> = Object.freeze({
  credential_missing: noCredential('The request carries no access token'),
  credential_scheme: noCredential('The request uses an authentication scheme that is not supported here'),
  credential_malformed: badRequest('The credential is not well formed'),
  credential_repeated: badRequest('The request carries more than one credential'),
  form_too_large: badForm(413, 'The form that may hold the access token is too large'),
  form_timeout: badForm(408, 'The form that may hold the access token did not arrive in time'),
  token_too_long: badToken('The token is too long'),
  token_malformed: badToken('The token does not have the parts it must have'),
  token_encoding: badToken('A part of the token is not canonical base64url'),
  json_malformed: badToken('The token holds text that is not a JSON object in UTF-8'),
  json_limits: badToken('The token holds more than the limits of this API allow'),
  json_duplicate_member: badToken('The token holds a JSON object with a member name twice'),
  json_forbidden_member: badToken('The token holds a JSON member that could change a prototype'),
  header_too_long: badToken('The JOSE header is too long'),
  header_malformed: badToken('A parameter of the JOSE header is not well formed'),
  header_critical: badToken('The JOSE header demands an extension that is not supported'),
  kid_malformed: badToken('The key ID is not well formed'),
  algorithm_not_allowed: badToken('The algorithm of the token is not allowed'),
  algorithm_key_mismatch: badToken('The algorithm of the token does not fit the key'),
  key_not_found: badToken('No published key fits the token'),
  key_ambiguous: badToken('More than one published key fits the token'),
  key_unusable: badToken('The key for the token cannot be used in this runtime'),
  keys_unavailable: undecided('The keys to verify the token with cannot be fetched'),
  token_decryption_failed: badToken('The token cannot be decrypted'),
  signature_malformed: badToken('The signature has the wrong form for its algorithm'),
  signature_invalid: badToken('The signature does not verify'),
  issuer_missing: badToken('The token names no issuer'),
  issuer_mismatch: badToken('The token comes from another issuer'),
  issuer_unknown: badToken('The issuer of the token is not among those trusted'),
  issuer_unavailable: undecided('The policy for the issuer of the token cannot be looked up'),
  audience_missing: badToken('The token names no audience'),
  audience_mismatch: badToken('The token is meant for another audience'),
  claim_missing: badToken('The token lacks a claim that is required'),
  claim_malformed: badToken('A claim of the token is not well formed'),
  claim_too_long: badToken('A claim of the token holds more values than are allowed here'),
  claim_mismatch: badToken('A claim of the token has a value that is not accepted'),
  token_expired: badToken('The token has expired'),
  token_not_yet_valid: badToken('The token is not valid yet'),
  token_issued_in_future: badToken('The token was issued in the future'),
  token_too_old: badToken('The token is too old'),
  token_lifetime_too_long: badToken('The token is valid for longer than is accepted'),
  token_type: badToken('The token is of a kind that is not an access token'),
  claims_schema: badToken('The claims do not match the schema'),
  verification_time: badToken('The time to verify the token at is out of bounds'),
  binding_unsupported: badToken('The token is bound to a sender in a way that cannot be confirmed here'),
  binding_failed: badToken('The sender has not shown possession of the key the token is bound to'),
  binding_missing: badToken('The token is not bound to a sender as it must be here'),
  token_refused: badToken('A token check refused the token'),
  check_unavailable: undecided('A token check cannot decide now'),
  insufficient_scope: forbidden('The token lacks a scope that is needed'),
  requirement_not_met: forbidden('The token does not meet the requirement'),
})

/** The only text about a refusal that a client sees (RFC 6750 section 3): fixed, and the same for all refusals of one kind. */
export const wireDescriptions: Readonly<Record<WireError, string>> = Object.freeze({
  invalid_request: 'The request does not carry exactly one well-formed access token',
  invalid_token: 'The access token is malformed, expired, revoked or not meant for this resource',
  insufficient_scope: 'The access token does not grant what this request needs',
  invalid_dpop_proof: 'The DPoP proof is missing, malformed or does not fit this request',
  use_dpop_nonce: 'The DPoP proof must contain the nonce of this resource',
  insufficient_user_authentication: 'The user must authenticate in a stronger or more recent way',
  insufficient_authorization: 'The access token does not authorize this request',
})
