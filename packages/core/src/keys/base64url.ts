const CANONICAL = /^[A-Za-z0-9_-]*$/

/**
 * Bytes of a base64url text in its one canonical spelling (RFC 7515 section 2): no padding, no white space, no spare
 * bits. Anything else, and a text longer than `longest` bytes encode to, gives `undefined`.
 */
export function bytesOf(text: unknown, longest: number): Uint8Array<ArrayBuffer> | undefined {
  if (typeof text !== 'string' || text.length > Math.ceil((longest * 4) / 3)) return undefined
  if (!CANONICAL.test(text) || text.length % 4 === 1) return undefined
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
  const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0))
  return spareBitsAreZero(text) ? bytes : undefined
}

/** An unsigned big-endian number (RFC 7518 section 2, Base64urlUInt). */
export function numberOf(bytes: Uint8Array): bigint {
  let hex = '0x0'
  for (const byte of bytes) hex += byte.toString(16).padStart(2, '0')
  return BigInt(hex)
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

function spareBitsAreZero(text: string): boolean {
  const last = ALPHABET.indexOf(text.at(-1) ?? 'A')
  if (text.length % 4 === 2) return (last & 0b1111) === 0
  if (text.length % 4 === 3) return (last & 0b11) === 0
  return true
}
