import * as base64url from 'jose/base64url'

import { base64urlFlaw } from '../../model/base64url.ts'

/**
 * Bytes of a base64url text in its one canonical spelling (RFC 7515 section 2): no padding, no white space, no spare
 * bits. Anything else, and a text longer than `longest` bytes encode to, gives `undefined`.
 */
export function bytesOf(text: unknown, longest: number): Uint8Array | undefined {
  if (typeof text !== 'string' || text.length > Math.ceil((longest * 4) / 3)) return undefined
  return base64urlFlaw(text) === undefined ? base64url.decode(text) : undefined
}

/** An unsigned big-endian number (RFC 7518 section 2, Base64urlUInt). */
export function numberOf(bytes: Uint8Array): bigint {
  let hex = '0x0'
  for (const byte of bytes) hex += byte.toString(16).padStart(2, '0')
  return BigInt(hex)
}
