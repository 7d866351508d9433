import { bare, has, isObject, ownOptions } from '../../model/values.ts'
import { misconfigured } from '../../options/option-rules.ts'
import { clampFreshness, entityTag } from '../fetch/fetch-document.ts'
import { printedUri } from '../fetch/key-uri.ts'
import { type KeySet, MOST_KEYS, parseJwkSet } from '../jwk/jwk-set.ts'
import type { JwkSetSeed, JwkSetStore, ResolvedKeySetOptions } from './options.ts'
import { type Completeness, type Lifetime, lifetime } from './refresh-policy.ts'
import { keepAlive, startTimer } from './shared-fetch.ts'

/** A set with its address and its time of fetch. */
export interface CachedKeySet extends Lifetime, Completeness {
  readonly set: KeySet
  /** Where it was fetched; the seed's `uri` if a seed has no `url`. */
  readonly url: string
  /** The text it was parsed from; unknown for a seed. */
  readonly text: string | undefined
  readonly etag: string | undefined
  /** Wall time, milliseconds since the epoch. */
  readonly fetchedAt: number
  /** Seconds the server allowed. */
  readonly maxAge: number | undefined
}

const SEED_MEMBERS: readonly (keyof JwkSetSeed)[] = ['uri', 'url', 'jwks', 'fetchedAt', 'etag', 'maxAge', 'lag']

// Clocks of two machines differ a little. A seed dated further ahead is not credible.
const LATEST_AHEAD = 5000

/**
 * Creates a set from a seed, if the seed belongs to this key set and is not too old to be used. Runs the same checks as for a fetched set.
 *
 * @throws FetchError for anything but a JWK Set
 */
export function setFromSeed(seed: JwkSetSeed, id: string, options: ResolvedKeySetOptions): CachedKeySet | undefined {
  const { clock, freshFor, maxKeys, sharing } = options
  const { uri, url, fetchedAt, jwks, etag, maxAge: allowed, lag } = ownOptions(seed, SEED_MEMBERS)
  const age = clock.now() - fetchedAt
  if (uri !== id || typeof fetchedAt !== 'number' || !(age >= -LATEST_AHEAD)) return undefined
  const maxAge = typeof allowed === 'number' && Number.isFinite(allowed) ? clampFreshness(allowed) : undefined
  const times = lifetime(clock.monotonic() - Math.max(0, age), maxAge ?? freshFor, options)
  if (clock.monotonic() >= times.usableUntil) return undefined
  const set = parseJwkSet(jwks, { maxKeys, sharing })
  if (set.size === 0) return undefined
  return {
    ...times,
    completeTo: times.confirmedAt - 1000 * (typeof lag === 'number' && lag > 0 ? lag : 0),
    attempt: 0,
    set,
    url: typeof url === 'string' ? url : uri,
    text: undefined,
    etag: entityTag(etag),
    fetchedAt,
    maxAge,
  }
}

/**
 * Checks a seed from the configuration. A seed that is only too old is not an error.
 *
 * @throws TypeError for a seed of another key set, or without a valid JWK Set
 */
export function checkSeed(given: JwkSetSeed, { id }: { readonly id: string }): JwkSetSeed {
  const seed = ownOptions(given, SEED_MEMBERS)
  if (seed.uri !== id)
    throw misconfigured('use remote key set', `"seed" must be of ${printedUri(id) as string}`, printedUri(seed.uri))
  try {
    parseJwkSet(seed.jwks, { maxKeys: MOST_KEYS })
    return seed
  } catch {
    throw misconfigured('use remote key set', '"seed" must hold a JWK Set')
  }
}

/** A seed that restores a set in another worker. */
export function seedOf(cached: CachedKeySet, id: string): JwkSetSeed {
  const { set, url, fetchedAt, etag, maxAge, confirmedAt, completeTo } = cached
  const lag = Math.ceil((confirmedAt - completeTo) / 1000)
  return {
    uri: id,
    ...(url !== id && { url }),
    jwks: set.toJwks(),
    fetchedAt,
    ...(etag !== undefined && { etag }),
    ...(maxAge !== undefined && { maxAge }),
    ...(lag > 0 && { lag }),
  }
}

/** The store's seed for a key set; `undefined` if the store fails, or takes longer than the soft wait or half the deadline. */
export async function readStore(
  id: string,
  store: JwkSetStore,
  newerThan: number | undefined,
  { clock, softWait, timeout }: ResolvedKeySetOptions,
): Promise<JwkSetSeed | undefined> {
  // A request waits for the store and then for the endpoint, within one deadline.
  const seconds = Math.min(Math.max(softWait, SHORTEST_WAIT), timeout / 2)
  const timer = startTimer(clock, seconds * 1000)
  const wanted = Object.freeze(bare({ seconds, ...(newerThan !== undefined && { newerThan }) }))
  const seed = await Promise.race([orUndefined(async () => store.get(id, wanted)), timer.elapsed])
  timer.cancel()
  return isObject(seed) ? seed : undefined
}

const SHORTEST_WAIT = 0.1

/** Writes a set to the store in the background. Failures are ignored. */
export function writeStore(
  next: CachedKeySet,
  id: string,
  store: JwkSetStore,
  { clock, waitUntil }: ResolvedKeySetOptions,
): void {
  const seconds = Math.max(1, Math.ceil((next.usableUntil - clock.monotonic()) / 1000))
  const written = orUndefined(async () => store.set(id, seedOf(next, id), seconds))
  keepAlive(waitUntil, written)
}

/** Tells the store in the background that a fetch has failed. Failures are ignored. */
export function reportToStore(id: string, store: JwkSetStore, { waitUntil }: ResolvedKeySetOptions): void {
  if (!has(store, 'failed')) return
  const reported = orUndefined(async () => store.failed?.(id))
  keepAlive(waitUntil, reported)
}

async function orUndefined<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask()
  } catch {
    return undefined
  }
}
