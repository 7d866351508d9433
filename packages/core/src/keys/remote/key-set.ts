import type { CryptoKey } from 'jose'
import type { JoseHeader } from '../../model/token.ts'
import { own } from '../../model/values.ts'
import { FetchError, keysUnavailable } from '../fetch/fetch-error.ts'
import { isMadeOf } from '../jwk/import-key.ts'
import type { Selection } from '../jwk/select-key.ts'
import { foundKey, foundKeys, type KeyContext, type KeySource, listKids, type RefusalContext } from '../key-source.ts'
import type { AttemptCause } from './attempt-history.ts'
import { type Flight, waitForFlight } from './flight.ts'
import { type HeldSet, type KeyLocation, seedOf } from './held-set.ts'
import type { JwkSetSeed, ResolvedKeySetOptions } from './options.ts'
import { canDeny, decide, type Freshness, type Issuance, type KidKnowledge } from './refresh-policy.ts'
import { setKeeper } from './refresh.ts'

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
interface RemoteKeySetStats {
  readonly freshness: Freshness
  /** Usable cached keys. */
  readonly keys: number
  /** Skipped members of the set. */
  readonly skipped: number
  /** Seconds since the set was fetched or confirmed. */
  readonly age: number | undefined
  /** Attempts so far. */
  readonly attempts: number
  /** Failed attempts since the last success. */
  readonly failures: number
  /** Increases whenever a key may have been added, changed or removed. */
  readonly generation: number
  /** Seconds until an attempt may begin; `Infinity` once closed. */
  readonly nextAttempt: number
}

