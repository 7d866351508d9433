/** A claim that a denylist looks up. */
export type DeniedClaim = 'jti' | 'sub' | 'sid'

/**
 * The key of an entry: 1 to 200 printable ASCII characters, another one for every issuer, claim and value. Values come from
 * tokens and may be of any length: a key that would be too long is a SHA-256 digest.
 *
 * @param issuer the exact `iss`, or `null` for tokens without one
 */
export function denylistKey(issuer: string | null, claim: DeniedClaim, value: string): string | Promise<string> {
  const text = JSON.stringify([issuer, claim, value])
  return PLAIN.test(text) ? text : digest(text)
}

const PLAIN = /^[\u0020-\u007e]{1,200}$/

async function digest(text: string): Promise<string> {
  const bytes = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))
  return `sha256:${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`
}
