import { emit, type FetchFailure } from '../../model/events.ts'
import { FetchError, retrySeconds } from '../fetch/fetch-error.ts'
import {
  afterFailure,
  afterNextRequest,
  afterStart,
  afterSuccess,
  type AttemptCause,
  mayRetryAtOnce,
  nextAttemptAt,
  NO_ATTEMPTS,
} from './attempt-history.ts'
import { fetchSet, fetchSteps, GRACE } from './fetch-set.ts'
import { type Flight, type FlightResult, keepAlive } from './flight.ts'
import {
  checkSeed,
  type Errand,
  heldFromSeed,
  type HeldSet,
  type KeyLocation,
  readStore,
  seedOf,
  writeStore,
} from './held-set.ts'
import type { JwkSetSeed, ResolvedKeySetOptions } from './options.ts'
import { type FetchOpening, type Freshness, freshnessAt } from './refresh-policy.ts'

/** The cached set, the attempts to replace it, and the one fetch that may be running. */
interface SetKeeper {
  /** The set, unless it is too old to be served. */
  usable(): HeldSet | undefined
  /** The set, while it is too young to need a refresh. */
  fresh(): HeldSet | undefined
  freshness(): Freshness
  opening(cause: AttemptCause): FetchOpening
  /** Milliseconds until an attempt may begin. */
  waitFor(cause: AttemptCause): number
  /** The running fetch, or a new one. Check `opening` first. */
  fly(cause: AttemptCause): Flight
  lastFailure(): FetchError | undefined
  generation(): number
  attempts(): number
  failures(): number
  close(): void
}

