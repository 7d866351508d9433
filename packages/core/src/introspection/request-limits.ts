import { afterFailure, afterStart, type Clock, defaultSharing, nextAttemptAt, NO_ATTEMPTS } from '../adapter.ts'
import { IntrospectionError } from './failure.ts'

/** When requests may be sent to a failing endpoint: one at a time, with the back-off of key sets. */
export interface Circuit {
  /** Milliseconds until a request may be sent; 0 if it may be sent now. */
  wait(): number
  /** A request begins. */
  begin(): Attempt
  succeeded(): void
  failed(attempt: Attempt, retryAfter: number | undefined): void
}

interface Attempt {
  /** Monotonic milliseconds. */
  readonly startedAt: number
  /** Failures before it. */
  readonly failures: number
}

const LIMITS = { cooldown: 0, fetchesPerMinute: 60 }
const ATTEMPT = { cause: 'age', freshness: 'cold' } as const

/**
 * A circuit, open after a failure until a request succeeds.
 *
 * @param timeout - milliseconds after which a request has certainly ended
 */
export function circuit(clock: Clock, timeout: number, random: () => number): Circuit {
  let history = NO_ATTEMPTS
  let probeUntil = -Infinity
  return {
    wait: () => {
      if (history.failures === 0) return 0
      const now = clock.monotonic()
      return Math.max(0, probeUntil - now, nextAttemptAt(history, ATTEMPT, LIMITS, now) - now)
    },
    begin: () => {
      const now = clock.monotonic()
      if (history.failures > 0) {
        history = afterStart(history, 'age', LIMITS, now)
        probeUntil = now + timeout
      }
      return { startedAt: now, failures: history.failures }
    },
    succeeded: () => {
      history = NO_ATTEMPTS
      probeUntil = -Infinity
    },
    failed: ({ startedAt, failures }, retryAfter) => {
      // Requests that were under way together fail together, and count once.
      if (failures !== history.failures) return
      probeUntil = -Infinity
      const started = failures === 0 ? afterStart(NO_ATTEMPTS, 'age', LIMITS, startedAt) : history
      history = afterFailure(started, { startedAt, retryAfter, random: random() }, clock.monotonic())
    },
  }
}

/** Waits for a turn. Resolves to the function that ends it. @throws IntrospectionError without a turn in time */
export type Turn = () => Promise<() => void>

/** Runs one task for each key at a time, and so many tasks at once. */
export interface LimitedTasks<T> {
  /** The result of the task for a key. If one is under way, its result. */
  share(key: string, task: (turn: Turn) => Promise<T>): Promise<T>
  /** Like `share`, but a task that was under way before does not count. All tasks that `begin` runs for a key must do the same. */
  begin(key: string, task: (turn: Turn) => Promise<T>): Promise<T>
}

const MOST_WAITING = 1000

/**
 * Limits tasks. Where requests cannot await each other (Cloudflare Workers), the runtime limits connections, and tasks are neither shared
 * nor limited.
 *
 * @param longestWait - milliseconds to wait for a turn
 */
export function limitedTasks<T>(most: number, longestWait: number, clock: Clock): LimitedTasks<T> {
  const tasks = new Map<string, { readonly result: Promise<T>; readonly by: 'share' | 'begin' }>()
  const waiting = new Set<() => void>()
  let running = 0
  const release = (): void => {
    const [next] = waiting
    if (next === undefined) running -= 1
    else next()
  }
  const turn: Turn = async () => {
    if (running < most) running += 1
    else if (waiting.size >= MOST_WAITING) throw busy()
    else
      await new Promise<void>((resolve, reject) => {
        const leave = (): void => {
          waiting.delete(proceed)
          cancel()
        }
        const proceed = (): void => {
          leave()
          resolve()
        }
        const cancel = clock.setTimeout(() => {
          leave()
          reject(busy())
        }, longestWait)
        waiting.add(proceed)
      })
    return release
  }
  if (defaultSharing() === 'poll') {
    const alone: LimitedTasks<T>['share'] = async (_key, task) => task(async () => () => {})
    return { share: alone, begin: alone }
  }
  const run = async (key: string, task: (turn: Turn) => Promise<T>, by: 'share' | 'begin'): Promise<T> => {
    const result = task(turn)
    tasks.set(key, { result, by })
    try {
      return await result
    } finally {
      tasks.delete(key)
    }
  }
  return {
    share: async (key, task) => tasks.get(key)?.result ?? run(key, task, 'share'),
    begin: async (key, task) => {
      const earlier = tasks.get(key)
      for (let known = earlier; known !== undefined; known = tasks.get(key)) {
        if (known !== earlier && known.by === 'begin') return known.result
        await known.result.catch(() => {})
      }
      return run(key, task, 'begin')
    },
  }
}

function busy(): IntrospectionError {
  return new IntrospectionError('Too many requests to the endpoint are under way', {
    reason: 'rate_limited',
    scope: 'token',
    status: undefined,
    retryAfter: undefined,
  })
}
