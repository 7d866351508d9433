import type { CryptoKey, JWK } from 'jose'
import { importJWK } from 'jose/key/import'

import { AuthError } from '../../errors/auth-error.ts'
import type { PublicMaterial } from './jwk-lint.ts'

const materials = new WeakMap<CryptoKey, string>()

/**
 * Imports a public key for one algorithm through jose. The key cannot be exported again.
 *
 * @throws AuthError `key_unusable` where the runtime does not take it
 */
export async function importKey(material: PublicMaterial, alg: string): Promise<CryptoKey> {
  try {
    // jose wants the algorithm inside the key for AKP only, and has a name of its own check there.
    const jwk = (material.kty === 'AKP' ? { ...material, alg } : material) as JWK
    const key = await importJWK(jwk, alg, { extractable: false })
    if (!(key instanceof CryptoKey)) throw new TypeError('not a public key')
    materials.set(key, fingerprint(material))
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
  return materials.get(key) === fingerprint(material)
}

function fingerprint({ kty, crv, n, e, x, y, pub }: PublicMaterial): string {
  return JSON.stringify([kty, crv, n, e, x, y, pub])
}
