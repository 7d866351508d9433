import { LRUCache } from 'lru-cache'
import { bare, isObject } from './values.ts'

/** A map that keeps the most recently used values and evicts the rest. */
export interface RecentMap<K, V> {
  /** Counts as a use. */
  get(key: K): V | undefined
  /** Adds or replaces, then evicts what exceeds the limits. `size` is for a map with `mostBytes`; a larger value is not kept. */
  set(key: K, value: V, size?: number): void
  delete(key: K): void
  /** From least to most recently used. Does not count as a use. */
  values(): Iterable<V>
}

/**
 * An empty map for at most `most` values, and at most `mostBytes` in all if given. It is an lru-cache whose options inherit nothing, because
 * lru-cache would read `ttl`, `dispose` and others from `Object.prototype`. The cache is created with the first value, so an unused map
 * reserves no memory.
 */
export function recentMap<K extends NonNullable<unknown>, V extends NonNullable<unknown>>(
  most: number,
  mostBytes?: number,
): RecentMap<K, V> {
  let cache: LRUCache<K, V> | undefined
  return {
    get: (key) => cache?.get(key, NO_OPTIONS),
    set: (key, value, size = 1) => {
      cache ??= new LRUCache<K, V>(bare({ max: most, ...(mostBytes !== undefined && { maxSize: mostBytes }) }))
      // lru-cache accepts only whole numbers from 1, and does not keep values larger than the limit.
      const whole = size >= 0 ? Math.max(1, Math.ceil(size)) : Infinity
      cache.set(key, value, mostBytes === undefined ? NO_OPTIONS : bare({ size: Math.min(whole, mostBytes + 1) }))
    },
    delete: (key) => void cache?.delete(key),
    *values() {
      for (const value of cache?.rvalues() ?? []) if (value !== undefined) yield value
    },
  }
}

// Not frozen: lru-cache writes to it.
const NO_OPTIONS: object = bare({})

/**
 * Copies a part of a token, which then keeps no other text in memory. In JavaScript engines a slice often references the whole text: a
 * token sliced from a form would keep the whole body in memory. Use it only for values that are kept, because copying costs time.
 *
 * @param text - base64url, dots and padding, which JSON never escapes
 */
export function detached(text: string): string {
  // The parser writes a new text with one byte per character, even if the whole text has two. A template, `concat` or `slice` may reference it.
  return JSON.parse(`"${text}"`) as string
}

/**
 * Roughly how many bytes a parsed JSON value uses in memory: measured on Node, rounded up for typical values and never far too low for the
 * worst. An object costs much more than its text, and most if its member names are new, because the engine stores a shape for each.
 */
export function sizeInMemory(value: unknown): number {
  // One character outside Latin-1 doubles the size of the whole text. For short texts, checking costs more than the error matters.
  if (typeof value === 'string')
    return TEXT + (value.length > SHORT && WIDE.test(value) ? 2 * value.length : value.length)
  if (typeof value === 'number') return NUMBER
  if (!isObject(value)) return 0
  let size = OBJECT
  if (Array.isArray(value)) {
    size = ARRAY
    for (const item of value as readonly unknown[]) size += ELEMENT + sizeInMemory(item)
  } else {
    // Reading by name is faster than listing the entries.
    for (const name of Object.keys(value))
      size += MEMBER + sizeInMemory(name) + sizeInMemory((value as Readonly<Record<string, unknown>>)[name])
  }
  return size
}

const TEXT = 24
const NUMBER = 16
const ARRAY = 48
const ELEMENT = 8
const OBJECT = 72
// Without its name, which is counted as a text.
const MEMBER = 80
const SHORT = 16
const WIDE = /[^\0-\u00ff]/

/**
 * Detects names that are created repeatedly. Returns `true` once per name: when it has been created ten times within a minute.
 *
 * @param now - milliseconds of a monotonic clock
 */
type Recreations = (name: string, now: number) => boolean

/** Counts at most 100 names. An evicted name starts again. */
export function recreations(): Recreations {
  const counts = recentMap<string, { readonly since: number; readonly count: number }>(MOST_NAMES)
  return (name, now) => {
    const known = counts.get(name)
    if (known !== undefined && known.count >= MANY) return false
    const isCurrent = known !== undefined && now >= known.since && now - known.since <= MINUTE
    const next = isCurrent ? { since: known.since, count: known.count + 1 } : { since: now, count: 1 }
    counts.set(name, next)
    return next.count >= MANY
  }
}

/** How many within a minute are too many. */
export const MANY = 10

const MOST_NAMES = 100
const MINUTE = 60_000
