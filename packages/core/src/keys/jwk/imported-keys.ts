import { recentMap } from '../../model/recent-map.ts'
import { importKey } from './import-key.ts'
import type { PublishedKey } from './key-selection.ts'
import type { Sharing } from '../sharing.ts'

const MOST = 256

// RSA keys may be used with six.
const ALGORITHMS_A_KEY = 6

/** Imports keys of one set of `size`, each once for each algorithm it is used with. */
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
    // Thousands of requests may wait for the first fetch, and then want the same key.
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
