import type { Clock } from '@claimgate/core'

/** A clock that runs like the real one. The demo can advance it instead of waiting. */
export interface DemoClock extends Pick<Clock, 'now' | 'monotonic'> {
  /** Advances wall time and monotonic time. From 0. */
  pass(seconds: number): void
}

/** Creates a clock that starts at the real time. */
export function createDemoClock(): DemoClock {
  let offset = 0
  return {
    now: () => Date.now() + offset,
    monotonic: () => performance.now() + offset,
    pass: (seconds) => {
      offset += seconds * 1000
    },
  }
}
