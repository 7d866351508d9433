import { systemClock, type Clock } from '@claimgate/core/extend'

/** The runtime's clock, whose times a test can put forward: timers run as always, ages jump. */
export interface ShiftedClock extends Clock {
  /** Lets so many seconds have passed. */
  pass(seconds: number): void
  /** Steps wall time alone. */
  stepWall(seconds: number): void
}

/** For tests with real sockets, where deadlines are real and a day must not be. */
export function shiftedClock(): ShiftedClock {
  let passed = 0
  let stepped = 0
  return {
    now: () => Date.now() + passed + stepped,
    monotonic: () => performance.now() + passed,
    setTimeout: systemClock.setTimeout,
    pass: (seconds) => {
      passed += seconds * 1000
    },
    stepWall: (seconds) => {
      stepped += seconds * 1000
    },
  }
}
