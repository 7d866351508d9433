import type { Clock } from '../../../packages/core/src/model/runtime.ts'

/** A clock that stands still until a test moves it. */
export interface ManualClock extends Clock {
  /** Advances the time, timer by timer, and lets promises settle in between. */
  pass(seconds: number): Promise<void>
  /** Changes only the wall time, as an administrator might. */
  stepWall(seconds: number): void
  timers(): number
}

export function manualClock(): ManualClock {
  let wall = 1_800_000_000_000
  let monotonic = 1000
  const timers = new Map<object, { readonly at: number; readonly callback: () => void }>()
  const move = (milliseconds: number): void => {
    wall += milliseconds
    monotonic += milliseconds
  }
  const earliest = (end: number): number =>
    Math.min(...[...timers.values()].map(({ at }) => at).filter((at) => at <= end))
  return {
    now: () => wall,
    monotonic: () => monotonic,
    setTimeout: (callback, milliseconds) => {
      const id = {}
      timers.set(id, { at: monotonic + milliseconds, callback })
      return () => void timers.delete(id)
    },
    pass: async (seconds) => {
      const end = monotonic + seconds * 1000
      await settle()
      for (;;) {
        const [id, timer] = [...timers].find(([, { at }]) => at === earliest(end)) ?? []
        if (!id || !timer) break
        timers.delete(id)
        move(Math.max(0, timer.at - monotonic))
        timer.callback()
        await settle()
      }
      move(Math.max(0, end - monotonic))
      await settle()
    },
    stepWall: (seconds) => {
      wall += seconds * 1000
    },
    timers: () => timers.size,
  }
}

/** Lets pending promises settle, including those of the runtime's streams. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 4; turn += 1) {
    await new Promise<void>((resolve) => {
      setImmediate(resolve)
    })
  }
}
