const ALPHABET = /^[A-Za-z0-9_-]*$/

/**
 * Why a text is not canonical base64url (RFC 7515 section 2, RFC 4648 section 3.5), or `undefined` if it is: only its alphabet, no
 * padding, no white space, a possible length, and zero in the unused trailing bits, so one value has one spelling.
 */
export function base64urlFlaw(text: string): string | undefined {
  if (!ALPHABET.test(text)) return 'characters outside the base64url alphabet'
  if (text.length % 4 === 1) return 'an impossible length'
  return hasUnusedBits(text) ? 'trailing bits that are not zero' : undefined
}

/** Whether the unused bits at the end of a base64url text are set. Checks nothing else. */
export function hasUnusedBits(text: string): boolean {
  // Two characters carry 12 bits for one byte, three carry 18 for two: the last 4 or 2 bits are unused.
  const rest = text.length % 4
  if (rest < 2) return false
  return (VALUES.indexOf(text.slice(-1)) & (rest === 2 ? 0b1111 : 0b11)) !== 0
}

// Each character encodes its index.
const VALUES = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
