import { isSystemError, nameOf, withoutResponse } from '../aws/aws-errors.ts'
import { has, own } from '../refusal.ts'

/**
 * Why a key could not be loaded from or stored in Parameter Store. Codes are stable; messages are not.
 *
 * - `parameter_not_found`: there is no such parameter, version or label
 * - `parameter_store_denied`: the credentials lack the permission, are wrong or have expired
 * - `parameter_key_unusable`: the KMS key that encrypts the parameter is disabled, deleted or unknown
 * - `parameter_not_secure`: the parameter is not a SecureString
 * - `parameter_unfit`: its value is not a private key for the algorithm
 * - `parameter_store_throttled`: too many requests, and the client has stopped retrying
 * - `parameter_store_timeout`: no response within `timeout`
 * - `parameter_store_unavailable`: no connection, a truncated or invalid response, or an error inside the service
 * - `parameter_store_refused`: any other refusal, such as an invalid name or an exceeded limit
 */
export type ParameterStoreErrorCode =
  | 'parameter_not_found'
  | 'parameter_store_denied'
  | 'parameter_key_unusable'
  | 'parameter_not_secure'
  | 'parameter_unfit'
  | 'parameter_store_throttled'
  | 'parameter_store_timeout'
  | 'parameter_store_unavailable'
  | 'parameter_store_refused'

/** A failure to load or store a key; `code` says which. Neither the error nor its `cause` contains the parameter's value. */
export class ParameterStoreError extends Error {
  override readonly name: string = 'ParameterStoreError'
  readonly code: ParameterStoreErrorCode

  constructor(code: ParameterStoreErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}

const OUTAGES: readonly ParameterStoreErrorCode[] = [
  'parameter_store_throttled',
  'parameter_store_timeout',
  'parameter_store_unavailable',
]

/** Whether the error means only that Parameter Store could not be reached, and says nothing about the key. */
export const isOutage = (error: unknown): error is ParameterStoreError =>
  error instanceof ParameterStoreError && OUTAGES.includes(error.code)

/** How an SDK error is reported: a code, and the rule that was broken. */
interface Reading {
  readonly code: ParameterStoreErrorCode
  readonly rule: string
}

const THROTTLED: Reading = {
  code: 'parameter_store_throttled',
  rule: 'requests must be fewer; or let the client try more often ("maxAttempts")',
}
const DENIED: Reading = {
  code: 'parameter_store_denied',
  rule: 'the credentials must allow it (ssm:GetParameter, ssm:PutParameter to create it, kms:Decrypt for the key behind it)',
}
const UNKNOWN_CALLER: Reading = {
  code: 'parameter_store_denied',
  rule: 'the credentials must be there, right and unexpired',
}
const NOT_FOUND: Reading = {
  code: 'parameter_not_found',
  rule: 'there must be such a parameter in the client\'s region; store a PKCS #8 PEM, or set "createIfMissing"',
}
const KEY_UNUSABLE: Reading = {
  code: 'parameter_key_unusable',
  rule: 'the KMS key that encrypts the parameter must exist and be enabled',
}
const UNAVAILABLE: Reading = { code: 'parameter_store_unavailable', rule: 'Parameter Store must give a usable answer' }
const TIMEOUT: Reading = { code: 'parameter_store_timeout', rule: 'Parameter Store must answer in time ("timeout")' }

// Keyed by the error names of the service and the SDK. Their message texts are not used.
const READINGS: ReadonlyMap<string, Reading> = new Map([
  ['ThrottlingException', THROTTLED],
  ['Throttling', THROTTLED],
  ['TooManyRequestsException', THROTTLED],
  ['RequestLimitExceeded', THROTTLED],
  ['TooManyUpdates', THROTTLED],
  ['AccessDeniedException', DENIED],
  ['AccessDenied', DENIED],
  ['UnauthorizedOperation', DENIED],
  ['UnrecognizedClientException', UNKNOWN_CALLER],
  ['InvalidClientTokenId', UNKNOWN_CALLER],
  ['InvalidSignatureException', UNKNOWN_CALLER],
  ['IncompleteSignature', UNKNOWN_CALLER],
  ['MissingAuthenticationTokenException', UNKNOWN_CALLER],
  ['ExpiredTokenException', UNKNOWN_CALLER],
  ['ExpiredToken', UNKNOWN_CALLER],
  ['OptInRequired', UNKNOWN_CALLER],
  ['CredentialsProviderError', UNKNOWN_CALLER],
  ['TokenProviderError', UNKNOWN_CALLER],
  ['ParameterNotFound', NOT_FOUND],
  ['ParameterVersionNotFound', NOT_FOUND],
  ['InvalidKeyId', KEY_UNUSABLE],
  ['InternalServerError', UNAVAILABLE],
  ['InternalFailure', UNAVAILABLE],
  ['ServiceUnavailable', UNAVAILABLE],
  ['ServiceUnavailableException', UNAVAILABLE],
  ['TimeoutError', TIMEOUT],
])

/**
 * Translates an SDK error into a `ParameterStoreError`. The SDK's errors are interpreted only in this file.
 *
 * @param action the end of a sentence that begins with "Cannot"
 */
export const fromAwsError = (action: string, error: unknown): ParameterStoreError => {
  const { code, rule } = readingOf(error)
  return new ParameterStoreError(code, `Cannot ${action}: ${rule}, found ${nameOf(error)}`, discreetCause(error))
}

/** Whether this is a service error with that name. */
export const isNamed = (error: unknown, name: string): boolean => isServiceError(error) && error.name === name

const readingOf = (error: unknown): Reading => {
  const known = READINGS.get(nameOf(error))
  if (known !== undefined) return known
  if (isServiceError(error) && error.$fault === 'client') {
    return { code: 'parameter_store_refused', rule: 'Parameter Store must accept the request' }
  }
  return UNAVAILABLE
}

/**
 * The SDK's error if its text cannot contain the parameter's value. A refusal may quote the request, and a parser quotes the text
 * it cannot parse: of such errors only the name, the HTTP status and the request ID are kept.
 */
const discreetCause = (error: unknown): Error => {
  const known = isSystemError(error) || READINGS.has(nameOf(error))
  if (known && error instanceof Error) return withoutResponse(error)
  const { httpStatusCode: status, requestId: id } = metadataOf(error)
  const clues = [
    'its text is left out, since it may quote the parameter',
    ...(typeof status === 'number' ? [`HTTP status ${status}`] : []),
    ...(typeof id === 'string' && /^[\w-]{1,80}$/.test(id) ? [`request ID ${id}`] : []),
  ]
  const cause = new Error(clues.join('; '))
  cause.name = nameOf(error)
  return cause
}

interface ServiceError extends Error {
  readonly $fault: 'client' | 'server'
}

const isServiceError = (error: unknown): error is ServiceError => error instanceof Error && has(error, '$fault')

const metadataOf = (error: unknown): { readonly httpStatusCode?: unknown; readonly requestId?: unknown } => {
  const metadata = typeof error === 'object' && error !== null ? own(error, '$metadata') : undefined
  return typeof metadata === 'object' && metadata !== null ? metadata : {}
}
