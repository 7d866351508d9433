import type { JwkSetSeed, JwkSetStore } from '@claimgate/core'
import type { KeyValueNamespace } from './bindings.ts'

// Two days: longer than the fresh and stale periods of a set together, after which it is not used.
const SECONDS_KEPT = 172_800

/** Stores key sets in a KV namespace as JSON text, one entry per URL. */
export function kvJwkSetStore(namespace: KeyValueNamespace): JwkSetStore {
  return {
    get: async (uri) => {
      const text = await namespace.get(entryName(uri))
      return text === null ? undefined : (JSON.parse(text) as JwkSetSeed)
    },
    set: async (uri, seed) => namespace.put(entryName(uri), JSON.stringify(seed), { expirationTtl: SECONDS_KEPT }),
  }
}

function entryName(uri: string): string {
  return `jwk-set:${uri}`
}
