/**
 * What went wrong between a program and its key in Parameter Store. Stable, in contrast to the messages.
 *
 * - `parameter_not_found`: there is no such parameter, version or label
 * - `parameter_store_denied`: the credentials may not do this, are wrong or have expired
 * - `parameter_key_unusable`: the KMS key that encrypts the parameter is disabled, deleted or unknown
 * - `parameter_not_secure`: the parameter is not a SecureString
 * - `parameter_unfit`: its value is not a private key for the algorithm
 * - `parameter_store_throttled`: too many requests, and the client gave up trying again
 * - `parameter_store_timeout`: no answer within the time given
 * - `parameter_store_unavailable`: no connection, an answer cut short or not understood, or a fault of the service
 * - `parameter_store_refused`: any other refusal, such as of an invalid name or for a limit reached
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

/** Why a key could not be had from Parameter Store. Told apart by `code`. Neither it nor its `cause` holds the parameter's value. */
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

/** Whether the error says nothing about the key, only that Parameter Store could not be asked just now. */
export const isOutage = (error: unknown): error is ParameterStoreError =>
  error instanceof ParameterStoreError && OUTAGES.includes(error.code)
