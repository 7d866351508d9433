/** Work that continues after the response to the request that started it. */
export interface BackgroundWork {
  /** Registers work. Pass it as the `waitUntil` option of a verifier. */
  readonly begun: (promise: Promise<unknown>) => void
  /** Whether any work is in progress. */
  readonly isUnderWay: () => boolean
  /** Resolves when no work is in progress. Never rejects. */
  readonly ended: () => Promise<void>
}

// Longer than a key fetch may take, so that work whose request was cancelled does not block others.
const LONGEST = 10_000
const LOOK_EVERY = 25

/**
 * Connects the background work of a verifier, which is shared by the isolate, to the contexts of requests.
 *
 * A promise belongs to the request that created it: another request may neither await it nor pass it to its `waitUntil`. So requests
 * share only plain numbers that show whether work is in progress. Each request that sees work in progress keeps its context alive with
 * its own timers.
 */
export function createBackgroundWork(now: () => number = () => Date.now()): BackgroundWork {
  const starts = new Map<symbol, number>()

  const isUnderWay = (): boolean => {
    const oldest = now() - LONGEST
    for (const [work, start] of starts) if (start < oldest) starts.delete(work)
    return starts.size > 0
  }

  return {
    begun: (promise) => {
      const work = Symbol('work')
      starts.set(work, now())
      const end = (): void => {
        starts.delete(work)
      }
      promise.then(end, end)
    },
    isUnderWay,
    ended: async () => {
      while (isUnderWay()) await new Promise<void>((resolve) => void setTimeout(resolve, LOOK_EVERY))
    },
  }
}
