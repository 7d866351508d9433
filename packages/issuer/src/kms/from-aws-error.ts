import { isSystemError, nameOf } from '../aws/error-name.ts'
import { own } from '../own.ts'
import { KmsError, type KmsErrorCode } from './kms-error.ts'
import { withoutResponse } from '../aws/without-response.ts'

/** What an error of the SDK comes to: a code, and what must hold for it not to happen again. */
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

// By the names that the service and the SDK give their errors. Texts of theirs decide nothing.
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
 * What the SDK threw, as one of our own errors; the only place that knows the SDK's errors.
 *
 * @param action the end of a sentence that begins with "Cannot"
 */
export const fromAwsError = (action: string, error: unknown): KmsError => {
  const { code, rule } = readingOf(error)
  return new KmsError(code, `Cannot ${action}: ${rule}, found ${nameOf(error)}`, discreetCause(error))
}

const readingOf = (error: unknown): Reading =>
  READINGS.get(nameOf(error)) ?? (faultOf(error) === 'client' ? REFUSED : UNAVAILABLE)

/** The SDK's error, but for one that may quote the answer: what a parser stumbled over can be half a signature. */
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
