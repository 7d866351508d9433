import type { RemoteKeySet } from '../keys/remote-key-set.ts'
import { recentMap } from '../model/recent-map.ts'

/** The fetched key sets of a verifier, one for each address, however many issuers share it. */
export interface KeySources {
  /** The key set of an address, made at the first time it is asked for. */
  at(address: string, make: () => RemoteKeySet): RemoteKeySet
  /** Ends background work in all of them, now and for those still to come. */
  close(): void
}

// Far more issuers than a verifier serves: a key set that is dropped forgets how often it has fetched.
const MOST_KEY_SETS = 10_000

/**
 * Key sets by address. One that is dropped for want of room is not closed: requests may wait for it, and an idle one costs nothing.
 */
export function keySources(): KeySources {
  const sources = recentMap<string, RemoteKeySet>(MOST_KEY_SETS)
  let closed = false
  return {
    at: (address, make) => {
      const known = sources.get(address)
      if (known !== undefined) return known
      const made = make()
      if (closed) made.close()
      sources.set(address, made)
      return made
    },
    close: () => {
      closed = true
      for (const source of sources.values()) source.close()
    },
  }
}
