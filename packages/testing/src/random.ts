/** A source of pseudo-random numbers that returns the same sequence for the same seed. Not for cryptography. */
export interface Random {
  /** A number from 0 (included) to 1 (excluded). */
  next(): number
  /** An integer from 0 (included) to `below` (excluded); 0 when `below` is less than 1. */
  integer(below: number): number
  /** One of the members of a list. @throws RangeError when the list is empty. */
  pick<T>(list: readonly T[]): T
}

/**
 * Creates random numbers from a seed, so that you can repeat a failing run with the seed it printed.
 *
 * @param seed Any integer; only the lower 32 bits are used.
 */
export function createRandom(seed: number): Random {
  let state = seed | 0

  const next = (): number => {
    // mulberry32, because it is fast and 32 bits of state are enough to choose mutations.
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000
  }
  const integer = (below: number): number => Math.floor(next() * Math.max(0, below))

  return {
    next,
    integer,
    pick: <T>(list: readonly T[]): T => {
      if (list.length === 0) throw new RangeError('Cannot pick: the list must not be empty')
      return list[integer(list.length)] as T
    },
  }
}
