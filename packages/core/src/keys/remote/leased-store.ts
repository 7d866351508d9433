import type { Clock } from '../../model/runtime.ts'
import { isObject, own } from '../../model/values.ts'
import type { JwkSetSeed, JwkSetStore } from './options.ts'

/** Where processes keep key sets, and leases of which one process holds each. Addresses of key sets are the names. */
export interface LeasedStorage {
  read(uri: string): Promise<JwkSetSeed | undefined>
  write(uri: string, seed: JwkSetSeed, seconds: number | undefined): Promise<void>
  /** Whether the lease was free, or has run out. */
  takeLease(uri: string): Promise<boolean>
  /** Releases the lease if this process holds it. */
  releaseLease(uri: string): Promise<void>
}

/**
 * A store of which one process fetches a set, and the others use it: a process takes a lease before it fetches. The others wait for its set,
 * and fetch themselves if it takes longer than the lease or than they may wait.
 */
export function leasedJwkSets(storage: LeasedStorage, clock: Clock): JwkSetStore {
  return Object.freeze<JwkSetStore>({
    get: async (uri, wanted) => {
      if (wanted === undefined) return storage.read(uri)
      const { seconds } = wanted
      const newerThan = own(wanted, 'newerThan') ?? Number.NEGATIVE_INFINITY
      const until = clock.monotonic() + seconds * 1000 * SHARE
      const readNewer = async (): Promise<JwkSetSeed | undefined> => {
        const seed = await storage.read(uri)
        return seed !== undefined && seed.fetchedAt > newerThan ? seed : undefined
      }
      for (;;) {
        const seed = await readNewer()
        if (seed !== undefined) return seed
        if (await storage.takeLease(uri)) {
          // Another process may have stored its set and released the lease in between.
          const stored = await readNewer()
          if (stored !== undefined) await storage.releaseLease(uri)
          return stored
        }
        const left = until - clock.monotonic()
        if (left <= 0) return undefined
        await new Promise<void>((resolve) => void clock.setTimeout(resolve, Math.min(POLL_EVERY, left)))
      }
    },
    set: async (uri, seed, seconds) => {
      try {
        await storage.write(uri, seed, seconds)
      } finally {
        // Without a stored set, the next process fetches at once instead of waiting for the lease to run out.
        await storage.releaseLease(uri)
      }
    },
    failed: async (uri) => storage.releaseLease(uri),
  })
}

// Milliseconds.
const POLL_EVERY = 50
// The caller must get the answer before it stops waiting. Otherwise the lease would be taken without a fetch.
const SHARE = 0.8

/** Whether a stored object is a seed of that key set. The verifier checks its keys. */
export function isSeedOf(uri: string, value: unknown): value is JwkSetSeed {
  if (!isObject(value)) return false
  const jwks = own(value, 'jwks')
  return own(value, 'uri') === uri && isObject(jwks) && Number.isFinite(own(value, 'fetchedAt'))
}
