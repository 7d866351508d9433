import { emit, type KeysStaleEvent } from '../../model/events.ts'
import { entityTag, ageSeconds, freshSeconds } from '../fetch/fetch-document.ts'
import { FetchError, retrySeconds } from '../fetch/fetch-error.ts'
import { listSkipped, parseJwkSet } from '../jwk/jwk-set.ts'
import {
  afterFailure,
  afterNextRequest,
  afterStart,
  afterSuccess,
  type AttemptCause,
  type AttemptHistory,
  mayRetryAtOnce,
  nextAttemptAt,
  NO_ATTEMPTS,
} from './attempt-history.ts'
import type { JwkSetSeed, JwkSetStore, ResolvedKeySetOptions } from './options.ts'
import { type FetchOpening, type Freshness, freshnessAt, lifetime } from './refresh-policy.ts'
import { type CachedKeySet, checkSeed, readStore, reportToStore, setFromSeed, writeStore } from './seed.ts'
import {
  type DocumentFetch,
  documentFetcher,
  type FetchResult,
  GRACE,
  keepAlive,
  type SharedFetch,
} from './shared-fetch.ts'

/** Finds the address of a JWK Set: a configured one, or the one that metadata names. */
export interface JwkSetLocator {
  /** The ID of the key set in seeds and stores. */
  readonly id: string
  /** The name of the key set in messages and events, without query values, because these may be secrets. */
  readonly name: string
  /** @throws FetchError */
  locate(attempt: Attempt): Promise<JwkSetAddress>
  /** Whether the configuration names the origin or host of an address. Configured header fields are sent only to such addresses. */
  readonly trusts: (url: URL) => boolean
  /** Called if the set could not be fetched from its address. */
  readonly onFailure: (() => void) | undefined
}

/** An address of a JWK Set. */
export interface JwkSetAddress {
  readonly url: URL
  /** Monotonic milliseconds: keys published before this are at this address, even if the issuer has moved them since. */
  readonly validTo: number
}

/** An attempt to fetch the keys, which may need metadata to find their address. */
interface Attempt {
  readonly cause: AttemptCause
  readonly fetch: DocumentFetch
  /** Called when an address that could not be confirmed stays in use. */
  readonly onStale: (trouble: Omit<KeysStaleEvent, 'type'>) => void
}

/** What a key set knows. Only its refresh changes it. */
interface KeySetState {
  cached: CachedKeySet | undefined
  history: AttemptHistory
  /** Attempts so far. */
  attempts: number
  fetching: SharedFetch | undefined
  lastFailure: FetchError | undefined
  /** Increases whenever a key may have been added, changed or removed. */
  generation: number
  closed: boolean
}

/** Keeps the state of a key set up to date. */
interface KeySetRefresh {
  readonly state: Readonly<KeySetState>
  freshness(): Freshness
  /** The cached set, unless it is too old to be used. */
  usable(): CachedKeySet | undefined
  /** Whether a fetch may begin now. Discards a fetch that nothing runs any more. */
  opening(cause: AttemptCause): FetchOpening
  /** Milliseconds until an attempt may begin. */
  waitFor(cause: AttemptCause): number
  /** Joins the fetch in progress, or begins one. Check `opening` first. */
  joinFetch(cause: AttemptCause): SharedFetch
  close(): void
}

