import type { CryptoKey } from 'jose'
import { asError, AuthError } from '../../errors/auth-error.ts'
import { emit } from '../../model/events.ts'
import type { JoseHeader } from '../../model/token.ts'
import { bare, chained, own, rejectedSoon, type Soon } from '../../model/values.ts'
import { misconfigured } from '../../options/option-rules.ts'
import { FetchError, retrySeconds } from '../fetch/fetch-error.ts'
import { configuredUriFlaw, isNamedHttp, isUrl, printedAddress, printedUri } from '../fetch/key-uri.ts'
import { hasMaterial, type KeySet } from '../jwk/jwk-set.ts'
import { foundKeys, keyCount, listKids, onlyKey, type RefusalContext, type Selection } from '../jwk/select-key.ts'
import type { KeyContext, KeySource, KeySourceStats } from '../key-source.ts'
import type { AttemptCause } from './attempt-history.ts'
import {
  type JwkSetSeed,
  type RemoteKeySetOptions,
  type ResolvedKeySetOptions,
  resolveKeySetOptions,
} from './options.ts'
import { canDeny, decide, type FetchOpening, type Issuance, type KidKnowledge } from './refresh-policy.ts'
import { type JwkSetLocator, keySetRefresh } from './refresh.ts'
import { type CachedKeySet, seedOf } from './seed.ts'
import { type SharedFetch, waitForFetch } from './shared-fetch.ts'

/** Keys that are fetched, refreshed, and kept through outages. */
export interface RemoteKeySet extends KeySource {
  /** Fetches the keys unless usable ones are cached. Rejects with `AuthError` `keys_unavailable`. */
  ready(): Promise<void>
  /** Aborts the running fetch and starts no other. Cached keys are used until they are too old. */
  close(): void
  describe(): string
  stats(): RemoteKeySetStats
  /** The cached set as a seed for another worker; `undefined` if there is none. */
  export(): JwkSetSeed | undefined
}

/** A snapshot of the figures of a remote key set. */
interface RemoteKeySetStats extends KeySourceStats {
  /** Skipped members of the set. */
  readonly skipped: number
  /** Attempts so far. */
  readonly attempts: number
  /** Failed attempts since the last success. */
  readonly failures: number
  /** Increases whenever a key may have been added, changed or removed. */
  readonly generation: number
}

/**
 * The keys of a JWK Set at a URL (RFC 7517 section 5). They are fetched when a token needs them, and never more often than
 * `docs/threat-model.md` allows. Nothing is fetched before the first use, and an idle set makes no requests.
 *
 * `resolve` throws `AuthError`: `key_not_found`, `key_ambiguous`, `algorithm_key_mismatch` or `key_unusable` if the set is certain, and
 * `keys_unavailable` (503) if the set cannot be fetched or is too old to be certain.
 *
 * @throws TypeError for an address that is not https, and for options out of their range
 */
export function remoteKeySet(uri: string | URL, options: RemoteKeySetOptions = {}): RemoteKeySet {
  return keySetAt(uri, resolveKeySetOptions(options))
}

/** Like `remoteKeySet`, with options that were read before. */
export function keySetAt(uri: string | URL, options: ResolvedKeySetOptions): RemoteKeySet {
  const { plainHttp, onEvent } = options
  if (!isUrl(uri)) throw misconfigured('use remote key set', 'its address must be an absolute URL', printedUri(uri))
  const url = new URL(uri)
  const name = printedAddress(url)
  const flaw = configuredUriFlaw(url, plainHttp)
  if (flaw !== undefined) throw misconfigured('use remote key set', `its address ${flaw}`, name)
  if (isNamedHttp(url, plainHttp)) emit(onEvent, { type: 'keys.plain_http', uri: name })
  const located = { url, validTo: Infinity }
  const trusts = ({ origin }: URL): boolean => origin === url.origin
  return locatedKeySet({ id: url.href, name, locate: async () => located, trusts, onFailure: undefined }, options)
}

interface Selected {
  readonly set: KeySet
  readonly selection: Selection
  readonly context: RefusalContext
}

// A request checks again after a seed was found or a fetch was abandoned; this limits the rounds.
const MOST_ROUNDS = 4
// A fetch ends at the deadline of the request that began it. This short extra wait lets the request report why it failed. Milliseconds.
const SLACK = 20

