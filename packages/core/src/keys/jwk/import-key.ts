import type { CryptoKey, JWK } from 'jose'
import { importJWK } from 'jose/key/import'

import { AuthError } from '../../errors/auth-error.ts'
import { quote } from '../../errors/quote.ts'
import type { PublicMaterial } from './jwk-lint.ts'

const materials = new WeakMap<CryptoKey, { readonly fingerprint: string; readonly kid: string | undefined }>()

/**
 * Imports a public key for one algorithm through jose. The key cannot be exported again. Its `kid` is kept for messages.
 *
 * @throws AuthError `key_unusable` where the runtime does not take it
 */
export async function importKey(material: PublicMaterial, alg: string, kid?: string): Promise<CryptoKey> {
  try {
    // jose wants the algorithm inside the key for AKP only, and has a name of its own check there.
    const jwk = (material.kty === 'AKP' ? { ...material, alg } : material) as JWK
    const key = await importJWK(jwk, alg, { extractable: false })
    if (!(key instanceof CryptoKey)) throw new TypeError('not a public key')
    materials.set(key, { fingerprint: fingerprint(material), kid })
    return key
  } catch (cause) {
    throw new AuthError('key_unusable', {
      actual: `${material.kty}${material.crv === undefined ? '' : ` ${material.crv}`} for ${alg}`,
      hint: 'The runtime does not support this algorithm, or does not accept the key.',
      cause,
    })
  }
}

/** Whether a key imported earlier is made of the same material. */
export function isMadeOf(key: CryptoKey, material: PublicMaterial): boolean {
  return materials.get(key)?.fingerprint === fingerprint(material)
}

/** The key IDs of keys, for a message; of a key of another source nothing is known. */
export function listKeys(keys: readonly CryptoKey[]): string {
  return keys
    .map((key) => (materials.get(key)?.kid === undefined ? 'one without kid' : quote(materials.get(key)?.kid)))
    .join(', ')
}

/** A text that is the same for keys of the same material. */
export function fingerprint({ kty, crv, n, e, x, y, pub }: PublicMaterial): string {
  return JSON.stringify([kty, crv, n, e, x, y, pub])
}
