import { type Clock, clockOption, numberIn, type OptionTable, readOptions } from '../adapter.ts'
import type { DenylistEntry, DenylistStore } from './options.ts'

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
  const entries = new Map<string, HeldEntry>()
  let sweepAt = Math.min(FIRST_SWEEP, maxEntries)
  let earliest = Number.POSITIVE_INFINITY

  const sweep = (): void => {
    // In a store full of unexpired entries, a scan for every new entry would be a denial-of-service risk.
    if (clock.now() < earliest) return
    earliest = Number.POSITIVE_INFINITY
    for (const [key, entry] of entries) {
      if (hasEnded(entry, clock)) entries.delete(key)
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
    add: async (key, entry) => {
      if (!entries.has(key)) makeRoom()
      const added = combined(heldEntry(entry, clock), entries.get(key))
      entries.set(key, added)
      earliest = Math.min(earliest, added.expiresAt)
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

interface HeldEntry {
  readonly issuedUpTo: number
  /** Wall time in milliseconds. */
  readonly expiresAt: number
  /** Monotonic time in milliseconds. */
  readonly keepUntil: number
}

function heldEntry({ issuedUpTo, expiresAt }: DenylistEntry, clock: Clock): HeldEntry {
  const end = expiresAt * 1000
  return { issuedUpTo, expiresAt: end, keepUntil: clock.monotonic() + (end - clock.now()) }
}

function combined(added: HeldEntry, held: HeldEntry = added): HeldEntry {
  return {
    issuedUpTo: Math.max(added.issuedUpTo, held.issuedUpTo),
    expiresAt: Math.max(added.expiresAt, held.expiresAt),
    keepUntil: Math.max(added.keepUntil, held.keepUntil),
  }
}

// Checks both clocks: setting the wall clock forward and back must not make revoked tokens valid again.
function hasEnded({ expiresAt, keepUntil }: HeldEntry, clock: Clock): boolean {
  return clock.now() >= expiresAt && clock.monotonic() >= keepUntil
}
