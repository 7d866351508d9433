import type { CryptoKey } from 'jose'

import { toBase64url } from '../tokens/base64url.ts'

/**
 * Signs any text and returns the JWS signature in base64url (RFC 7515 section 5.1, step 5). Unlike a JWT library, it does not check
 * the signing input, so a test can sign malformed headers and claims.
 *
 * @param alg The `alg` value of the signature, such as `ES256`.
 */
export async function signInput(alg: string, key: CryptoKey, input: string): Promise<string> {
  const signature = await crypto.subtle.sign(parameters(alg, key), key, new TextEncoder().encode(input))
  return toBase64url(new Uint8Array(signature))
}

function parameters(alg: string, key: CryptoKey): { name: string; hash?: string; saltLength?: number } {
  const { name } = key.algorithm
  const bits = alg.slice(-3)
  if (name === 'ECDSA') return { name, hash: `SHA-${bits}` }
  if (name === 'RSA-PSS') return { name, saltLength: Number(bits) / 8 }
  return { name }
}
