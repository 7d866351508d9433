import * as errors from 'jose/errors'
import { AuthError } from './auth-error.ts'

/** What jose threw while verifying a signature, in Claimgate's words. The one place that knows jose's errors. */
export function fromJose(error: unknown, algorithm: string): AuthError {
  if (error instanceof AuthError) return error
  if (error instanceof errors.JWSSignatureVerificationFailed)
    return new AuthError('signature_invalid', { cause: error })
  if (error instanceof errors.JOSENotSupported)
    return new AuthError('key_unusable', {
      actual: algorithm,
      hint: 'This JavaScript runtime does not support the algorithm',
      cause: error,
    })
  if (error instanceof errors.JOSEError) return new AuthError('signature_invalid', { cause: error })
  // jose's key checks and WebCrypto's own refusals: a key of another type, too small, or not usable for verifying.
  return new AuthError('algorithm_key_mismatch', {
    expected: `a key for ${algorithm}`,
    actual: 'another key',
    cause: error,
  })
}
