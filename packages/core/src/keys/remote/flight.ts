import type { Clock } from '../../model/runtime.ts'
import type { FetchError } from '../fetch/fetch-error.ts'

/**
 * How requests share a running fetch: by awaiting its promise, or by polling its result. Runtimes that tie I/O to a request need polling.
 */
export type Sharing = 'promise' | 'poll'

/** The sharing that the current runtime needs. */
export function defaultSharing(): Sharing {
  return globalThis.navigator?.userAgent === 'Cloudflare-Workers' ? 'poll' : 'promise'
}

interface Timer {
  /** Resolves when the time is over. Never settles if cancelled. */
  readonly elapsed: Promise<void>
  cancel(): void
}

/** Starts a timer. */
export function startTimer(clock: Clock, milliseconds: number): Timer {
  let cancel: (() => void) | undefined
  const elapsed = new Promise<void>((resolve) => {
    cancel = clock.setTimeout(resolve, milliseconds)
  })
  return { elapsed, cancel: () => cancel?.() }
}

/** Passes background work to the runtime's `waitUntil`, which may be unavailable outside a request. */
export function keepAlive(
  waitUntil: ((promise: Promise<unknown>) => void) | undefined,
  promise: Promise<unknown>,
): void {
  try {
    waitUntil?.(promise)
  } catch {
    // Without waitUntil, the work continues only as long as the runtime allows.
  }
}

/** The result of a shared fetch. */
export type FlightResult =
  | { readonly kind: 'fetched' }
  /** A newer set was found in the store instead. The request checks again. */
  | { readonly kind: 'seeded' }
  /** The request that carried it has ended. The waiting request checks again, and may take over. */
  | { readonly kind: 'abandoned' }
  | { readonly kind: 'failed'; readonly error: FetchError }

/** A fetch that many requests wait for. It has a separate signal, so an aborted request does not abort the fetch. */
export interface Flight {
  readonly startedAt: number
  readonly controller: AbortController
  /** Settles when `result` is set; never rejects. */
  settled: Promise<void>
  result: FlightResult | undefined
  /** Monotonic time after which the request that carried it must have ended; `Infinity` while it waits for its turn. */
  aliveUntil: number
}

interface FlightWait {
  readonly clock: Clock
  /** Whether to await the promise or to poll. */
  readonly by: Sharing
  /** Monotonic time to stop waiting at. */
  readonly until: number
}

const POLL_EVERY = 20
// Runtimes fire timers with an infinite delay immediately.
const LONGEST_TIMER = 60_000

/** Waits for a flight; `undefined` if it takes longer than the request wants to wait. */
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
  // A fetch of several steps may extend its life with each step.
  if (!flight.result && clock.monotonic() < until) await race(flight, clock, until)
}

async function poll(flight: Flight, clock: Clock, until: number): Promise<void> {
  while (!flight.result && clock.monotonic() < Math.min(until, flight.aliveUntil)) {
    await startTimer(clock, POLL_EVERY).elapsed
  }
}