export function setKeeper(location: KeyLocation, options: ResolvedKeySetOptions): SetKeeper {
  const { clock, onEvent, random, timeout, waitUntil } = options
  const limits = { cooldown: options.cooldown * 1000, fetchesPerMinute: options.fetchesPerMinute }
  let held: HeldSet | undefined
  let history = NO_ATTEMPTS
  let flight: Flight | undefined
  let failure: FetchError | undefined
  let generation = 0
  let attempts = 0
  let closed = false

  const freshness = (): Freshness => freshnessAt(clock.monotonic(), held)
  const usable = (): HeldSet | undefined => (['cold', 'expired'].includes(freshness()) ? undefined : held)

  const adopt = (next: HeldSet): void => {
    if (next.set !== held?.set) {
      generation += 1
      for (const skipped of next.set.skipped) emit(onEvent, { type: 'key.skipped', uri: location.name, ...skipped })
    }
    held = next
    failure = undefined
  }

  const adoptSeed = (seed: JwkSetSeed): boolean => {
    const next = heldFromSeed(seed, location.id, options)
    if (!next || (held && !isNewer(next, held))) return false
    adopt(next)
    return true
  }

  // Do not trust what a store returns until it has passed the checks.
  const adoptGoodSeed = (seed: JwkSetSeed): boolean => {
    try {
      return adoptSeed(seed)
    } catch {
      return false
    }
  }

  const waitFor = (cause: AttemptCause): number => {
    if (closed) return Infinity
    const now = clock.monotonic()
    return Math.max(0, nextAttemptAt(history, { cause, freshness: freshness() }, limits, now) - now)
  }

  const isUnderWay = (): boolean => {
    if (flight && clock.monotonic() >= flight.aliveUntil) {
      const { startedAt, controller } = flight
      controller.abort()
      flight = undefined
      // Counts as a failure; otherwise a hanging endpoint would be retried forever. A waiting request may take over immediately.
      history = afterFailure(history, { startedAt, retryAfter: undefined, random: 0 }, clock.monotonic())
    }
    return flight !== undefined
  }

  const attempt = async (current: Flight, cause: AttemptCause): Promise<void> => {
    const coldStart = held === undefined
    let startedAt: number | undefined
    let sentAt = Infinity
    // An attempt begins when its first request is sent, and counts from when its last one was, because each may wait for its turn.
    const onSend = (): void => {
      const now = clock.monotonic()
      startedAt ??= now
      if (sentAt === Infinity) {
        sentAt = now
        attempts += 1
        history = afterStart(history, cause, limits, now)
      } else history = afterNextRequest(history, cause, now)
    }
    const steps = fetchSteps(current, { kind: usable() ? 'other' : 'urgent', onSend, trusts: location.trusts }, options)
    const onStale: Errand['onStale'] = (trouble) => {
      if (flight === current && !closed) emit(onEvent, { type: 'keys.stale', ...trouble })
    }
    const once = async (): Promise<HeldSet> => {
      sentAt = Infinity
      const next = await fetchSet(location, held, { cause, fetch: steps.fetch, onStale }, options)
      return { ...next, attempt: next.completeTo >= sentAt ? attempts : 0 }
    }
    try {
      const next = await once().catch(async (error: unknown) => {
        const isNetwork = error instanceof FetchError && error.reason === 'network'
        if (!coldStart || !isNetwork || !mayRetryAtOnce(history, limits, clock.monotonic())) throw error
        return once()
      })
      if (flight !== current) return
      history = afterSuccess(history, coldStart ? 'cold' : 'warm')
      adopt(next)
      const now = clock.monotonic()
      const duration = now - (startedAt ?? now)
      const { size, skipped } = next.set
      emit(onEvent, { type: 'keys.refreshed', uri: location.name, keys: size, skipped: skipped.length, duration })
      writeStore(seedOf(next, location.id), options)
    } catch (error) {
      const reason =
        error instanceof FetchError ? error : new FetchError('network', 'The fetch failed', { cause: error })
      if (flight === current) {
        const { retryAfter } = reason
        const now = clock.monotonic()
        history = afterFailure(history, { startedAt: startedAt ?? now, retryAfter, random: random() }, now)
        location.onFailure?.()
        failure = reason
        // The etag may have caused the failure, so the next request omits it.
        if (held) held = { ...held, etag: undefined }
        if (!closed) announce(reason.reason)
      }
      throw reason
    } finally {
      steps.end()
    }
  }

  const announce = (reason: FetchFailure): void => {
    const retryAfter = retrySeconds(waitFor('age'))
    const uri = location.name
    if (!held || freshness() === 'expired') emit(onEvent, { type: 'keys.unavailable', uri, reason, retryAfter })
    else {
      const age = (clock.monotonic() - held.confirmedAt) / 1000
      emit(onEvent, { type: 'keys.stale', uri, age, reason, retryAfter })
    }
  }

  const carry = async (current: Flight, cause: AttemptCause): Promise<FlightResult> => {
    try {
      if (!['fresh', 'ageing'].includes(freshness())) {
        const seed = await readStore(location.id, options)
        if (flight === current && seed && adoptGoodSeed(seed)) return { kind: 'seeded' }
      }
      await attempt(current, cause)
      return { kind: 'fetched' }
    } catch (error) {
      const reason =
        error instanceof FetchError ? error : new FetchError('network', 'The fetch failed', { cause: error })
      return { kind: 'failed', error: reason }
    }
  }

  const fly = (cause: AttemptCause): Flight => {
    if (flight && isUnderWay()) return flight
    const startedAt = clock.monotonic()
    const current: Flight = {
      startedAt,
      controller: new AbortController(),
      settled: Promise.resolve(),
      result: undefined,
      aliveUntil: startedAt + timeout * 1000 + GRACE,
    }
    flight = current
    current.settled = carry(current, cause).then((result) => {
      current.result = result
      if (flight === current) flight = undefined
    })
    keepAlive(waitUntil, current.settled)
    return current
  }

  if (options.seed) adoptSeed(checkSeed(options.seed, location))

  return {
    fresh: () => (freshness() === 'fresh' ? held : undefined),
    usable,
    freshness,
    opening: (cause) => {
      if (isUnderWay()) return 'in_flight'
      return waitFor(cause) > 0 ? 'held' : 'allowed'
    },
    waitFor,
    fly,
    lastFailure: () => failure,
    generation: () => generation,
    attempts: () => attempts,
    failures: () => history.failures,
    close: () => {
      closed = true
      flight?.controller.abort()
    },
  }
}

// Compares both clocks: only wall time recognises a seed made from this same fetch, but wall time can be changed.
function isNewer(next: HeldSet, held: HeldSet): boolean {
  return next.fetchedAt > held.fetchedAt && next.confirmedAt > held.confirmedAt
}
