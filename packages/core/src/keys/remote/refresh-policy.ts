import type { Clock } from '../../model/runtime.ts'

/**
 * How old the cached set is: none yet, fresh, past the start of early refresh, past its freshness, or too old to serve even when fetching
 * fails.
 */
export type Freshness = 'cold' | 'fresh' | 'ageing' | 'stale' | 'expired'

/** Whether the cached set can answer for a token. A token without `kid` never triggers a fetch of a newer set. */
export type KidKnowledge = 'known' | 'unknown'

/** Whether a fetch may begin: it may, one is running, or the rate limits forbid it. */
export type FetchOpening = 'allowed' | 'in_flight' | 'held'

export interface Situation {
  readonly freshness: Freshness
  readonly kid: KidKnowledge
  readonly fetch: FetchOpening
}

export type Action =
  /** Use the cached set. */
  | 'answer'
  /** Use the cached set, and begin a background fetch. */
  | 'answer_and_refresh'
  /** Wait briefly for the fetch; then use the current set, new or old. */
  | 'wait_softly'
  /** Wait for the fetch; the request can be decided only if it succeeds. */
  | 'wait'
  /** Refuse the token if it was issued before the set was requested. For a later token, the set cannot tell. */
  | 'deny_if_older'
  /** Report immediately that the token cannot be decided now. */
  | 'unavailable'

type Row = Readonly<Record<FetchOpening, Action>>

const unknownKid: Row = { allowed: 'wait', in_flight: 'wait', held: 'deny_if_older' }
const noUsableSet: Row = { allowed: 'wait', in_flight: 'wait', held: 'unavailable' }

/** What a request does, by the age of the set and whether it knows the token's `kid`. */
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

/** The JWK Set policy: a pure table lookup, without a clock and without I/O. */
export function decide({ freshness, kid, fetch }: Situation): Action {
  return table[freshness][kid][fetch]
}

/** When a set was confirmed, and when its freshness changes. Monotonic milliseconds of one clock. */
export interface Lifetime {
  readonly confirmedAt: number
  /** When early refresh begins. */
  readonly refreshAt: number
  readonly freshUntil: number
  /** When the set is too old to be used. */
  readonly usableUntil: number
}

const REFRESH_AHEAD = 0.8
const JITTER = 0.1

/**
 * The lifetime of a set that was confirmed at `confirmedAt` and is fresh for `freshFor` seconds. Early refresh begins after 80 to 90 % of
 * them, so that many programs spread out.
 */
export function lifetime(
  confirmedAt: number,
  freshFor: number,
  { staleFor, random }: { readonly staleFor: number; readonly random: () => number },
): Lifetime {
  const freshUntil = confirmedAt + freshFor * 1000
  const refreshAt = confirmedAt + freshFor * 1000 * (REFRESH_AHEAD + JITTER * random())
  return { confirmedAt, refreshAt, freshUntil, usableUntil: freshUntil + staleFor * 1000 }
}

export function freshnessAt(now: number, times: Lifetime | undefined): Freshness {
  if (!times) return 'cold'
  if (now < times.refreshAt) return 'fresh'
  if (now < times.freshUntil) return 'ageing'
  return now < times.usableUntil ? 'stale' : 'expired'
}

/** Up to when a set is complete. */
export interface Completeness {
  /** Monotonic milliseconds: every key published before this is in the set, unless it has been withdrawn. */
  readonly completeTo: number
  /** The number of the attempt that fetched the set, if the set is complete up to the start of that attempt; else 0. */
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
 * Whether a set can prove that a token's key does not exist: only if the token was issued before the set was requested. This holds if
 * the token arrived before the attempt began, which needs no clock, or if its own `iat` says so.
 */
export function canDeny(
  { completeTo, attempt }: Completeness,
  { attemptsBefore, issuedBefore }: Issuance,
  clock: Pick<Clock, 'now' | 'monotonic'>,
): boolean {
  return attempt > attemptsBefore || issuedBefore < clock.now() - (clock.monotonic() - completeTo)
}
