import { base64url } from 'jose'
import { AuthError } from '../errors/auth-error.ts'

/**
 * The bytes of canonical base64url (RFC 7515 section 2, RFC 4648 section 3.5): its alphabet only, no padding, no white space, a
 * possible length, and unused trailing bits zero, so that one value has one spelling.
 *
 * @param part - what is decoded, for the message
 * @throws AuthError `token_encoding`
 */
export function decodeBase64url(text: string, part: string): Uint8Array {
  if (!ALPHABET.test(text)) throw notCanonical(part, 'characters outside the base64url alphabet')
  const rest = text.length % 4
  if (rest === 1) throw notCanonical(part, 'an impossible length')
  // Two characters carry 12 bits for one byte, three carry 18 for two: the last 4 or 2 bits mean nothing.
  const unusedBits = rest === 2 ? 0b1111 : rest === 3 ? 0b11 : 0
  if (unusedBits !== 0 && (valueOf(text.charCodeAt(text.length - 1)) & unusedBits) !== 0)
    throw notCanonical(part, 'trailing bits that are not zero')
  return base64url.decode(text)
}

const ALPHABET = /^[A-Za-z0-9_-]*$/

function valueOf(unit: number): number {
  if (unit >= 97) return unit - 71
  if (unit === 95) return 63
  if (unit >= 65) return unit - 65
  if (unit === 45) return 62
  return unit + 4
}

function notCanonical(part: string, actual: string): AuthError {
  return new AuthError('token_encoding', { expected: `canonical base64url in the ${part}`, actual })
}
