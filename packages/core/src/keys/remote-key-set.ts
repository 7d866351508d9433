import { misconfigured } from '../errors/misconfigured.ts'
import type { KeySource } from './key-source.ts'
import type { JwkSetSeed } from './jwk-set-store.ts'
import { uriFlaw } from './key-uri.ts'
import { locatedKeySet } from './located-key-set.ts'
import type { Freshness } from './refresh-policy.ts'
import { resolveKeySetOptions, type RemoteKeySetOptions } from './remote-key-set-options.ts'

export type { RemoteKeySetOptions, RemoteKeySetTuning } from './remote-key-set-options.ts'

/** Keys that are fetched, kept fresh, and kept through outages. */
export interface RemoteKeySet extends KeySource {
  /** Fetches the keys unless usable ones are at hand. Rejects with `AuthError` `keys_unavailable`. */
  ready(): Promise<void>
  /** Ends the fetch under way and begins no other; keys at hand go on being used until they are too old. */
  close(): void
  generation(): number
  describe(): string
  stats(): RemoteKeySetStats
  /** The set at hand as a seed for another worker; `undefined` where there is none. */
  export(): JwkSetSeed | undefined
}

/** Figures of a remote key set at one moment. */
export interface RemoteKeySetStats {
  readonly freshness: Freshness
  /** Usable keys at hand. */
  readonly keys: number
  /** Members of the set that are not used. */
  readonly skipped: number
  /** Seconds since the set was fetched or confirmed. */
  readonly age: number | undefined
  /** Attempts so far. */
  readonly attempts: number
  /** Attempts that failed since the last success. */
  readonly failures: number
  readonly generation: number
  /** Seconds until an attempt may begin; `Infinity` once closed. */
  readonly nextAttempt: number
}

/**
 * The keys of a JWK Set at an address (RFC 7517 section 5), fetched when a token needs them and never more often than
 * the bounds of `docs/threat-model.md` allow. Nothing is fetched before the first use, and an idle set costs nothing.
 *
 * `resolve` throws `AuthError`: `key_not_found`, `key_ambiguous`, `algorithm_key_mismatch` or `key_unusable` when the
 * set says so, and `keys_unavailable` (503) when it cannot be had or is too old to say.
 *
 * @throws TypeError for an address that is not https, and for options out of their range
 */
export function remoteKeySet(uri: string | URL, options: RemoteKeySetOptions = {}): RemoteKeySet {
  const resolved = resolveKeySetOptions(options)
  const url = parseUri(uri)
  const flaw = uriFlaw(url, resolved.plainHttp)
  if (flaw !== undefined) throw misconfigured('use remote key set', `its address ${flaw}`, withoutCredentials(url))
  return locatedKeySet({ id: url.href, locate: async () => url }, resolved)
}

function parseUri(uri: string | URL): URL {
  try {
    return new URL(uri)
  } catch {
    throw misconfigured('use remote key set', 'its address must be an absolute URL', String(uri))
  }
}

function withoutCredentials(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`
}
