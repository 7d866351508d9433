import type { KeysStaleEvent } from '../../model/events.ts'
import { ownOptions } from '../../model/values.ts'
import { misconfigured } from '../../options/option-rules.ts'
import type { FetchDocumentOptions, FetchedDocument } from '../fetch/fetch-document.ts'
import { entityTag, holdFresh } from '../fetch/fields.ts'
import { printedUri } from '../fetch/key-uri.ts'
import { type KeySet, MOST_KEYS, parseJwkSet } from '../jwk/jwk-set.ts'
import type { AttemptCause } from './attempt-history.ts'
import { keepAlive, startTimer } from './flight.ts'
import type { JwkSetSeed, ResolvedKeySetOptions } from './options.ts'
import { type Completeness, type Lifetime, refreshAheadAge } from './refresh-policy.ts'

/** A document, and when its request was sent, in monotonic milliseconds. */
export interface SentDocument extends FetchedDocument {
  readonly sentAt: number
}

/** Fetches one document within a flight. All documents of a flight share its deadline. */
export type FetchStep = (url: URL, options: Pick<FetchDocumentOptions, 'maxBytes' | 'etag'>) => Promise<SentDocument>

/** Why an address is needed, and what may be used to find it. */
export interface Errand {
  readonly cause: AttemptCause
  readonly fetch: FetchStep
  /** Called when an address that could not be confirmed stays in use. */
  readonly onStale: (trouble: Omit<KeysStaleEvent, 'type'>) => void
}

/** An address of a JWK Set. */
export interface LocatedSet {
  readonly url: URL
  /** Monotonic milliseconds: keys published before this are at this address, even if the issuer has moved them since. */
  readonly validTo: number
}

/** Where the JWK Set is: at a known address, or at one that metadata names. */
export interface KeyLocation {
  /** The ID of the key set in seeds and stores. */
  readonly id: string
  /** The name of the key set in messages and events, without query values, because these may be secrets. */
  readonly name: string
  /** @throws FetchError */
  locate(errand: Errand): Promise<LocatedSet>
  /** Whether the configuration names the origin or host of an address. Configured header fields are sent only to such addresses. */
  readonly trusts: (url: URL) => boolean
  /** Called if the set could not be fetched from its address. */
  readonly onFailure: (() => void) | undefined
}

/** A set, with its address and time of fetch. */
export interface HeldSet extends Lifetime, Completeness {
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

/** The lifetime of a set that was confirmed at `confirmedAt`, in monotonic milliseconds. */
export function lifetime(
  confirmedAt: number,
  maxAge: number | undefined,
  { freshFor, staleFor, random }: ResolvedKeySetOptions,
): Lifetime {
  const fresh = (maxAge ?? freshFor) * 1000
  return { confirmedAt, freshFor: fresh, refreshAfter: refreshAheadAge(fresh, random()), staleFor: staleFor * 1000 }
}

const SEED_MEMBERS: readonly (keyof JwkSetSeed)[] = ['uri', 'url', 'jwks', 'fetchedAt', 'etag', 'maxAge', 'lag']

// Clocks of two machines differ a little. A seed dated further ahead is not credible.
const LATEST_AHEAD = 5000

/**
 * Creates a set from a seed, if the seed belongs to this key set and is not too old to be served. Runs the same checks as for a fetched set.
 *
 * @throws FetchError for anything but a JWK Set
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
 * Checks a seed from the configuration. A seed that is only too old is not an error.
 *
 * @throws TypeError for a seed of another key set, or without a valid JWK Set
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

/** A seed that restores a set in another worker. */
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

/** The store's seed for a key set; `undefined` if the store fails, or takes longer than the soft wait or half the deadline. */
export async function readStore(
  id: string,
  { store, clock, softWait, timeout }: ResolvedKeySetOptions,
): Promise<JwkSetSeed | undefined> {
  if (!store) return undefined
  // A request waits for the store and then for the endpoint, within one deadline.
  const timer = startTimer(clock, Math.min(Math.max(softWait, SHORTEST_WAIT), timeout / 2) * 1000)
  const seed = await Promise.race([ask(async () => store.get(id)), timer.elapsed])
  timer.cancel()
  return typeof seed === 'object' && seed !== null ? seed : undefined
}

/** Writes a fetched set to the store in the background. Failures are ignored. */
export function writeStore(seed: JwkSetSeed, { store, waitUntil }: ResolvedKeySetOptions): void {
  if (store)
    keepAlive(
      waitUntil,
      ask(async () => store.set(seed.uri, seed)),
    )
}

const SHORTEST_WAIT = 0.1

async function ask<T>(question: () => Promise<T>): Promise<T | undefined> {
  try {
    return await question()
  } catch {
    return undefined
  }
}
