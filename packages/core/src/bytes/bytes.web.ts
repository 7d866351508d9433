import * as base64url from 'jose/base64url'
import { withoutStacks } from '../model/runtime.ts'
import { base64urlFlaw } from './base64url.ts'

const encoder = new TextEncoder()

/** The bytes of canonical base64url (RFC 7515 section 2), or `undefined` for any other text. */
export function decodeBase64url(text: string): Uint8Array<ArrayBuffer> | undefined {
  return base64urlFlaw(text) === undefined ? (base64url.decode(text) as Uint8Array<ArrayBuffer>) : undefined
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The text of UTF-8 bytes, with any byte order mark, or `undefined` for other bytes. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  const restoreStacks = withoutStacks()
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  } finally {
    restoreStacks()
  }
}

/** The bytes of a text known to be ASCII. */
export function asciiBytes(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text)
}

/** The base64url of the SHA-256 of a text. */
export async function sha256(text: string): Promise<string> {
  return base64url.encode(new Uint8Array(await crypto.subtle.digest('SHA-256', encoder.encode(text))))
}
