import { recentMap } from './recent-map.ts'

/**
 * Notices what is made again and again. Gives `true` once per name: when it has been made ten times within a minute.
 *
 * @param now - milliseconds of a monotonic clock
 */
export type Recreations = (name: string, now: number) => boolean

/** Counts for at most 100 names; a name that is evicted starts again. */
export function recreations(): Recreations {
  const counts = recentMap<string, Count>(MOST_NAMES)
  return (name, now) => {
    const known = counts.get(name)
    if (known?.isTold) return false
    const isCurrent = known !== undefined && now >= known.since && now - known.since <= MINUTE
    const count = isCurrent ? known.count + 1 : 1
    counts.set(name, { since: isCurrent ? known.since : now, count, isTold: count >= MANY })
    return count >= MANY
  }
}

/** How many within a minute are too many. */
export const MANY = 10

const MOST_NAMES = 100
const MINUTE = 60_000

interface Count {
  readonly since: number
  readonly count: number
  readonly isTold: boolean
}