/** The state of a key set, and the fetches that refresh it: one at a time, as often as the attempt history allows. */
export function keySetRefresh(locator: JwkSetLocator, options: ResolvedKeySetOptions): KeySetRefresh {
  const { clock, onEvent, random, timeout, waitUntil } = options
  const { id, name: uri } = locator
  const limits = { cooldown: options.cooldown * 1000, fetchesPerMinute: options.fetchesPerMinute }
  const state: KeySetState = {
    cached: undefined,
    history: NO_ATTEMPTS,
    attempts: 0,
    fetching: undefined,
    lastFailure: undefined,
    generation: 0,
    closed: false,
  }

  const freshness = (): Freshness => freshnessAt(clock.monotonic(), state.cached)

  const usable = (): CachedKeySet | undefined =>
    state.cached && clock.monotonic() < state.cached.usableUntil ? state.cached : undefined

  const waitFor = (cause: AttemptCause): number => {
    if (state.closed) return Infinity
    const now = clock.monotonic()
    return Math.max(0, nextAttemptAt(state.history, { cause, freshness: freshness() }, limits, now) - now)
  }

  const adopt = (next: CachedKeySet): void => {
    if (next.set !== state.cached?.set) {
      state.generation += 1
      for (const skipped of next.set.skipped) emit(onEvent, { type: 'key.skipped', uri, ...skipped })
    }
    state.cached = next
    state.lastFailure = undefined
  }

  const adoptSeed = (seed: JwkSetSeed): boolean => {
    const next = setFromSeed(seed, id, options)
    const { cached } = state
    // Compares both clocks: only wall time recognises a seed made from this same fetch, but wall time can be changed.
    if (!next || (cached && !(next.fetchedAt > cached.fetchedAt && next.confirmedAt > cached.confirmedAt))) return false
    adopt(next)
    return true
  }

  const isStored = async (shared: SharedFetch, store: JwkSetStore): Promise<boolean> => {
    // Even a fresh set is refreshed from the store, so that one process fetches for all.
    const seed = await readStore(id, store, state.cached?.fetchedAt, options)
    try {
      return state.fetching === shared && seed !== undefined && adoptSeed(seed)
    } catch {
      // What a store returns is not trusted until it has passed the checks.
      return false
    }
  }

  /** Runs a fetch: one attempt, and in a cold start a second one if the connection fails. With a newer set in the store, nothing is fetched. */
  const run = async (shared: SharedFetch, cause: AttemptCause): Promise<FetchResult> => {
    if (options.store && (await isStored(shared, options.store))) return { kind: 'seeded' }
    const isCold = state.cached === undefined
    let startedAt: number | undefined
    let sentAt = Infinity
    // An attempt begins with its first request. The rate limits count from its last one, because each request may wait for its turn.
    const onSend = (): void => {
      const now = clock.monotonic()
      startedAt ??= now
      if (sentAt === Infinity) {
        sentAt = now
        state.attempts += 1
        state.history = afterStart(state.history, cause, limits, now)
      } else state.history = afterNextRequest(state.history, cause, limits, now)
    }
    const onStale: Attempt['onStale'] = (trouble) => {
      if (state.fetching === shared && !state.closed) emit(onEvent, { type: 'keys.stale', ...trouble })
    }
    const urgency = usable() ? 'other' : 'urgent'
    const { fetch, release } = documentFetcher(shared, { urgency, onSend, trusts: locator.trusts }, options)
    const attempt = async (): Promise<CachedKeySet> => {
      sentAt = Infinity
      const next = await fetchSet(locator, state.cached, { cause, fetch, onStale }, options)
      return { ...next, attempt: next.completeTo >= sentAt ? state.attempts : 0 }
    }
    try {
      const next = await attempt().catch(async (error: unknown) => {
        const isNetwork = error instanceof FetchError && error.reason === 'network'
        if (!isCold || !isNetwork || !mayRetryAtOnce(state.history, limits, clock.monotonic())) throw error
        return attempt()
      })
      if (state.fetching !== shared) return { kind: 'fetched', attempts: state.attempts }
      state.history = afterSuccess(state.history, isCold ? 'cold' : 'warm')
      adopt(next)
      const now = clock.monotonic()
      const { size: keys, skipped } = next.set
      const duration = now - (startedAt ?? now)
      emit(onEvent, { type: 'keys.refreshed', uri, keys, skipped: skipped.length, duration })
      if (options.store) writeStore(next, id, options.store, options)
      return { kind: 'fetched', attempts: state.attempts }
    } catch (thrown) {
      const failure = failureOf(thrown)
      if (state.fetching === shared) onFailure(failure.error, startedAt)
      if (options.store) reportToStore(id, options.store, options)
      return failure
    } finally {
      release()
    }
  }

  const onFailure = (error: FetchError, startedAt: number | undefined): void => {
    const { reason, retryAfter } = error
    const now = clock.monotonic()
    state.history = afterFailure(state.history, { startedAt: startedAt ?? now, retryAfter, random: random() }, now)
    locator.onFailure?.()
    state.lastFailure = error
    // The etag may have caused the failure, so the next request omits it.
    if (state.cached) state.cached = { ...state.cached, etag: undefined }
    if (state.closed) return
    const cached = usable()
    const trouble = { uri, reason, retryAfter: retrySeconds(waitFor('age')) }
    if (!cached) emit(onEvent, { type: 'keys.unavailable', ...trouble })
    else emit(onEvent, { type: 'keys.stale', age: (now - cached.confirmedAt) / 1000, ...trouble })
  }

  if (options.seed) adoptSeed(checkSeed(options.seed, locator))

  return {
    state,
    freshness,
    usable,
    waitFor,
    opening: (cause) => {
      const { fetching } = state
      if (fetching && clock.monotonic() >= fetching.aliveUntil) {
        fetching.controller.abort()
        state.fetching = undefined
        // Counts as a failure; otherwise a hanging endpoint would be retried forever. A waiting request may take over immediately.
        const failed = { startedAt: fetching.startedAt, retryAfter: undefined, random: 0 }
        state.history = afterFailure(state.history, failed, clock.monotonic())
      }
      if (state.fetching) return 'in_flight'
      return waitFor(cause) > 0 ? 'held' : 'allowed'
    },
    joinFetch: (cause) => {
      if (state.fetching) return state.fetching
      const startedAt = clock.monotonic()
      const shared: SharedFetch = {
        startedAt,
        controller: new AbortController(),
        settled: Promise.resolve(),
        result: undefined,
        aliveUntil: startedAt + timeout * 1000 + GRACE,
      }
      state.fetching = shared
      // It rejects only if a function of the options throws, such as `random`.
      shared.settled = run(shared, cause)
        .catch(failureOf)
        .then((result) => {
          shared.result = result
          if (state.fetching === shared) state.fetching = undefined
        })
      keepAlive(waitUntil, shared.settled)
      return shared
    },
    close: () => {
      state.closed = true
      state.fetching?.controller.abort()
    },
  }
}

