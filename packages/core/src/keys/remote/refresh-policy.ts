import type { Clock } from '../../model/runtime.ts'

/**
 * How old the set at hand is: none yet, within its freshness, past the point where refreshing ahead begins, past its
 * freshness, or past what may be served when fetching fails.
 */
export type Freshness = 'cold' | 'fresh' | 'ageing' | 'stale' | 'expired'

/** Whether the set at hand can answer for a token by itself. A token without `kid` never asks for a newer set. */
export type KidKnowledge = 'known' | 'unknown'

/** Whether a fetch may begin: it may, one is under way, or the attempts so far hold it back. */
export type FetchOpening = 'allowed' | 'in_flight' | 'held'

export interface Situation {
  readonly freshness: Freshness
  readonly kid: KidKnowledge
  readonly fetch: FetchOpening
}

export type Action =
  /** Use the set at hand. */
  | 'answer'
  /** Use the set at hand, and begin a fetch nobody waits for. */
  | 'answer_and_refresh'
  /** Wait for the fetch, but not long; then use whichever set is at hand. */
  | 'wait_softly'
  /** Wait for the fetch; only its success lets the request be decided. */
  | 'wait'
  /** Refuse the token if it was issued before the set was requested; about a younger one the set cannot tell. */
  | 'deny_if_older'
  /** Say at once that it cannot be decided now. */
  | 'unavailable'

type Row = Readonly<Record<FetchOpening, Action>>

const unknownKid: Row = { allowed: 'wait', in_flight: 'wait', held: 'deny_if_older' }
const noUsableSet: Row = { allowed: 'wait', in_flight: 'wait', held: 'unavailable' }

/** What a request does, by the age of the set and what it says about the token's `kid`. */
const table: Readonly<Record<Freshness, Readonly<Record<KidKnowledge, Row>>>> = {
  fresh: {
    known: { allowed: 'answer', in_flight: 'answer', held: 'answer' },
    unknown: unknownKid,
  },
  ageing: {
    known: { allowed: 'answer_and_refresh', in_flight: 'answer', held: 'answer' },
    unknown: unknownKid,
  },
  stale: {
    known: { allowed: 'wait_softly', in_flight: 'wait_softly', held: 'answer' },
    unknown: noUsableSet,
  },
  expired: { known: noUsableSet, unknown: noUsableSet },
  cold: { known: noUsableSet, unknown: noUsableSet },
}

/** The JWK Set policy: a pure look-up, without a clock and without I/O. */
export function decide({ freshness, kid, fetch }: Situation): Action {
  return table[freshness][kid][fetch]
}

/** When a set was confirmed and how long that lasts; all in milliseconds of one monotonic clock. */
export interface Lifetime {
  readonly confirmedAt: number
  readonly freshFor: number
  /** When refreshing ahead begins, as an age. */
  readonly refreshAfter: number
  readonly staleFor: number
}

export function freshnessAt(now: number, lifetime: Lifetime | undefined): Freshness {
  if (!lifetime) return 'cold'
  const age = now - lifetime.confirmedAt
  if (age < lifetime.refreshAfter) return 'fresh'
  if (age < lifetime.freshFor) return 'ageing'
  return age < lifetime.freshFor + lifetime.staleFor ? 'stale' : 'expired'
}

/** How far a set is complete. */
export interface Completeness {
  /** Monotonic milliseconds: every key published before this is in the set, unless it has been withdrawn. */
  readonly completeTo: number
  /** The number of the attempt that fetched the set, if the set is complete to the beginning of that attempt; else 0. */
  readonly attempt: number
}

/** What is known about when a token was issued. */
export interface Issuance {
  /** Attempts that had begun when the token arrived. */
  readonly attemptsBefore: number
  /** Milliseconds since the epoch: the token was issued before this, if its `iat` is true. */
  readonly issuedBefore: number
}

/**
 * Whether a set can deny that a token's key exists: only if the token was issued before the set was requested. It was if the
 * token had arrived before the attempt began, which no clock can get wrong, or if its own `iat` says so.
 */
export function canDeny(
  { completeTo, attempt }: Completeness,
  { attemptsBefore, issuedBefore }: Issuance,
  clock: Pick<Clock, 'now' | 'monotonic'>,
): boolean {
  return attempt > attemptsBefore || issuedBefore < clock.now() - (clock.monotonic() - completeTo)
}

const REFRESH_AHEAD = 0.8
const JITTER = 0.1

/** The age at which refreshing ahead begins: between 80 and 90 % of freshness, so that many programs spread out. */
export function refreshAheadAge(freshFor: number, random: number): number {
  return freshFor * (REFRESH_AHEAD + JITTER * random)
}
