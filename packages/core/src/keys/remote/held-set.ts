import { misconfigured } from '../../errors/misconfigured.ts'
import { holdFresh } from '../fetch/cache-control.ts'
import { entityTag } from '../fetch/entity-tag.ts'
import { ownOptions } from '../../model/own.ts'
import type { JwkSetSeed } from '../jwk-set-store.ts'
import { MOST_KEYS, parseJwkSet, type KeySet } from '../jwk/jwk-set.ts'
import { printedUri } from '../fetch/printed-address.ts'
import type { KeyLocation } from './key-location.ts'
import { refreshAheadAge, type Completeness, type Lifetime } from './refresh-policy.ts'
import type { ResolvedKeySetOptions } from './remote-key-set-options.ts'

/** A set with where and when it came from. */
export interface HeldSet extends Lifetime, Completeness {
  readonly set: KeySet
  /** Where it was fetched; the seed's `uri` where a seed does not say. */
  readonly url: string
  /** The text it was parsed from; unknown for a seed. */
  readonly text: string | undefined
  readonly etag: string | undefined
  /** Wall time, milliseconds since the epoch. */
  readonly fetchedAt: number
  /** Seconds the server allowed. */
  readonly maxAge: number | undefined
}

/** How long a set lives that was confirmed at `confirmedAt`, monotonic milliseconds. */
export function lifetime(
  confirmedAt: number,
  maxAge: number | undefined,
  { freshFor, staleFor, random }: ResolvedKeySetOptions,
): Lifetime {
  const fresh = (maxAge ?? freshFor) * 1000
  return { confirmedAt, freshFor: fresh, refreshAfter: refreshAheadAge(fresh, random()), staleFor: staleFor * 1000 }
}

const SEED_MEMBERS: readonly (keyof JwkSetSeed)[] = ['uri', 'url', 'jwks', 'fetchedAt', 'etag', 'maxAge', 'lag']

// Clocks of two machines differ a little; a seed from further ahead was not made by an honest one.
const LATEST_AHEAD = 5000

/**
 * A set from a seed, if it belongs to this key set and is not older than what may be served. Passes the checks of a
 * fetched one.
 *
 * @throws FetchError for what is no JWK Set
 */
export function heldFromSeed(seed: JwkSetSeed, id: string, options: ResolvedKeySetOptions): HeldSet | undefined {
  const { clock, maxKeys, sharing } = options
  const { uri, url, fetchedAt, jwks, etag, maxAge, lag } = ownOptions(seed, SEED_MEMBERS)
  const age = clock.now() - fetchedAt
  if (uri !== id || typeof fetchedAt !== 'number' || !(age >= -LATEST_AHEAD)) return undefined
  const allowed = typeof maxAge === 'number' && Number.isFinite(maxAge) ? holdFresh(maxAge) : undefined
  const life = lifetime(clock.monotonic() - Math.max(0, age), allowed, options)
  if (age >= life.freshFor + life.staleFor) return undefined
  const set = parseJwkSet(jwks, { maxKeys, sharing })
  if (set.size === 0) return undefined
  return {
    ...life,
    completeTo: life.confirmedAt - 1000 * (typeof lag === 'number' && lag > 0 ? lag : 0),
    attempt: 0,
    set,
    url: typeof url === 'string' ? url : uri,
    text: undefined,
    etag: entityTag(etag),
    fetchedAt,
    maxAge: allowed,
  }
}

/**
 * A seed given in the configuration. One that is merely too old is no mistake.
 *
 * @throws TypeError for a seed of another key set, or no JWK Set in it
 */
export function checkSeed(given: JwkSetSeed, { id, name }: Pick<KeyLocation, 'id' | 'name'>): JwkSetSeed {
  const seed = ownOptions(given, SEED_MEMBERS)
  if (seed.uri !== id) throw misconfigured('use remote key set', `"seed" must be of ${name}`, printedUri(seed.uri))
  try {
    parseJwkSet(seed.jwks, { maxKeys: MOST_KEYS })
    return seed
  } catch {
    throw misconfigured('use remote key set', '"seed" must hold a JWK Set')
  }
}

/** The seed that brings a set back elsewhere. */
export function seedOf(held: HeldSet, id: string): JwkSetSeed {
  const { set, url, fetchedAt, etag, maxAge, confirmedAt, completeTo } = held
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
