import type { KeySource } from '../keys/key-source.ts'
import type { Freshness } from '../keys/remote/refresh-policy.ts'
import type { FetchFailure } from '../model/events.ts'

/** What a verifier knows now, for health checks. It makes no request. */
export interface VerifierStatus {
  /** Whether every issuer is ready. `true` without issuers, for example before a function of `issuers` was called. */
  readonly ready: boolean
  readonly issuers: readonly IssuerStatus[]
}

/** The keys of an issuer. */
export interface IssuerStatus {
  /** `null` for any issuer. */
  readonly issuer: string | null
  /** Whether there are keys that may be used: not before the first set is here, nor once it has expired. */
  readonly ready: boolean
  /**
   * `cold`: no set yet. `fresh`, `ageing` and `stale` sets are used; an `ageing` one is refreshed in the background, a `stale` one could not be.
   * An `expired` one is not used. `given`: the keys are not fetched.
   */
  readonly freshness: Freshness | 'given'
  /** Seconds since the set was fetched or confirmed. Absent if there is none. */
  readonly age?: number
  /** Usable keys. Absent if they are not fetched. */
  readonly keys?: number
  /** Why the last attempt failed. Absent after a success. The last two are for introspection (RFC 7662). */
  readonly failure?: FetchFailure | 'client_refused' | 'answer'
  /** Seconds until an attempt may begin; 0 for now. Absent if keys are not fetched. */
  readonly nextAttempt?: number
}

/** The status of issuers by the figures of their keys. */
export function statusOf(
  policies: Iterable<{ readonly issuer: string | null; readonly keys: Pick<KeySource, 'stats'> }>,
): VerifierStatus {
  const issuers = [...policies].map(({ issuer, keys }) => issuerStatus(issuer, keys.stats?.()))
  return { ready: issuers.every(({ ready }) => ready), issuers }
}

function issuerStatus(issuer: string | null, stats: ReturnType<NonNullable<KeySource['stats']>>): IssuerStatus {
  if (stats === undefined) return { issuer, ready: true, freshness: 'given' }
  const { freshness, age, keys, failure, nextAttempt } = stats
  const ready = freshness !== 'cold' && freshness !== 'expired'
  return { issuer, ready, freshness, keys, nextAttempt, ...(age !== undefined && { age }), ...(failure && { failure }) }
}
