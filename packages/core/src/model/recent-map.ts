/** A map that holds what has been used most recently, and evicts the rest. */
export interface RecentMap<K, V> {
  /** Counts as a use. */
  get(key: K): V | undefined
  /** Adds or replaces, then evicts what does not fit. A value that alone is larger than all the room is not kept. */
  set(key: K, value: V): void
  delete(key: K): void
  /** From the one used longest ago to the latest. Does not count as a use. */
  values(): Iterable<V>
}

/** A second bound, on the sum of what `of` says about each value. */
export interface Room<V> {
  readonly most: number
  readonly of: (value: V) => number
}

/** An empty map for at most `most` values. Takes up memory only for what it holds. */
export function recentMap<K, V>(most: number, room?: Room<V>): RecentMap<K, V> {
  const links = new Map<K, Link<K, V>>()
  let taken = 0
  let oldest: Link<K, V> | undefined
  let latest: Link<K, V> | undefined

  const detach = ({ older, newer }: Link<K, V>): void => {
    if (older === undefined) oldest = newer
    else older.newer = newer
    if (newer === undefined) latest = older
    else newer.older = older
  }

  const attach = (link: Link<K, V>): void => {
    link.older = latest
    link.newer = undefined
    if (latest === undefined) oldest = link
    else latest.newer = link
    latest = link
  }

  const remove = (link: Link<K, V>): void => {
    links.delete(link.key)
    detach(link)
    taken -= link.size
  }

  const isOver = (): boolean => links.size > most || (room !== undefined && taken > room.most)

  return {
    get: (key) => {
      const link = links.get(key)
      if (link === undefined) return undefined
      if (link !== latest) {
        detach(link)
        attach(link)
      }
      return link.value
    },
    set: (key, value) => {
      const former = links.get(key)
      if (former !== undefined) remove(former)
      const size = room === undefined ? 0 : room.of(value)
      if (room !== undefined && !(size <= room.most)) return
      const link: Link<K, V> = { key, value, size, older: undefined, newer: undefined }
      links.set(key, link)
      attach(link)
      taken += size
      for (let old = oldest; old !== undefined && isOver(); old = old.newer) remove(old)
    },
    delete: (key) => {
      const link = links.get(key)
      if (link !== undefined) remove(link)
    },
    *values() {
      for (let link = oldest; link !== undefined; link = link.newer) yield link.value
    },
  }
}

interface Link<K, V> {
  readonly key: K
  readonly value: V
  readonly size: number
  older: Link<K, V> | undefined
  newer: Link<K, V> | undefined
}