function failureOf(thrown: unknown): FetchResult & { readonly kind: 'failed' } {
  const error = thrown instanceof FetchError ? thrown : new FetchError('network', 'The fetch failed', { cause: thrown })
  return { kind: 'failed', error }
}

/**
 * One attempt: finds the address, fetches the set, and returns the replacement for the cached set. If the set is unchanged, the result
 * contains the same object, so imported keys are kept.
 *
 * @throws FetchError for any response that must not replace a good set
 */
async function fetchSet(
  locator: JwkSetLocator,
  cached: CachedKeySet | undefined,
  attempt: Attempt,
  { clock, freshFor, staleFor, random, maxBytes, maxKeys, sharing, toJwks }: ResolvedKeySetOptions,
): Promise<Omit<CachedKeySet, 'attempt'>> {
  const { url, validTo } = await locator.locate(attempt)
  // Another address may use the same entity-tag for different keys.
  const etag = cached?.url === url.href ? cached.etag : undefined
  const { status, text, headers, sentAt } = await attempt.fetch(url, { maxBytes, etag })
  const isUnchanged = status === 304 || cached?.text === text
  const set = cached && isUnchanged ? cached.set : parseJwkSet(toJwks?.(text) ?? text, { maxKeys, sharing })
  if (set.size === 0) {
    const members = `holds only members that are skipped: ${listSkipped(set.skipped)}`
    const found = set.skipped.length === 0 ? 'is empty' : members.slice(0, 600)
    throw new FetchError('no_usable_key', `The JWK Set ${found}`)
  }
  const maxAge = freshSeconds(headers)
  return {
    ...lifetime(sentAt, maxAge ?? freshFor, { staleFor, random }),
    // The response lacks keys published after the request was sent, so its age counts from then.
    completeTo: Math.min(sentAt - ageSeconds(headers) * 1000, validTo),
    set,
    url: url.href,
    text: cached && status === 304 ? cached.text : text,
    etag: entityTag(headers.get('etag')) ?? (status === 304 ? etag : undefined),
    fetchedAt: clock.now() - (clock.monotonic() - sentAt),
    maxAge,
  }
}
