import { own } from './values.ts'

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
  /** The `error_description`: fixed text, without quotes and backslashes. @defaultValue that of the error */
  readonly description?: string
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

// One sentence for each code, for the log, without a full stop.
const SUMMARIES = {
  credential_missing: 'The request carries no access token',
  credential_scheme: 'The request uses an authentication scheme that is not supported here',
  credential_malformed: 'The credential is not well formed',
  credential_repeated: 'The request carries more than one credential',
  form_too_large: 'The form that may hold the access token is too large',
  form_timeout: 'The form that may hold the access token did not arrive in time',
  token_too_long: 'The token is too long',
  token_malformed: 'The token does not have the parts it must have',
  token_encoding: 'A part of the token is not canonical base64url',
  json_malformed: 'The token holds text that is not a JSON object in UTF-8',
  json_limits: 'The token holds more than the limits of this API allow',
  json_duplicate_member: 'The token holds a JSON object with a member name twice',
  json_forbidden_member: 'The token holds a JSON member that could change a prototype',
  header_too_long: 'The JOSE header is too long',
  header_malformed: 'A parameter of the JOSE header is not well formed',
  header_critical: 'The JOSE header demands an extension that is not supported',
  kid_malformed: 'The key ID is not well formed',
  algorithm_not_allowed: 'The algorithm of the token is not allowed',
  algorithm_key_mismatch: 'The algorithm of the token does not fit the key',
  key_not_found: 'No published key fits the token',
  key_ambiguous: 'More than one published key fits the token',
  key_unusable: 'The key for the token cannot be used in this runtime',
  keys_unavailable: 'The keys to verify the token with cannot be fetched',
  token_decryption_failed: 'The token cannot be decrypted',
  signature_malformed: 'The signature has the wrong form for its algorithm',
  signature_invalid: 'The signature does not verify',
  issuer_missing: 'The token names no issuer',
  issuer_mismatch: 'The token comes from another issuer',
  issuer_unknown: 'The issuer of the token is not among those trusted',
  issuer_unavailable: 'The policy for the issuer of the token cannot be looked up',
  verifier_unknown: 'No verifier is registered for the request',
  audience_missing: 'The token names no audience',
  audience_mismatch: 'The token is meant for another audience',
  claim_missing: 'The token lacks a claim that is required',
  claim_malformed: 'A claim of the token is not well formed',
  claim_too_long: 'A claim of the token holds more values than are allowed here',
  claim_mismatch: 'A claim of the token has a value that is not accepted',
  token_expired: 'The token has expired',
  token_not_yet_valid: 'The token is not valid yet',
  token_issued_in_future: 'The token was issued in the future',
  token_too_old: 'The token is too old',
  token_lifetime_too_long: 'The token is valid for longer than is accepted',
  token_type: 'The token is of a kind that is not an access token',
  claims_schema: 'The claims do not match the schema',
  verification_time: 'The time to verify the token at is out of bounds',
  binding_unsupported: 'The token is bound to a sender in a way that cannot be confirmed here',
  binding_failed: 'The sender has not shown possession of the key the token is bound to',
  binding_missing: 'The token is not bound to a sender as it must be here',
  token_refused: 'A token check refused the token',
  check_unavailable: 'A token check cannot decide now',
  insufficient_scope: 'The token lacks a scope that is needed',
  requirement_not_met: 'The token does not meet the requirement',
} as const

/** Stable codes of all refusals. `docs/errors.md` explains each one. */
export type ErrorCode = keyof typeof SUMMARIES

type Kind = Omit<CatalogueEntry, 'summary'>
const NO_CREDENTIAL: Kind = { status: 401, error: undefined }
const BAD_REQUEST: Kind = { status: 400, error: 'invalid_request' }
const BAD_TOKEN: Kind = { status: 401, error: 'invalid_token' }
const FORBIDDEN: Kind = { status: 403, error: 'insufficient_scope' }
const UNAVAILABLE: Kind = { status: 503, error: undefined }

// All other codes are BAD_TOKEN.
const KINDS: Partial<Record<ErrorCode, Kind>> = {
  credential_missing: NO_CREDENTIAL,
  credential_scheme: NO_CREDENTIAL,
  credential_malformed: BAD_REQUEST,
  credential_repeated: BAD_REQUEST,
  form_too_large: { status: 413, error: undefined },
  form_timeout: { status: 408, error: undefined },
  keys_unavailable: UNAVAILABLE,
  issuer_unavailable: UNAVAILABLE,
  check_unavailable: UNAVAILABLE,
  insufficient_scope: FORBIDDEN,
  requirement_not_met: FORBIDDEN,
}

/** Every code with its meaning. */
export const catalogue: Readonly<Record<ErrorCode, CatalogueEntry>> = Object.freeze(
  Object.fromEntries(
    Object.entries(SUMMARIES).map(([code, summary]) => [
      code,
      { ...(own(KINDS, code as ErrorCode) ?? BAD_TOKEN), summary },
    ]),
  ) as Record<ErrorCode, CatalogueEntry>,
)

/** The only text about a refusal that a client sees (RFC 6750 section 3): fixed, and the same for all refusals of one kind. */
export const wireDescriptions: Readonly<Record<WireError, string>> = {
  invalid_request: 'The request does not carry exactly one well-formed access token',
  invalid_token: 'The access token is malformed, expired, revoked or not meant for this resource',
  insufficient_scope: 'The access token does not grant what this request needs',
  invalid_dpop_proof: 'The DPoP proof is missing, malformed or does not fit this request',
  use_dpop_nonce: 'The DPoP proof must contain the nonce of this resource',
  insufficient_user_authentication: 'The user must authenticate in a stronger or more recent way',
  insufficient_authorization: 'The access token does not authorize this request',
}
