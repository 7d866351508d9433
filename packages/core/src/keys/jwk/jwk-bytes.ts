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

/**
 * Bytes of key material as JOSE libraries read it, where it can mean only one thing: base64url or base64, with the padding that belongs
 * there or without. Anything else, and a text longer than `longest` bytes encode to, gives `undefined`.
 */
export function materialBytes(text: unknown, longest: number): Uint8Array | undefined {
  if (typeof text !== 'string' || text.length > Math.ceil((longest * 4) / 3) + 2) return undefined
  const unpadded = text.length % 4 === 0 ? text.replace(/={1,2}$/, '') : text
  return bytesOf(unpadded.replaceAll('+', '-').replaceAll('/', '_'), longest)
}

/** The same number without leading zero bytes. */
export function withoutLeadingZeros(bytes: Uint8Array): Uint8Array {
  const first = bytes.findIndex((byte) => byte !== 0)
  return first < 0 ? bytes.subarray(bytes.length) : bytes.subarray(first)
}

/** The same number in exactly so many bytes, or `undefined` for no bytes or a larger number. */
export function inBytes(bytes: Uint8Array | undefined, length: number): Uint8Array | undefined {
  if (bytes?.length === length || bytes === undefined) return bytes
  const number = withoutLeadingZeros(bytes)
  if (bytes.length === 0 || number.length > length) return undefined
  const padded = new Uint8Array(length)
  padded.set(number, length - number.length)
  return padded
}

/** An unsigned big-endian number (RFC 7518 section 2, Base64urlUInt). */
export function numberOf(bytes: Uint8Array): bigint {
  let hex = '0x0'
  for (const byte of bytes) hex += byte.toString(16).padStart(2, '0')
  return BigInt(hex)
}
