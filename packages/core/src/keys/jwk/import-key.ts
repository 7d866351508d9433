import type { CryptoKey, JWK } from 'jose'
import { importJWK } from 'jose/key/import'
import { AuthError } from '../../errors/auth-error.ts'
import { quote } from '../../errors/quote.ts'
import { recentMap } from '../../model/recent-map.ts'
import type { Sharing } from '../remote/flight.ts'
import type { PublicMaterial } from './lint.ts'
import type { PublishedKey } from './select-key.ts'

const materials = new WeakMap<CryptoKey, { readonly fingerprint: string; readonly kid: string | undefined }>()

/**
 * Imports a public key for one algorithm through jose. The key cannot be exported again. Its `kid` is kept for messages.
 *
 * @throws AuthError `key_unusable` if the runtime rejects it
 */
export async function importKey(material: PublicMaterial, alg: string, kid?: string): Promise<CryptoKey> {
  try {
    // jose requires `alg` in the key only for AKP, where it checks it.
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

/** Whether an imported key has the given material. */
export function isMadeOf(key: CryptoKey, material: PublicMaterial): boolean {
  return materials.get(key)?.fingerprint === fingerprint(material)
}

/** The key IDs of keys, for a message. Unknown for keys of another source. */
export function listKeys(keys: readonly CryptoKey[]): string {
  return keys
    .map((key) => (materials.get(key)?.kid === undefined ? 'one without kid' : quote(materials.get(key)?.kid)))
    .join(', ')
}

/** A text that is equal for keys of the same material. */
export function fingerprint({ kty, crv, n, e, x, y, pub }: PublicMaterial): string {
  return JSON.stringify([kty, crv, n, e, x, y, pub])
}

const MOST = 256

// An RSA key may be used with six algorithms.
const ALGORITHMS_A_KEY = 6

/** Imports the keys of a set of `size`, each once for each algorithm it is used with. */
export function importedKeys(size: number, sharing: Sharing): (key: PublishedKey, alg: string) => Promise<CryptoKey> {
  const imported = recentMap<string, CryptoKey>(Math.min(MOST, Math.max(1, size * ALGORITHMS_A_KEY)))
  const importing = new Map<string, Promise<CryptoKey>>()
  return async ({ index, kid, material }, alg) => {
    const name = `${index} ${alg}`
    const known = imported.get(name)
    if (known) return known
    const underWay = importing.get(name)
    if (underWay) return underWay
    const pending = importKey(material, alg, kid)
    // Thousands of requests may wait for the first fetch, and then need the same key.
    if (sharing === 'promise') importing.set(name, pending)
    try {
      const key = await pending
      imported.set(name, key)
      return key
    } finally {
      importing.delete(name)
    }
  }
}
