import { isSystemError, nameOf, withinDeadline, withoutResponse } from '../aws/aws-errors.ts'
import { own } from '../refusal.ts'

/**
 * Why KMS returned no public key or no signature. Codes are stable; messages are not.
 *
 * - `kms_key_not_found`: there is no such key in the client's account and region
 * - `kms_key_disabled`: the key is disabled
 * - `kms_key_state`: the key is not usable in its current state, such as pending import or deletion
 * - `kms_key_unfit`: the key is not a signing key, or does not support the requested algorithm
 * - `kms_denied`: the credentials lack the permission, are wrong or have expired
 * - `kms_throttled`: too many requests, and the client has stopped retrying
 * - `kms_timeout`: no response within `timeout`
 * - `kms_unavailable`: no connection, a truncated or invalid response, or an error inside the service
 * - `kms_message_too_long`: the message is too long for an Ed25519 key in KMS
 * - `kms_refused`: any other refusal
 */
export type KmsErrorCode =
  | 'kms_key_not_found'
  | 'kms_key_disabled'
  | 'kms_key_state'
  | 'kms_key_unfit'
  | 'kms_denied'
  | 'kms_throttled'
  | 'kms_timeout'
  | 'kms_unavailable'
  | 'kms_message_too_long'
  | 'kms_refused'

/** A failed request to KMS or an unfit key; `code` says which. If KMS or the SDK threw an error, it is the `cause`. */
export class KmsError extends Error {
  override readonly name: string = 'KmsError'
  readonly code: KmsErrorCode

  constructor(code: KmsErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}

/** How an SDK error is reported: a code, and the rule that was broken. */
interface Reading {
  readonly code: KmsErrorCode
  readonly rule: string
}

const NOT_FOUND: Reading = {
  code: 'kms_key_not_found',
  rule: 'there must be such a key in the account and the region of the client',
}
const DISABLED: Reading = { code: 'kms_key_disabled', rule: 'the key must be enabled' }
const STATE: Reading = {
  code: 'kms_key_state',
  rule: 'the key must be ready for use, not about to be created, imported or deleted',
}
const UNFIT: Reading = {
  code: 'kms_key_unfit',
  rule: 'the key must be an asymmetric one with key usage SIGN_VERIFY that has the algorithm',
}
const DENIED: Reading = {
  code: 'kms_denied',
  rule: 'the credentials must allow kms:GetPublicKey and kms:Sign for the key',
}
const UNKNOWN_CALLER: Reading = { code: 'kms_denied', rule: 'the credentials must be there, right and unexpired' }
const THROTTLED: Reading = {
  code: 'kms_throttled',
  rule: 'requests must be fewer; or let the client try more often ("maxAttempts"), or have the quota raised',
}
const UNAVAILABLE: Reading = { code: 'kms_unavailable', rule: 'KMS must give a usable answer' }
const TIMEOUT: Reading = { code: 'kms_timeout', rule: 'KMS must answer in time ("timeout")' }
const REFUSED: Reading = { code: 'kms_refused', rule: 'KMS must accept the request' }

// Keyed by the error names of the service and the SDK. Their message texts are not used.
const READINGS: ReadonlyMap<string, Reading> = new Map([
  ['NotFoundException', NOT_FOUND],
  ['InvalidArnException', NOT_FOUND],
  ['DisabledException', DISABLED],
  ['KMSInvalidStateException', STATE],
  ['InvalidKeyUsageException', UNFIT],
  ['UnsupportedOperationException', UNFIT],
  ['AccessDeniedException', DENIED],
  ['AccessDenied', DENIED],
  ['InvalidGrantTokenException', DENIED],
  ['UnrecognizedClientException', UNKNOWN_CALLER],
  ['InvalidClientTokenId', UNKNOWN_CALLER],
  ['InvalidSignatureException', UNKNOWN_CALLER],
  ['IncompleteSignatureException', UNKNOWN_CALLER],
  ['MissingAuthenticationTokenException', UNKNOWN_CALLER],
  ['ExpiredTokenException', UNKNOWN_CALLER],
  ['CredentialsProviderError', UNKNOWN_CALLER],
  ['TokenProviderError', UNKNOWN_CALLER],
  ['ThrottlingException', THROTTLED],
  ['TooManyRequestsException', THROTTLED],
  ['RequestLimitExceeded', THROTTLED],
  ['LimitExceededException', THROTTLED],
  ['TimeoutError', TIMEOUT],
])

/**
 * Translates an SDK error into a `KmsError`. The SDK's errors are interpreted only in this file.
 *
 * @param action the end of a sentence that begins with "Cannot"
 */
const fromAwsError = (action: string, error: unknown): KmsError => {
  const { code, rule } = readingOf(error)
  return new KmsError(code, `Cannot ${action}: ${rule}, found ${nameOf(error)}`, discreetCause(error))
}

const readingOf = (error: unknown): Reading =>
  READINGS.get(nameOf(error)) ?? (faultOf(error) === 'client' ? REFUSED : UNAVAILABLE)

/** The SDK's error, unless its text may quote the response: a parse error could contain half a signature. */
const discreetCause = (error: unknown): Error => {
  const known = faultOf(error) !== undefined || isSystemError(error) || READINGS.has(nameOf(error))
  if (known && error instanceof Error) return withoutResponse(error)
  const cause = new Error('Its text is left out, since it may quote the answer')
  cause.name = nameOf(error)
  return cause
}

const faultOf = (error: unknown): 'client' | 'server' | undefined => {
  const fault = error instanceof Error ? own(error, '$fault') : undefined
  if (fault === undefined) return undefined
  return fault === 'client' ? 'client' : 'server'
}

/** A request to KMS: its purpose and its deadline. */
interface Request {
  /** The end of a sentence that begins with "Cannot". */
  readonly action: string
  /** Seconds for all attempts of the client in total. */
  readonly timeout: number
}

/**
 * Sends a request with a deadline. The signal aborts the current attempt; the caller does not wait for the client's pauses between
 * retries.
 *
 * @throws KmsError instead of any error the SDK throws.
 */
export const within = async <Answer>(
  { action, timeout }: Request,
  send: (abortSignal: AbortSignal) => Promise<Answer>,
): Promise<Answer> => {
  try {
    return await withinDeadline(timeout * 1000, send)
  } catch (error) {
    throw fromAwsError(action, error)
  }
}
