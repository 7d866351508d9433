/** Limits failed log-ins, to prevent guessing of passwords. */
export interface AttemptLimit {
  /**
   * Counts an attempt before it is made, so that concurrent attempts cannot exceed the limit. Returns 0 if the attempt may proceed,
   * otherwise the seconds to wait.
   */
  begin(key: string): number
  /** Clears the attempts of a key after a success. */
  clear(key: string): void
  /** Subtracts one attempt that was not a failure. */
  takeBack(key: string): void
}

/** Options for an {@link AttemptLimit}. */
export interface AttemptLimitOptions {
  /** Attempts within the window. @defaultValue 10 */
  readonly attempts?: number
  /** Length of the window in seconds. @defaultValue 60 */
  readonly windowSeconds?: number
  /** The maximum number of keys; the oldest window is evicted first. @defaultValue 10000 */
  readonly keys?: number
  /** The monotonic time in milliseconds. @defaultValue `performance.now` */
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
