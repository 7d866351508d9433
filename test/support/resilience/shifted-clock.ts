import { systemClock, type Clock } from '@claimgate/core/extend'

/** The runtime's clock, whose time a test can advance: timers run as usual, ages jump. */
export interface ShiftedClock extends Clock {
  /** Advances by this many seconds. */
  pass(seconds: number): void
  /** Changes only the wall time. */
  stepWall(seconds: number): void
}

/** Used in tests with real sockets, where deadlines are real and a day must not be. */
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
