import { LRUCache } from 'lru-cache'
import { bare } from './values.ts'

/** A map that holds what has been used most recently, and evicts the rest. */
export interface RecentMap<K, V> {
  /** Counts as a use. */
  get(key: K): V | undefined
  /** Adds or replaces, then evicts what does not fit. A value larger than the whole bound is not kept. */
  set(key: K, value: V): void
  delete(key: K): void
  /** From the one used longest ago to the latest. Does not count as a use. */
  values(): Iterable<V>
}

/** A second bound, on the sum of what `of` says about each value. */
interface Room<V> {
  readonly most: number
  readonly of: (value: V) => number
}

/**
 * An empty map for at most `most` values: an lru-cache whose options inherit nothing, because it would take `ttl`, `dispose` and others from
 * `Object.prototype`. The cache is made with the first value, so an unused map reserves no memory.
 */
export function recentMap<K extends NonNullable<unknown>, V extends NonNullable<unknown>>(
  most: number,
  room?: Room<V>,
): RecentMap<K, V> {
  let made: LRUCache<K, V> | undefined
  const make = (): LRUCache<K, V> =>
    new LRUCache<K, V>(
      room === undefined
        ? bare({ max: most })
        : bare({ max: most, maxSize: room.most, sizeCalculation: (value: V) => sizeOf(room, value) }),
    )

  return {
    get: (key) => made?.get(key, NO_OPTIONS),
    set: (key, value) => void (made ??= make()).set(key, value, NO_OPTIONS),
    delete: (key) => void made?.delete(key),
    *values() {
      for (const value of made?.rvalues() ?? []) if (value !== undefined) yield value
    },
  }
}

// Not frozen: lru-cache writes to it.
const NO_OPTIONS: object = bare({})

// lru-cache takes whole numbers from 1 alone, and does not keep what is larger than the bound.
function sizeOf<V>({ most, of }: Room<V>, value: V): number {
  const size = Math.ceil(of(value))
  return size >= 0 ? Math.max(1, size) : most + 1
}

/**
 * Notices what is made again and again. Gives `true` once per name: when it has been made ten times within a minute.
 *
 * @param now - milliseconds of a monotonic clock
 */
type Recreations = (name: string, now: number) => boolean

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
