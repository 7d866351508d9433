import type { Clock } from '../../model/clock.ts'

export interface Timer {
  /** Resolves when the time is over; never, once cancelled. */
  readonly elapsed: Promise<void>
  cancel(): void
}

/** Starts a timer of so many milliseconds. */
export function startTimer(clock: Clock, milliseconds: number): Timer {
  let cancel: (() => void) | undefined
  const elapsed = new Promise<void>((resolve) => {
    cancel = clock.setTimeout(resolve, milliseconds)
  })
  return { elapsed, cancel: () => cancel?.() }
}
