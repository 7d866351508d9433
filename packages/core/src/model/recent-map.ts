import { LRUCache } from 'lru-cache'
import { bare } from './values.ts'

/** A map that keeps the most recently used values and evicts the rest. */
export interface RecentMap<K, V> {
  /** Counts as a use. */
  get(key: K): V | undefined
  /** Adds or replaces, then evicts what exceeds the limits. A value larger than the size limit is not kept. */
  set(key: K, value: V): void
  delete(key: K): void
  /** From least to most recently used. Does not count as a use. */
  values(): Iterable<V>
}

/** A second limit, on the sum of the sizes that `of` returns. */
interface Room<V> {
  readonly most: number
  readonly of: (value: V) => number
}

/**
 * An empty map for at most `most` values. It is an lru-cache whose options inherit nothing, because lru-cache would read `ttl`, `dispose`
 * and others from `Object.prototype`. The cache is created with the first value, so an unused map reserves no memory.
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

// lru-cache accepts only whole numbers from 1, and does not keep values larger than the limit.
function sizeOf<V>({ most, of }: Room<V>, value: V): number {
  const size = Math.ceil(of(value))
  return size >= 0 ? Math.max(1, size) : most + 1
}

/**
 * Detects names that are created repeatedly. Returns `true` once per name: when it has been created ten times within a minute.
 *
 * @param now - milliseconds of a monotonic clock
 */
type Recreations = (name: string, now: number) => boolean

/** Counts at most 100 names. An evicted name starts again. */
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
