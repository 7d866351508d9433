import { type Clock, clockOption, numberIn, type OptionTable, readOptions } from '../adapter.ts'
import type { ReplayStore } from './options.ts'

/** Options for `createMemoryReplayStore`. */
export interface MemoryReplayStoreOptions {
  /** Most proofs it can contain. One client key may have 1 % of them. From 100 to 10,000,000. @defaultValue 500000 */
  readonly maxEntries?: number | undefined
  /** Where time comes from. @defaultValue the runtime's clocks */
  readonly clock?: (Pick<Clock, 'now'> & Partial<Clock>) | undefined
}

/**
 * A replay store in memory. Other processes do not see it, and a restart clears it: with several processes, use a shared store.
 *
 * If it is full, `insertIfAbsent` rejects with a RangeError and nothing is removed. One client key may use 1 % of it, so a client that sends
 * too many proofs gets status 503 alone.
 *
 * @throws TypeError for options out of range
 */
export function createMemoryReplayStore(given: MemoryReplayStoreOptions = {}): ReplayStore {
  const { clock, maxEntries } = readOptions('create replay store in memory', given, MEMORY_REPLAY_STORE) as {
    readonly clock: Clock
    readonly maxEntries: number
  }
  const share = Math.floor(maxEntries / 100)
  const keys = new Set<string>()
  /** The number of entries of each client key. */
  const counts = new Map<string, number>()
  /** The keys that end in each second. */
  const ending = new Map<number, string[]>()
  let sweptAt = Number.NEGATIVE_INFINITY

  const remove = (key: string): void => {
    keys.delete(key)
    const client = clientOf(key)
    const rest = (counts.get(client) ?? 1) - 1
    if (rest > 0) counts.set(client, rest)
    else counts.delete(client)
  }

  // At most once a second, and every key is removed once.
  const sweep = (second: number): void => {
    if (second === sweptAt) return
    sweptAt = second
    for (const [end, ended] of ending) {
      if (end > second) continue
      for (const key of ended) remove(key)
      ending.delete(end)
    }
  }

  return Object.freeze<ReplayStore>({
    insertIfAbsent: async (key, seconds) => {
      // Monotonic, because setting the wall clock forward must not end an entry.
      const now = clock.monotonic() / 1000
      sweep(Math.floor(now))
      if (keys.has(key)) return false
      const client = clientOf(key)
      const count = counts.get(client) ?? 0
      if (count >= share)
        throw new RangeError(`Cannot remember DPoP proof: the client key has ${count} already, its share`)
      if (keys.size >= maxEntries) throw new RangeError(`Cannot remember DPoP proof: the store holds ${maxEntries}`)
      keys.add(key)
      counts.set(client, count + 1)
      const end = Math.ceil(now + seconds)
      const others = ending.get(end)
      if (others === undefined) ending.set(end, [key])
      else others.push(key)
      return true
    },
  })
}

// A key begins with the thumbprint of the client's key.
function clientOf(key: string): string {
  return key.slice(0, key.indexOf('.'))
}

const MEMORY_REPLAY_STORE: OptionTable<MemoryReplayStoreOptions> = {
  maxEntries: { ...numberIn({ least: 100, most: 10_000_000, whole: true, default: 500_000 }) },
  clock: clockOption,
}
