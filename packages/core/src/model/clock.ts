/** Where time comes from. Token times use wall time; ages, cool-downs and deadlines use monotonic time. */
export interface Clock {
  /** Wall time in milliseconds since the epoch, as `Date.now()`. May be stepped by an administrator. */
  now(): number
  /** Milliseconds since an arbitrary start; never goes back. */
  monotonic(): number
  /** Calls back once after `milliseconds`, without keeping the program alive. Returns a function that cancels. */
  setTimeout(callback: () => void, milliseconds: number): () => void
}

/** The clock of the runtime. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimeout: (callback, milliseconds) => {
    const timer: unknown = setTimeout(callback, milliseconds)
    // Node's timers are objects that hold the program open until told otherwise; elsewhere they are numbers.
    if (isUnreferenceable(timer)) timer.unref()
    return () => clearTimeout(timer as number)
  },
}

function isUnreferenceable(timer: unknown): timer is { unref(): void } {
  return typeof timer === 'object' && timer !== null && 'unref' in timer && typeof timer.unref === 'function'
}
