import type { JSONWebKeySet } from 'jose'

/** A JWK Set as it was fetched, to be kept where a worker starting cold finds it: a file, a KV, Redis. Plain JSON. */
export interface JwkSetSeed {
  /** The `uri` of the key set it belongs to; it is used for no other. For a discovered key set, the issuer. */
  readonly uri: string
  /** Where it was fetched, if that is not `uri`. Without it, the `etag` of a discovered key set is not used. @defaultValue `uri` */
  readonly url?: string
  readonly jwks: JSONWebKeySet
  /** When it was last fetched or confirmed: wall time, milliseconds since the epoch. */
  readonly fetchedAt: number
  readonly etag?: string
  /** Seconds the server allowed it to be kept (`Cache-Control: max-age`). */
  readonly maxAge?: number
  /** Seconds before `fetchedAt` from which newly published keys may be missing: how long caches had kept what was fetched. */
  readonly lag?: number
}

/** Where key sets of one issuer are shared between workers. Whatever it throws is as if it held nothing. */
export interface JwkSetStore {
  get(uri: string): Promise<JwkSetSeed | undefined>
  set(uri: string, seed: JwkSetSeed): Promise<void>
}

/** A store in this program's memory, for tests and for several verifiers in one program. */
export function createMemoryJwkSetStore(): JwkSetStore {
  const seeds = new Map<string, string>()
  return Object.freeze<JwkSetStore>({
    get: async (uri) => {
      const text = seeds.get(uri)
      return text === undefined ? undefined : (JSON.parse(text) as JwkSetSeed)
    },
    // Kept as text, as a store elsewhere would, so that nobody shares an object.
    set: async (uri, seed) => {
      seeds.set(uri, JSON.stringify(seed))
    },
  })
}