/** What is known of a token when its request starts to wait. */
interface Arrival extends Issuance {
  /** Monotonic milliseconds. */
  readonly arrivedAt: number
  /** Monotonic milliseconds: one deadline, however many fetches it takes. It restarts only if the request takes over a lost fetch. */
  readonly waitsUntil: number
}

/** A remote key set, for any way to find its address: asks the policy, acts on it, and selects the key. */
export function locatedKeySet(locator: JwkSetLocator, options: ResolvedKeySetOptions): RemoteKeySet {
  const { clock, onEvent, sharing, softWait, timeout } = options
  const { state, freshness, usable, opening, waitFor, joinFetch, close } = keySetRefresh(locator, options)
  const longestWait = timeout * 1000 + SLACK

  // `resolveAgain` needs what `resolve` recorded when the token arrived. Only of tokens whose key was found, because entries cost time.
  const arrivals = new WeakMap<KeyContext, Arrival>()
  const arrivalOf = (token: KeyContext): Arrival => {
    const arrivedAt = clock.monotonic()
    const issuedBefore = (own(token, 'issuedBefore') ?? Infinity) * 1000
    return { attemptsBefore: state.attempts, issuedBefore, arrivedAt, waitsUntil: arrivedAt + longestWait }
  }

  /** Whether the cached set proves that it lacks the token's key because there is none. */
  const denies = (arrival: Arrival, cached = usable()): boolean =>
    cached !== undefined && canDeny(cached, arrival, clock)

  /** `needed` is the header whose key a request needs, or says whether the set knows the key. */
  const knowledgeOf = (needed: JoseHeader | KidKnowledge): KidKnowledge => {
    if (typeof needed === 'string') return needed
    return usable()?.set.select(needed).kind === 'unknown_kid' ? 'unknown' : 'known'
  }

  /**
   * Refreshes the set if the request needs that. Returns what went wrong if the request cannot be decided. Returns a promise only if the
   * request must wait, because waiting costs as much as the rest of a refusal.
   */
  const refresh = (
    needed: JoseHeader | KidKnowledge,
    arrival: Arrival,
    round: number = 1,
  ): Soon<FetchError | undefined> => {
    if (round > MOST_ROUNDS) return refusalReason()
    const kid = knowledgeOf(needed)
    const cause = kid === 'unknown' ? 'token' : 'age'
    const fetch = opening(cause)
    const action = decide({ freshness: freshness(), kid, fetch })
    if (action === 'wait' || action === 'wait_softly')
      return waitAndRefresh(needed, arrival, round, joinFetch(cause), fetch, action)
    if (action === 'unavailable' || (action === 'deny_if_older' && !denies(arrival))) return refusalReason()
    if (action === 'answer_and_refresh') joinFetch(cause)
    return undefined
  }

  /** Waits for a fetch, and decides again if it did not decide about the request. */
  const waitAndRefresh = async (
    needed: JoseHeader | KidKnowledge,
    arrival: Arrival,
    round: number,
    shared: SharedFetch,
    fetch: FetchOpening,
    action: 'wait' | 'wait_softly',
  ): Promise<FetchError | undefined> => {
    let { waitsUntil } = arrival
    const isDecided = (): boolean => knowledgeOf(needed) === 'known' || denies(arrival)
    // The request that begins a fetch runs it, and may await it in every runtime.
    const by = fetch === 'in_flight' ? sharing : 'promise'
    // Without shared promises, a lost request shows only when its fetch outlives its deadline.
    const latest = by === 'poll' && shared.startedAt <= arrival.arrivedAt ? Infinity : waitsUntil
    const longest = action === 'wait_softly' ? softWait * 1000 : Infinity
    const result = await waitForFetch(shared, { clock, by, until: Math.min(shared.startedAt + longest, latest) })

    if (action === 'wait_softly') {
      // The set may have expired in the meantime, or a new one may lack the key.
      if (usable() && isDecided()) return undefined
    } else if (result?.kind === 'failed') return result.error
    else if (result?.kind === 'abandoned' && sharing === 'poll') waitsUntil = clock.monotonic() + longestWait
    // A fetch that began before the token arrived may have been too early for its key.
    else if (result?.kind === 'fetched' && (result.attempts > arrival.attemptsBefore || isDecided())) return undefined
    if (clock.monotonic() >= waitsUntil) return new FetchError('timeout', `No keys within ${timeout} s`)
    return refresh(needed, { ...arrival, waitsUntil }, round + 1)
  }

  /** Why no fetch may begin, or why the last one failed. */
  const refusalReason = (): FetchError => {
    const cached = usable()
    const why = cached
      ? ` and the token may be newer than the keys known (${about(cached)})`
      : ' so soon after the last'
    return state.lastFailure ?? new FetchError('rate_limited', `No fetch may begin yet,${why}`)
  }

  /** The keys are currently unavailable (status 503). This is not the fault of the token. */
  const unavailable = (cause: FetchError = refusalReason(), needed: AttemptCause = 'age'): AuthError =>
    new AuthError('keys_unavailable', {
      retryAfter: retrySeconds(waitFor(needed)),
      hint: `Fetching the keys of ${locator.name} failed (${cause.reason}): ${cause.message}`,
      cause,
    })

  const ageOf = (cached: CachedKeySet): number => (clock.monotonic() - cached.confirmedAt) / 1000

  const about = (cached: CachedKeySet): string =>
    `in a set of ${cached.set.size} fetched ${Math.round(ageOf(cached))} s ago: ${listKids(cached.set)}`

  /** What the set says about a header, after any refresh this needs. */
  const select = (header: JoseHeader, token: KeyContext = {}): Soon<Selected> => {
    const arrival = arrivalOf(token)
    return chained(refresh(header, arrival), (failure) => {
      const cached = usable()
      if (!cached) throw unavailable(failure)
      const selection = cached.set.select(header)
      if (selection.kind !== 'unknown_kid') arrivals.set(token, arrival)
      else if (failure || !denies(arrival, cached)) throw unavailable(failure, 'token')
      return { set: cached.set, selection, context: { header, about: () => about(cached), onEvent } }
    })
  }

  /** The key of a header, if it is of other material than the key that has failed. */
  const otherKey = async (header: JoseHeader, failed: CryptoKey): Promise<CryptoKey | undefined> => {
    const set = usable()?.set
    const selection = set?.select(header)
    if (selection?.kind !== 'found' || hasMaterial(failed, selection.key.material)) return undefined
    return set?.import(selection.key, header)
  }

  return Object.freeze(
    bare<RemoteKeySet>({
      current: (header) => {
        const { cached } = state
        return cached && clock.monotonic() < cached.refreshAt ? cached.set.imported.get(header) : undefined
      },
      resolve: (header, token) => {
        try {
          return Promise.resolve(
            chained(select(header, token), ({ set, selection, context }) => {
              const found = onlyKey(selection, context)
              return found instanceof AuthError ? rejectedSoon(found) : set.import(found, header)
            }),
          )
        } catch (error) {
          return rejectedSoon(asError(error))
        }
      },
      candidates: async (header, token) => {
        const { set, selection, context } = await select(header, token)
        return set.importSome(foundKeys(selection, context), header)
      },
      resolveAgain: async (header, failed, token = {}) => {
        if (header.kid === undefined) return undefined
        const known = await otherKey(header, failed)
        if (known) return known
        const arrival = arrivals.get(token) ?? arrivalOf(token)
        // A set requested after the token arrived already has the latest key with that name.
        if ((usable()?.attempt ?? 0) > arrival.attemptsBefore) return undefined
        // Any fetch is recent enough, even one that began before the token arrived.
        await refresh('unknown', { ...arrival, attemptsBefore: -1 })
        return otherKey(header, failed)
      },
      ready: async () => {
        const failure = await refresh('known', { ...arrivalOf({}), waitsUntil: Infinity })
        if (!usable()) throw unavailable(failure)
      },
      close,
      describe: () => {
        const cached = usable()
        if (cached) return `${keyCount(cached.set)} of ${locator.name}, ${freshness()}, ${about(cached)}`
        return `no keys of ${locator.name} yet${state.lastFailure ? `: ${state.lastFailure.message}` : ''}`
      },
      stats: () => {
        const cached = usable()
        return {
          freshness: freshness(),
          keys: cached?.set.size ?? 0,
          skipped: cached?.set.skipped.length ?? 0,
          age: cached && ageOf(cached),
          attempts: state.attempts,
          failures: state.history.failures,
          failure: state.lastFailure?.reason,
          generation: state.generation,
          nextAttempt: waitFor('age') / 1000,
        }
      },
      export: () => {
        const cached = usable()
        return cached && seedOf(cached, locator.id)
      },
    }),
  )
}
