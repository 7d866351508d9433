import { describe, expect, it } from 'vitest'

import { createRandom } from '../../packages/testing/src/random.ts'

describe('createRandom', () => {
  it('repeats its numbers for a seed and differs between seeds', () => {
    const draw = (seed: number) => {
      const random = createRandom(seed)
      return Array.from({ length: 20 }, () => random.next())
    }
    expect(draw(7)).toEqual(draw(7))
    expect(draw(7)).not.toEqual(draw(8))
  })

  it('returns integers of the whole range and never outside it', () => {
    const random = createRandom(1)
    const seen = new Set(Array.from({ length: 1_000 }, () => random.integer(5)))
    expect([...seen].toSorted()).toEqual([0, 1, 2, 3, 4])
    expect(random.integer(0)).toBe(0)
  })

  it('selects members of a list and rejects an empty one', () => {
    const random = createRandom(1)
    expect(new Set(Array.from({ length: 100 }, () => random.pick(['a', 'b'])))).toEqual(new Set(['a', 'b']))
    expect(() => random.pick([])).toThrow(RangeError)
  })
})
