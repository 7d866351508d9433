import { LRUCache } from 'lru-cache'

import { importKey } from './import-key.ts'
import type { PublishedKey } from './key-selection.ts'
import type { Sharing } from '../sharing.ts'

const MOST = 256

/** Imports keys of one set, each once for each algorithm it is used with. */
export function importedKeys(sharing: Sharing): (key: PublishedKey, alg: string) => Promise<CryptoKey> {
  const imported = new LRUCache<string, CryptoKey>({ max: MOST })
  const importing = new Map<string, Promise<CryptoKey>>()
  return async ({ index, material }, alg) => {
    const name = `${index} ${alg}`
    const known = imported.get(name)
    if (known) return known
    const underWay = importing.get(name)
    if (underWay) return underWay
    const pending = importKey(material, alg)
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
