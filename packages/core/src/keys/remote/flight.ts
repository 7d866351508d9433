import type { Clock } from '../../model/runtime.ts'
import type { FetchError } from '../fetch/fetch-error.ts'

/**
 * How requests share work under way: by awaiting its promise, or without touching what another request began, as
 * runtimes need that tie I/O to a request.
 */
export type Sharing = 'promise' | 'poll'

/** What the runtime at hand needs. */
export function defaultSharing(): Sharing {
  return globalThis.navigator?.userAgent === 'Cloudflare-Workers' ? 'poll' : 'promise'
}

interface Timer {
  /** Resolves when the time is over; never, once cancelled. */
  readonly elapsed: Promise<void>
  cancel(): void
}

/** Starts a timer of so many milliseconds. */
export function startTimer(clock: Clock, milliseconds: number): Timer {
  let cancel: (() => void) | undefined
  const elapsed = new Promise<void>((resolve) => {
    cancel = clock.setTimeout(resolve, milliseconds)
  })
  return { elapsed, cancel: () => cancel?.() }
}

/** Gives background work to the runtime's `waitUntil`, which may be out of reach where no request is served. */
export function keepAlive(
  waitUntil: ((promise: Promise<unknown>) => void) | undefined,
  promise: Promise<unknown>,
): void {
  try {
    waitUntil?.(promise)
  } catch {
    // Without it the work goes on for as long as the runtime lets it.
  }
}

/** What became of a shared fetch. */
export type FlightResult =
  | { readonly kind: 'fetched' }
  /** A newer set was found in the store instead: the request looks again. */
  | { readonly kind: 'seeded' }
  /** Whoever carried it is gone: the request looks again, and may take over. */
  | { readonly kind: 'abandoned' }
  | { readonly kind: 'failed'; readonly error: FetchError }

/** A fetch that many requests wait for. Its signal is its own: no request that goes away takes it along. */
export interface Flight {
  readonly startedAt: number
  readonly controller: AbortController
  /** Settles when `result` is there; never rejects. */
  settled: Promise<void>
  result: FlightResult | undefined
  /** Monotonic time after which it must have lost the request that carried it; `Infinity` while it waits for its turn. */
  aliveUntil: number
}

interface FlightWait {
  readonly clock: Clock
  /** Whether to await the promise, or to look from time to time. */
  readonly by: Sharing
  /** Monotonic time to stop waiting at. */
  readonly until: number
}

const POLL_EVERY = 20
// Runtimes take a time without end for none at all.
const LONGEST_TIMER = 60_000

/** Waits for a flight; `undefined` where it takes longer than the request wants to wait. */
export async function waitForFlight(
  flight: Flight,
  { clock, by, until }: FlightWait,
): Promise<FlightResult | undefined> {
  if (by === 'poll') await poll(flight, clock, until)
  else await race(flight, clock, until)
  if (flight.result) return flight.result
  return clock.monotonic() >= flight.aliveUntil ? { kind: 'abandoned' } : undefined
}

async function race(flight: Flight, clock: Clock, until: number): Promise<void> {
  const left = Math.min(until, flight.aliveUntil) - clock.monotonic()
  if (left <= 0 || flight.result) return
  const timer = startTimer(clock, Math.min(left, LONGEST_TIMER))
  await Promise.race([flight.settled, timer.elapsed])
  timer.cancel()
  // A fetch of several steps may live longer with each of them.
  if (!flight.result && clock.monotonic() < until) await race(flight, clock, until)
}

async function poll(flight: Flight, clock: Clock, until: number): Promise<void> {
  while (!flight.result && clock.monotonic() < Math.min(until, flight.aliveUntil)) {
    await startTimer(clock, POLL_EVERY).elapsed
  }
}
