/** Bytes or text (as UTF-8) in base64url without padding (RFC 7515 section 2). */
export function toBase64url(input: string | Uint8Array): string {
  return Buffer.from(input as Uint8Array).toString('base64url')
}

/** Decodes a base64url value to text. Lenient, because it is used only for our own tokens. */
export function fromBase64url(part: string): string {
  return Buffer.from(part, 'base64url').toString('utf8')
}
