/**
 * An ECDSA signature as JWS wants it: r and s side by side, each of `coordinate` bytes (RFC 7518 section 3.4). It comes in
 * DER: a SEQUENCE of two INTEGERs (RFC 3279 section 2.2.3), which are as short as their values allow.
 *
 * `undefined` for anything but the one DER encoding of two positive numbers that fit.
 */
export const ecdsaSignature = (der: Uint8Array, coordinate: number): Uint8Array | undefined => {
  const outer = readElement(der, SEQUENCE)
  if (outer === undefined || outer.rest.length > 0) return undefined
  const first = readElement(outer.content, INTEGER)
  const second = first && readElement(first.rest, INTEGER)
  if (first === undefined || second === undefined || second.rest.length > 0) return undefined
  const r = magnitude(first.content)
  const s = magnitude(second.content)
  if (r === undefined || s === undefined || r.length > coordinate || s.length > coordinate) return undefined
  const signature = new Uint8Array(2 * coordinate)
  signature.set(r, coordinate - r.length)
  signature.set(s, 2 * coordinate - s.length)
  return signature
}

const SEQUENCE = 0x30
const INTEGER = 0x02
const LONG_LENGTH = 0x81

interface Element {
  readonly content: Uint8Array
  readonly rest: Uint8Array
}

const readElement = (bytes: Uint8Array, tag: number): Element | undefined => {
  const [found, short = 0, long = 0] = bytes
  const isLong = short === LONG_LENGTH
  // In DER the long form is for lengths that the short form cannot say.
  if (found !== tag || (isLong ? long < 0x80 : short >= 0x80)) return undefined
  const start = isLong ? 3 : 2
  const end = start + (isLong ? long : short)
  return end > bytes.length ? undefined : { content: bytes.subarray(start, end), rest: bytes.subarray(end) }
}

/** The bytes of a positive number, without the zero that keeps it from looking negative. */
const magnitude = (integer: Uint8Array): Uint8Array | undefined => {
  const [first, second = 0] = integer
  if (first === undefined || first >= 0x80) return undefined
  if (first > 0) return integer
  return second >= 0x80 ? integer.subarray(1) : undefined
}
