const ALPHABET = /^[A-Za-z0-9_-]*$/

/**
 * What keeps a text from being canonical base64url (RFC 7515 section 2, RFC 4648 section 3.5), or `undefined`: its alphabet only, no
 * padding, no white space, a possible length, and unused trailing bits zero, so that one value has one spelling.
 */
export function base64urlFlaw(text: string): string | undefined {
  if (!ALPHABET.test(text)) return 'characters outside the base64url alphabet'
  if (text.length % 4 === 1) return 'an impossible length'
  return hasUnusedBits(text) ? 'trailing bits that are not zero' : undefined
}

/** Whether bits that stand for no byte are set at the end of a base64url text. Looks at nothing else. */
export function hasUnusedBits(text: string): boolean {
  // Two characters carry 12 bits for one byte, three carry 18 for two: the last 4 or 2 bits mean nothing.
  const rest = text.length % 4
  const unusedBits = rest === 2 ? 0b1111 : rest === 3 ? 0b11 : 0
  return unusedBits !== 0 && (valueOf(text.charCodeAt(text.length - 1)) & unusedBits) !== 0
}

// The six bits a character of the alphabet stands for.
function valueOf(unit: number): number {
  if (unit >= 97) return unit - 71
  if (unit === 95) return 63
  if (unit >= 65) return unit - 65
  if (unit === 45) return 62
  return unit + 4
}
