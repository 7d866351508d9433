import type { Freshness } from './refresh-policy.ts'

/** Attempts to fetch one key set, as far back as the rate limits need. Times are monotonic milliseconds. */
export interface AttemptHistory {
  /** When attempts began, oldest first. */
  readonly starts: readonly number[]
  /** Starts that count towards the limit of two in two cool-downs: all but the fetch that ended a cold start. */
  readonly counted: readonly number[]
  /** When the last attempt for an unknown `kid`, or after a failed signature, began. */
  readonly lastForToken: number
  /** Failed attempts since the last success. */
  readonly failures: number
  /** When the first of these failures began. */
  readonly failingSince: number
  /** When back-off or `Retry-After` ends. */
  readonly notBefore: number
}

/** Why a fetch is needed: the age of the set, or a token that names a key the set lacks. */
export type AttemptCause = 'age' | 'token'

export interface AttemptLimits {
  /** Minimum milliseconds between attempts caused by tokens. */
  readonly cooldown: number
  readonly fetchesPerMinute: number
}

/** The history before the first attempt. */
export const NO_ATTEMPTS: AttemptHistory = Object.freeze({
  starts: [],
  counted: [],
  lastForToken: -Infinity,
  failures: 0,
  failingSince: -Infinity,
  notBefore: -Infinity,
})

const SECOND = 1000
const MINUTE = 60 * SECOND
const LONGEST_BACK_OFF = 60 * SECOND
const LONGEST_RETRY_AFTER = 300 * SECOND
const IN_FIRST_FAILING_MINUTE = 7
const PER_FAILING_MINUTE = 2
const PER_TWO_COOLDOWNS = 2

interface AttemptWish {
  readonly cause: AttemptCause
  readonly freshness: Freshness
}

/** The earliest time an attempt may begin. A time in the past means it may begin now. */
export function nextAttemptAt(
  history: AttemptHistory,
  { cause, freshness }: AttemptWish,
  { cooldown, fetchesPerMinute }: AttemptLimits,
  now: number,
): number {
  const isFresh = freshness === 'fresh' || freshness === 'ageing'
  return Math.max(
    history.notBefore,
    atMost(fetchesPerMinute, MINUTE, history.starts),
    isFresh ? atMost(PER_TWO_COOLDOWNS, 2 * cooldown, history.counted) : failingBound(history, now),
    isFresh && cause === 'token' ? history.lastForToken + cooldown : -Infinity,
  )
}

/** Whether the limits allow the one immediate retry of a cold start. */
export function mayRetryAtOnce(history: AttemptHistory, { fetchesPerMinute }: AttemptLimits, now: number): boolean {
  return history.failures === 0 && atMost(fetchesPerMinute, MINUTE, history.starts) <= now
}

/** The history once an attempt has begun. */
export function afterStart(
  history: AttemptHistory,
  cause: AttemptCause,
  { cooldown }: AttemptLimits,
  now: number,
): AttemptHistory {
  const horizon = now - Math.max(MINUTE, 2 * cooldown)
  return {
    ...history,
    starts: [...history.starts.filter((start) => start > horizon), now],
    counted: [...history.counted.filter((start) => start > horizon), now],
    lastForToken: cause === 'token' ? now : history.lastForToken,
  }
}

/** An attempt of several requests counts from the time the last one was sent. */
export function afterNextRequest(
  history: AttemptHistory,
  cause: AttemptCause,
  limits: AttemptLimits,
  now: number,
): AttemptHistory {
  const { starts, counted } = history
  return afterStart({ ...history, starts: starts.slice(0, -1), counted: counted.slice(0, -1) }, cause, limits, now)
}

/** A success that ends a cold start does not count towards the cool-down for tokens. */
export function afterSuccess(history: AttemptHistory, start: 'cold' | 'warm'): AttemptHistory {
  const counted = start === 'cold' ? history.counted.slice(0, -1) : history.counted
  return { ...history, counted, failures: 0, failingSince: -Infinity, notBefore: -Infinity }
}

interface FailedAttempt {
  readonly startedAt: number
  /** Seconds from the server's `Retry-After`. */
  readonly retryAfter: number | undefined
  /** From 0 to 1: full jitter, so programs that failed together do not retry together. */
  readonly random: number
}

/** Back-off of 1, 2, 4 … 60 s with full jitter, or `Retry-After` up to five minutes if that is longer. */
export function afterFailure(history: AttemptHistory, failed: FailedAttempt, now: number): AttemptHistory {
  const { startedAt, retryAfter = 0, random } = failed
  const ceiling = Math.min(LONGEST_BACK_OFF, SECOND * 2 ** Math.min(history.failures, 16))
  const asked = Math.min(LONGEST_RETRY_AFTER, retryAfter * SECOND)
  return {
    ...history,
    failures: history.failures + 1,
    failingSince: history.failures === 0 ? startedAt : history.failingSince,
    notBefore: now + Math.max(random * ceiling, asked),
  }
}

// Jitter may be short every time, so the load on a failing endpoint needs its own limit.
function failingBound(history: AttemptHistory, now: number): number {
  const { starts, failures, failingSince } = history
  if (failures === 0) return -Infinity
  const inFirstMinute = now < failingSince + MINUTE
  const sinceThen = starts.filter((start) => start >= failingSince).length
  if (inFirstMinute && sinceThen < IN_FIRST_FAILING_MINUTE) return -Infinity
  return Math.max(failingSince + MINUTE, atMost(PER_FAILING_MINUTE, MINUTE, starts))
}

function atMost(count: number, span: number, starts: readonly number[]): number {
  const earliest = starts.at(-count)
  return earliest === undefined ? -Infinity : earliest + span
}
