import type { History } from './simulation.ts'

/** Figures of many schedules, which show what a run has covered. */
export function tally() {
  const began = performance.now()
  let seconds = 0
  let fetches = 0
  const answers = new Map<string, number>()
  return {
    add: (history: History): void => {
      seconds += history.seconds
      fetches += history.fetches.length
      for (const { verdict } of history.requests) answers.set(verdict, (answers.get(verdict) ?? 0) + 1)
    },
    describe: (): string => {
      const counted = [...answers].toSorted().map(([verdict, times]) => `${verdict} ${times}`)
      const took = (performance.now() - began) / 1000
      return `${Math.round(seconds / 3600)} simulated hours in ${took.toFixed(1)} s: ${counted.join(', ')}; ${fetches} fetches`
    },
  }
}
