/** Work that outlives the answer to the request it was begun for. */
export interface BackgroundWork {
  /** Takes note of work; for the `waitUntil` option of a verifier. */
  readonly begun: (promise: Promise<unknown>) => void
  /** Whether any is under way. */
  readonly isUnderWay: () => boolean
  /** Resolves when none is under way any more. Never rejects. */
  readonly ended: () => Promise<void>
}

// Longer than a fetch of keys may take, so that work whose request is gone for good holds up nobody.
const LONGEST = 10_000
const LOOK_EVERY = 25

/**
 * Ties the background work of a verifier, of which there is one per isolate, to the contexts of requests.
 *
 * A promise belongs to the request it was made in: another request may neither await it nor pass it to a `waitUntil` of
 * its own. So only the fact that work is under way is shared, as plain numbers, and each request that sees it keeps its
 * own context alive with timers of its own.
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
