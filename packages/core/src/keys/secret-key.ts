import type { CryptoKey } from 'jose'
import { algorithmTraits, parametersOf, type SymmetricAlgorithm } from '../model/algorithm.ts'
import type { JoseHeader } from '../model/token.ts'
import { bare, bytesIn, own } from '../model/values.ts'
import { kindOf, misconfigured } from '../options/option-rules.ts'
import type { KeySource } from './key-source.ts'
import { jwkOfDer, type KeyText, readKeyText } from './key-text.ts'

/**
 * An HMAC secret as the only key (RFC 7518 section 3.2): bytes, or text, used as UTF-8 bytes. Ignores `kid`.
 *
 * @throws TypeError for a secret shorter than the hash of any of the algorithms, for text with quotes or white space around it, and
 * for a public key, because it is not secret
 */
export function secretKey(secret: string | Uint8Array, algorithms: readonly SymmetricAlgorithm[]): KeySource {
  const bytes = bytesOf(secret)
  for (const algorithm of algorithms) {
    const fewest = algorithmTraits[algorithm].secretBytes ?? 0
    if (bytes.length < fewest)
      throw misconfigured(
        ACTION,
        `"secret" must have at least ${fewest} bytes for ${algorithm}`,
        `${bytes.length} bytes`,
      )
  }
  const imported = new Map<string, CryptoKey>()
  return bare({
    resolve: async ({ alg }: JoseHeader) => {
      const known = imported.get(alg)
      if (known !== undefined) return known
      const key = await crypto.subtle.importKey('raw', bytes, parametersOf(alg), false, ['verify'])
      imported.set(alg, key)
      return key
    },
    current: ({ alg }: JoseHeader) => imported.get(alg),
    describe: () => 'a secret',
  })
}

const ACTION = 'use secret'

// Never quotes the secret.
function bytesOf(secret: unknown): Uint8Array<ArrayBuffer> {
  const flaw = flawOf(secret)
  if (flaw !== undefined) throw misconfigured(ACTION, `"secret" must be text, or bytes as a Uint8Array, found ${flaw}`)
  if (typeof secret === 'string') return new TextEncoder().encode(secret)
  return Uint8Array.from(bytesIn(secret as ArrayBufferView))
}

function flawOf(secret: unknown): string | undefined {
  const read = readKeyText(secret)
  if (read.kind === 'jwk' && own(read.jwk, 'kty') === 'oct')
    return 'a JWK: give the bytes that its "k" is the base64url of'
  // Anyone who has the public key could sign with it.
  if (read.kind !== 'other' && holdsPublicKey(read)) return 'a public key: give it as "publicKey"'
  if (read.kind === 'pem') return `a PEM of "${read.label}"`
  if (typeof secret !== 'string') return ArrayBuffer.isView(secret) ? undefined : kindOf(secret)
  if (/^(["'`]).*\1$/s.test(secret)) return 'quotes around it: take them off'
  return secret === secret.trim() ? undefined : 'white space around it: take it off, or give the bytes'
}

function holdsPublicKey(read: Exclude<KeyText, { readonly kind: 'other' }>): boolean {
  if (read.kind === 'jwk') return true
  return jwkOfDer('PUBLIC KEY', read.der) !== undefined || jwkOfDer('CERTIFICATE', read.der) !== undefined
}
