import type { CryptoKey } from 'jose'
import { misconfigured } from '../errors/misconfigured.ts'
import { type SymmetricAlgorithm, algorithmTraits } from '../model/algorithm.ts'
import type { JoseHeader } from '../model/token.ts'
import type { KeySource } from './key-source.ts'

/**
 * An HMAC secret as the only key there is (RFC 7518 section 3.2). `kid` is not looked at.
 *
 * @throws TypeError for a secret shorter than the hash of any of the algorithms
 */
export function secretKey(secret: string | Uint8Array, algorithms: readonly SymmetricAlgorithm[]): KeySource {
  const bytes = typeof secret === 'string' ? new TextEncoder().encode(secret) : Uint8Array.from(secret)
  for (const algorithm of algorithms) {
    const fewest = algorithmTraits[algorithm].secretBytes ?? 0
    if (bytes.length < fewest)
      throw misconfigured(
        'use secret',
        `"secret" must have at least ${fewest} bytes for ${algorithm}`,
        `${bytes.length} bytes`,
      )
  }
  const imported = new Map<string, CryptoKey>()
  return {
    resolve: async ({ alg }: JoseHeader) => {
      const known = imported.get(alg)
      if (known !== undefined) return known
      const parameters = { name: 'HMAC', hash: `SHA-${alg.slice(2)}` }
      const key = await crypto.subtle.importKey('raw', bytes, parameters, false, ['verify'])
      imported.set(alg, key)
      return key
    },
    current: ({ alg }: JoseHeader) => imported.get(alg),
    describe: () => 'a secret',
  }
}
