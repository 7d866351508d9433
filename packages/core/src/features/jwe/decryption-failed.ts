import { AuthError, type AuthErrorDetails } from '../../extend.ts'

/**
 * The one error for a token that cannot be decrypted. What a key, a key agreement, an unwrapping or an authentication tag says is not
 * told apart, not even by the `cause`: that would be an oracle for whoever reads answers or logs (RFC 7516 section 11.5). Only what the
 * token's header says in plain text, such as an unknown `kid`, may come with details.
 */
export function decryptionFailed(details: AuthErrorDetails = { hint: ANY_REASON }): AuthError {
  return new AuthError('token_decryption_failed', details)
}

const ANY_REASON = 'It was changed, encrypted to another key, or encrypted in another way than its header says'
