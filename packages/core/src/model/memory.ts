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

/** A value, linked with those that were used before and after it. */
interface Entry<K, V> {
  readonly key: K
  readonly value: V
  readonly size: number
  older: Entry<K, V>
  newer: Entry<K, V>
}

/** An empty map for at most `most` values, and at most `mostBytes` in all. */
export function recentMap<K, V>(most: number, mostBytes: number = Infinity): RecentMap<K, V> {
  const entries = new Map<K, Entry<K, V>>()
  // Closes the ring of entries: its `newer` is the least recently used one, its `older` the most recently used one.
  const ring = {} as Entry<K, V>
  ring.older = ring
  ring.newer = ring
  let bytes = 0

  const unlink = ({ older, newer }: Entry<K, V>): void => {
    older.newer = newer
    newer.older = older
  }
  const linkLast = (entry: Entry<K, V>): void => {
    entry.older = ring.older
    entry.newer = ring
    ring.older.newer = entry
    ring.older = entry
  }
  const remove = (key: K): void => {
    const entry = entries.get(key)
    if (entry === undefined) return
    entries.delete(key)
    unlink(entry)
    bytes -= entry.size
  }

  return {
    get: (key) => {
      const entry = entries.get(key)
      if (entry !== undefined && entry !== ring.older) {
        unlink(entry)
        linkLast(entry)
      }
      return entry?.value
    },
    set: (key, value, size = 1) => {
      remove(key)
      // `NaN` is not kept either.
      if (!(size <= mostBytes)) return
      const entry = { key, value, size, older: ring, newer: ring }
      entries.set(key, entry)
      linkLast(entry)
      bytes += size
      while (entries.size > most || bytes > mostBytes) remove(ring.newer.key)
    },
    delete: remove,
    *values() {
      for (let entry = ring.newer; entry !== ring; entry = entry.newer) yield entry.value
    },
  }
}

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
  if (typeof value !== 'object' || value === null) return 0
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
