/** Counts failed log-ins, so that nobody can try passwords without end. */
export interface AttemptLimit {
  /**
   * Counts an attempt before it is made, so that many at once do not slip through. Returns 0 where it may go ahead, or
   * else the seconds to wait.
   */
  begin(key: string): number
  /** Forgets the attempts of a key, after a success. */
  clear(key: string): void
  /** Forgets one attempt, which was not a failure. */
  takeBack(key: string): void
}

/** What an {@link AttemptLimit} allows. */
export interface AttemptLimitOptions {
  /** Attempts within the window. @defaultValue 10 */
  readonly attempts?: number
  /** Length of the window in seconds. @defaultValue 60 */
  readonly windowSeconds?: number
  /** Keys remembered; the oldest window is forgotten first. @defaultValue 10000 */
  readonly keys?: number
  /** A monotonic time in milliseconds. @defaultValue `performance.now` */
  readonly elapsed?: () => number
}

/** An {@link AttemptLimit} with a fixed window per key, in memory. */
export const createAttemptLimit = ({
  attempts = 10,
  windowSeconds = 60,
  keys = 10_000,
  elapsed = () => performance.now(),
}: AttemptLimitOptions = {}): AttemptLimit => {
  const windows = new Map<string, { readonly endsAt: number; count: number }>()

  const windowOf = (key: string, now: number): { readonly endsAt: number; count: number } => {
    const open = windows.get(key)
    if (open !== undefined && now < open.endsAt) return open
    const fresh = { endsAt: now + windowSeconds * 1000, count: 0 }
    windows.delete(key)
    windows.set(key, fresh)
    for (const oldest of windows.keys()) {
      if (windows.size <= keys) break
      windows.delete(oldest)
    }
    return fresh
  }

  return {
    begin: (key) => {
      const now = elapsed()
      const current = windowOf(key, now)
      current.count += 1
      return current.count <= attempts ? 0 : Math.ceil((current.endsAt - now) / 1000)
    },
    clear: (key) => {
      windows.delete(key)
    },
    takeBack: (key) => {
      const open = windows.get(key)
      if (open !== undefined && open.count > 0) open.count -= 1
    },
  }
}
