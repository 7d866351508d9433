/**
 * What went wrong between a program and its key in KMS. Stable, in contrast to the messages.
 *
 * - `kms_key_not_found`: there is no such key in the client's account and region
 * - `kms_key_disabled`: the key is disabled
 * - `kms_key_state`: the key is on its way in or out, such as pending deletion
 * - `kms_key_unfit`: the key is no signing key, or none for the algorithm asked for
 * - `kms_denied`: the credentials may not do this, are wrong or have expired
 * - `kms_throttled`: too many requests, and the client gave up trying again
 * - `kms_timeout`: no answer within the time given
 * - `kms_unavailable`: no connection, an answer cut short or not understood, or a fault of the service
 * - `kms_message_too_long`: an Ed25519 key cannot sign so many bytes
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

/** Why KMS gave no public key or no signature. Told apart by `code`; where KMS or the SDK said so, `cause` is what they said. */
export class KmsError extends Error {
  override readonly name: string = 'KmsError'
  readonly code: KmsErrorCode

  constructor(code: KmsErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}
