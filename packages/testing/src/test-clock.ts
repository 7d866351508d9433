import { setImmediate as turn } from 'node:timers/promises'
import { type OptionRule, type OptionTable, readOptions } from '@claimgate/core/adapter'

/** The start times of a test clock. */
export interface TestClockOptions {
  /** Wall time, milliseconds since 1970. @defaultValue 1_700_000_000_000 */
  readonly wall?: number
  /** Monotonic time, milliseconds since an arbitrary moment. @defaultValue 0 */
  readonly monotonic?: number
}

/** A clock that stands still until a test advances it. It implements `Clock` of `@claimgate/core`. */
export interface TestClock {
  /** Wall time, milliseconds since 1970. `stepWall` can make it jump. */
  now(): number
  /** Milliseconds since an arbitrary moment. Never decreases. */
  monotonic(): number
  /**
   * Advances both times by `ms` milliseconds and fires each due timer at its due time.
   *
   * @throws RangeError when `ms` is negative or not finite.
   */
  advance(ms: number): void
  /** Like `advance`, but lets promises and I/O proceed before the first timer, after each timer and at the end. */
  advanceAsync(ms: number): Promise<void>
  /** Moves only the wall time, forward or back, like an NTP correction. No timer fires. */
  stepWall(ms: number): void
  /** Calls `fire` once the clock has advanced by `ms`. Negative values are treated as 0. Returns a function that cancels. */
  setTimeout(fire: () => void, ms: number): () => void
  /** Resolves once the clock has advanced by `ms`. @throws the signal's reason when it is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** The number of pending timers. */
  pending(): number
}

const ACTION = 'create test clock'
const MILLISECONDS: OptionRule = { be: 'a number of milliseconds', fits: Number.isFinite }
const TEST_CLOCK: OptionTable<TestClockOptions> = {
  wall: { ...MILLISECONDS, default: 1_700_000_000_000 },
  monotonic: { ...MILLISECONDS, default: 0 },
}

/** Creates a test clock. Time passes only when the test advances it. */
export function createTestClock(options: TestClockOptions = {}): TestClock {
  let { wall, monotonic } = readOptions(ACTION, options, TEST_CLOCK) as Required<TestClockOptions>
  let started = 0
  const waiting = new Set<PendingTimer>()

  const move = (ms: number): void => {
    wall += ms
    monotonic += ms
  }

  const setTimeout = (fire: () => void, ms: number): (() => void) => {
    const timer: PendingTimer = { at: monotonic + Math.max(0, ms), order: started++, fire }
    waiting.add(timer)
    return () => void waiting.delete(timer)
  }

  const fireNext = (until: number): boolean => {
    const timer = earliest(waiting)
    if (timer === undefined || timer.at > until) return false
    waiting.delete(timer)
    move(Math.max(0, timer.at - monotonic))
    timer.fire()
    return true
  }

  const advance = (ms: number): void => {
    const until = monotonic + duration(ms)
    while (fireNext(until));
    move(Math.max(0, until - monotonic))
  }

  const advanceAsync = async (ms: number): Promise<void> => {
    const until = monotonic + duration(ms)
    await turn()
    while (fireNext(until)) await turn()
    move(Math.max(0, until - monotonic))
    await turn()
  }

  const sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error)
      const abort = (): void => {
        cancel()
        reject(signal?.reason as Error)
      }
      const cancel = setTimeout(() => {
        signal?.removeEventListener('abort', abort)
        resolve()
      }, ms)
      signal?.addEventListener('abort', abort, { once: true })
    })

  return {
    now: () => wall,
    monotonic: () => monotonic,
    advance,
    advanceAsync,
    stepWall: (ms) => {
      wall += ms
    },
    setTimeout,
    sleep,
    pending: () => waiting.size,
  }
}

interface PendingTimer {
  readonly at: number
  readonly order: number
  readonly fire: () => void
}

function duration(ms: number): number {
  if (Number.isFinite(ms) && ms >= 0) return ms
  throw new RangeError(`Cannot advance the clock: "ms" must be a finite number of at least 0, found ${ms}`)
}

function earliest(timers: Iterable<PendingTimer>): PendingTimer | undefined {
  let first: PendingTimer | undefined
  for (const timer of timers) {
    if (first === undefined || timer.at < first.at || (timer.at === first.at && timer.order < first.order))
      first = timer
  }
  return first
}
