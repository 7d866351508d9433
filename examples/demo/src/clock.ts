import type { Clock } from '@claimgate/core'

/** A clock that runs like the real one, and that the story can move forward instead of waiting. */
export interface DemoClock extends Pick<Clock, 'now' | 'monotonic'> {
  /** Moves wall time and monotonic time forward. From 0. */
  pass(seconds: number): void
}

/** Makes a clock that starts at the real time. */
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