interface Selected extends RefusalContext {
  readonly selection: Selection
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
export function locatedKeySet(location: KeyLocation, options: ResolvedKeySetOptions): RemoteKeySet {
  const { clock, onEvent, sharing, softWait, timeout } = options
  const keeper = setKeeper(location, options)

  const ageOf = (held: HeldSet): number => clock.monotonic() - held.confirmedAt

  const knowledgeOf = (header: JoseHeader): KidKnowledge =>
    keeper.usable()?.set.select(header).kind === 'unknown_kid' ? 'unknown' : 'known'

  const patience = timeout * 1000 + SLACK

  // `resolveAgain` needs what `resolve` recorded when the token arrived.
  const arrivals = new WeakMap<KeyContext, Arrival>()
  const arrivalOf = (token: KeyContext): Arrival => ({
    attemptsBefore: keeper.attempts(),
    issuedBefore: (own(token, 'issuedBefore') ?? Infinity) * 1000,
    arrivedAt: clock.monotonic(),
    waitsUntil: clock.monotonic() + patience,
  })

  const denies = (arrival: Arrival): boolean => {
    const held = keeper.usable()
    return held !== undefined && canDeny(held, arrival, clock)
  }

  const aboard = async (cause: AttemptCause, { arrivedAt, waitsUntil }: Arrival, longest = Infinity) => {
    const joined = keeper.opening(cause) === 'in_flight'
    const flight: Flight = keeper.fly(cause)
    // The request that begins a fetch carries it, and may await it in every runtime.
    const by = joined ? sharing : 'promise'
    // Without shared promises, a lost request shows only when its fetch outlives its deadline.
    const seesLoss = by === 'poll' && flight.startedAt <= arrivedAt
    const latest = seesLoss ? Infinity : waitsUntil
    return waitForFlight(flight, { clock, by, until: Math.min(flight.startedAt + longest, latest) })
  }

  /** Updates the set as far as the request needs. Returns what went wrong if the request cannot be decided. */
  const bringUpToDate = async (
    kid: () => KidKnowledge,
    arrival: Arrival,
    round = 1,
  ): Promise<FetchError | undefined> => {
    const lookAgain = async (next = arrival): Promise<FetchError | undefined> => {
      if (clock.monotonic() >= next.waitsUntil) return new FetchError('timeout', `No keys within ${timeout} s`)
      return round < MOST_ROUNDS ? bringUpToDate(kid, next, round + 1) : whyNot()
    }
    const cause = kid() === 'unknown' ? 'token' : 'age'
    const action = decide({ freshness: keeper.freshness(), kid: kid(), fetch: keeper.opening(cause) })
    switch (action) {
      case 'answer':
        return undefined
      case 'answer_and_refresh':
        keeper.fly(cause)
        return undefined
      case 'wait_softly':
        await aboard(cause, arrival, softWait * 1000)
        // The set may have expired in the meantime, or a new one may lack the key.
        return keeper.usable() && (kid() === 'known' || denies(arrival)) ? undefined : lookAgain()
      case 'deny_if_older':
        return denies(arrival) ? undefined : whyNot()
      case 'unavailable':
        return whyNot()
      default: {
        const result = await aboard(cause, arrival)
        if (result?.kind === 'failed') return result.error
        if (result?.kind === 'abandoned' && sharing === 'poll')
          return lookAgain({ ...arrival, waitsUntil: clock.monotonic() + patience })
        if (result?.kind !== 'fetched') return lookAgain()
        // A fetch that began before the token arrived may have been too early for its key.
        const isLast = keeper.attempts() > arrival.attemptsBefore
        return isLast || kid() === 'known' || denies(arrival) ? undefined : lookAgain()
      }
    }
  }

  const whyNot = (): FetchError => {
    const held = keeper.usable()
    const why = held ? ` and the token may be newer than the keys known (${about(held)})` : ' so soon after the last'
    return keeper.lastFailure() ?? new FetchError('rate_limited', `No fetch may begin yet,${why}`)
  }

  const unavailable = (failure: FetchError, cause: AttemptCause) =>
    keysUnavailable({ name: location.name, failure, wait: keeper.waitFor(cause) })

  const about = (held: HeldSet): string =>
    `in a set of ${held.set.size} fetched ${Math.round(ageOf(held) / 1000)} s ago: ${listKids(held.set)}`

  /** What the set says about a header, after any update this needs. */
  const select = async (header: JoseHeader, token: KeyContext = {}): Promise<Selected> => {
    const arrival = arrivalOf(token)
    arrivals.set(token, arrival)
    const failure = await bringUpToDate(() => knowledgeOf(header), arrival)
    const held = keeper.usable()
    if (!held) throw unavailable(failure ?? whyNot(), 'age')
    const selection = held.set.select(header)
    if (selection.kind === 'unknown_kid' && (failure || !denies(arrival)))
      throw unavailable(failure ?? whyNot(), 'token')
    return { selection, set: held.set, header, about: () => about(held), onEvent }
  }

  return Object.freeze<RemoteKeySet>({
    resolve: async (header, token) => {
      const { selection, ...context } = await select(header, token)
      return context.set.import(foundKey(selection, context), header)
    },
    candidates: async (header, token) => {
      const { selection, ...context } = await select(header, token)
      return context.set.importSome(foundKeys(selection, context), header)
    },
    current: (header) => keeper.fresh()?.set.imported(header),
    resolveAgain: async (header, failed, token = {}) => {
      if (header.kid === undefined) return undefined
      const newer = async (): Promise<CryptoKey | undefined> => {
        const set = keeper.usable()?.set
        const selection = set?.select(header)
        if (!set || selection?.kind !== 'found' || isMadeOf(failed, selection.key.material)) return undefined
        return set.import(selection.key, header)
      }
      const known = await newer()
      if (known) return known
      const { attemptsBefore, arrivedAt, waitsUntil } = arrivals.get(token) ?? arrivalOf(token)
      // A set requested after the token arrived already has the latest key with that name.
      if ((keeper.usable()?.attempt ?? 0) > attemptsBefore) return undefined
      // Any fetch is recent enough, even one that began before the token arrived.
      await bringUpToDate(() => 'unknown', { attemptsBefore: -1, issuedBefore: -Infinity, arrivedAt, waitsUntil })
      return newer()
    },
    ready: async () => {
      const failure = await bringUpToDate(() => 'known', { ...arrivalOf({}), waitsUntil: Infinity })
      if (!keeper.usable()) throw unavailable(failure ?? whyNot(), 'age')
    },
    close: () => keeper.close(),
    describe: () => {
      const held = keeper.usable()
      if (held) return `${held.set.size} keys of ${location.name}, ${keeper.freshness()}, ${about(held)}`
      return `no keys of ${location.name} yet${keeper.lastFailure() ? `: ${whyNot().message}` : ''}`
    },
    stats: () => {
      const held = keeper.usable()
      return {
        freshness: keeper.freshness(),
        keys: held?.set.size ?? 0,
        skipped: held?.set.skipped.length ?? 0,
        age: held && ageOf(held) / 1000,
        attempts: keeper.attempts(),
        failures: keeper.failures(),
        generation: keeper.generation(),
        nextAttempt: keeper.waitFor('age') / 1000,
      }
    },
    export: () => {
      const held = keeper.usable()
      return held && seedOf(held, location.id)
    },
  })
}
