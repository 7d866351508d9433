import { Buffer, isUtf8 } from 'node:buffer'
import { hash } from 'node:crypto'
import { hasUnusedBits } from './base64url.ts'

const PLUS = '+'
const SLASH = '/'

/** The bytes of canonical base64url (RFC 7515 section 2), or `undefined` for any other text. */
export function decodeBase64url(text: string): Uint8Array<ArrayBuffer> | undefined {
  const { length } = text
  // Node reads only the low byte of a character, so it would read U+0141 as an A.
  if (length % 4 === 1 || Buffer.byteLength(text) !== length) return undefined
  // Node skips unknown characters, so anything foreign except the other base64 alphabet changes the length.
  const bytes = Buffer.from(text, 'base64url')
  const isCanonical =
    bytes.length === Math.floor((length * 3) / 4) &&
    !text.includes(PLUS) &&
    !text.includes(SLASH) &&
    !hasUnusedBits(text)
  return isCanonical ? bytes : undefined
}

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })

/** The text of UTF-8 bytes, with any byte order mark, or `undefined` for other bytes. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  // A fatal decoder throws, which costs as much as all the rest of a refusal.
  return isUtf8(bytes) ? utf8.decode(bytes) : undefined
}

/** The bytes of a text known to be ASCII. */
export function asciiBytes(text: string): Uint8Array<ArrayBuffer> {
  return Buffer.from(text, 'latin1')
}

/** The base64url of the SHA-256 of a text. At once, because a turn in the thread pool costs more than the hash of a short text. */
export function sha256(text: string): string | Promise<string> {
  return hash('sha256', text, 'base64url')
}
