import { type Clock, clockOption, numberIn, type OptionTable, readOptions } from '../adapter.ts'
import type { DenylistStore } from './options.ts'

/** Options for `createMemoryDenylist`. */
export interface MemoryDenylistOptions {
  /** Where time comes from. @defaultValue the runtime's clocks */
  readonly clock?: (Pick<Clock, 'now'> & Partial<Clock>) | undefined
  /** Most entries it can contain. From 1 to 10,000,000. @defaultValue 100000 */
  readonly maxEntries?: number | undefined
}

/**
 * A denylist in memory. Other processes do not see it, and a restart clears it. With several processes, or if revocations must survive a
 * restart, pass a shared store to `denylist`.
 *
 * Adding an entry removes expired ones; no timer is needed. If it is full of unexpired entries, `add` rejects with a RangeError and no
 * entry is removed.
 *
 * @throws TypeError for options out of range
 */
export function createMemoryDenylist(given: MemoryDenylistOptions = {}): DenylistStore {
  const { clock, maxEntries } = readOptions('create denylist in memory', given, MEMORY_DENYLIST) as {
    readonly clock: Clock
    readonly maxEntries: number
  }
  const entries = new Map<string, StoredEntry>()
  let sweepAt = Math.min(FIRST_SWEEP, maxEntries)
  let earliest = Number.POSITIVE_INFINITY

  const sweep = (): void => {
    // In a store full of unexpired entries, a scan for every new entry would be a denial-of-service risk.
    if (clock.now() < earliest) return
    earliest = Number.POSITIVE_INFINITY
    for (const [key, entry] of entries) {
      if (hasExpired(entry, clock)) entries.delete(key)
      else earliest = Math.min(earliest, entry.expiresAt)
    }
    sweepAt = Math.min(maxEntries, Math.max(FIRST_SWEEP, entries.size * 2))
  }

  const makeRoom = (): void => {
    if (entries.size >= sweepAt) sweep()
    if (entries.size >= maxEntries)
      throw new RangeError(`Cannot add to denylist: it holds ${maxEntries} entries, and none of them has expired`)
  }

  return Object.freeze<DenylistStore>({
    find: async (keys) => keys.map((key) => entries.get(key)?.issuedUpTo),
    add: async (key, { issuedUpTo, expiresAt }) => {
      const stored = entries.get(key)
      if (!stored) makeRoom()
      const end = expiresAt * 1000
      const keepUntil = clock.monotonic() + (end - clock.now())
      // An entry never becomes weaker.
      const entry = {
        issuedUpTo: Math.max(issuedUpTo, stored?.issuedUpTo ?? issuedUpTo),
        expiresAt: Math.max(end, stored?.expiresAt ?? end),
        keepUntil: Math.max(keepUntil, stored?.keepUntil ?? keepUntil),
      }
      entries.set(key, entry)
      earliest = Math.min(earliest, entry.expiresAt)
    },
  })
}

const MEMORY_DENYLIST: OptionTable<MemoryDenylistOptions> = {
  clock: clockOption,
  maxEntries: {
    ...numberIn({ least: 1, most: 10_000_000, whole: true, default: 100_000 }),
    be: 'a whole number from 1 to 10,000,000',
  },
}
const FIRST_SWEEP = 1024

interface StoredEntry {
  readonly issuedUpTo: number
  /** Wall time in milliseconds. */
  readonly expiresAt: number
  /** Monotonic time in milliseconds. */
  readonly keepUntil: number
}

// Checks both clocks: setting the wall clock forward and back must not make revoked tokens valid again.
function hasExpired({ expiresAt, keepUntil }: StoredEntry, clock: Clock): boolean {
  return clock.now() >= expiresAt && clock.monotonic() >= keepUntil
}
