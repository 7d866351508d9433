import { describe, expect, it } from 'vitest'

import { createMemoryDenylist, type MemoryDenylistOptions } from '../../../packages/core/src/denylist/index.ts'

const START = 1_800_000_000

const setUp = (options: MemoryDenylistOptions = {}) => {
  let wall = START
  let monotonic = 0
  const clock = { now: () => wall * 1000, monotonic: () => monotonic * 1000 }
  return {
    store: createMemoryDenylist({ clock, ...options }),
    pass: (seconds: number): void => {
      wall += seconds
      monotonic += seconds
    },
    stepWall: (seconds: number): void => {
      wall += seconds
    },
  }
}

const until = (seconds: number) => ({ issuedUpTo: 7, expiresAt: START + seconds })

describe('a denylist in memory', () => {
  it('rejects new entries when full, and evicts only expired ones', async () => {
    const { store, pass } = setUp({ maxEntries: 2 })
    await store.add('a', until(60))
    await store.add('b', until(60))
    const full = /^Cannot add to denylist: it holds 2 entries, and none of them has expired$/
    await expect(store.add('c', until(60))).rejects.toThrow(RangeError)
    pass(59)
    await expect(store.add('c', until(120))).rejects.toThrow(full)
    expect(await store.find(['a', 'b', 'c'])).toEqual([7, 7, undefined])
  })

  it('accepts updates of its entries when full', async () => {
    const { store } = setUp({ maxEntries: 1 })
    await store.add('a', until(60))
    await store.add('a', { issuedUpTo: 9, expiresAt: START + 90 })
    expect(await store.find(['a'])).toEqual([9])
  })

  it('reuses the space of expired entries', async () => {
    const { store, pass } = setUp({ maxEntries: 2 })
    await store.add('a', until(60))
    await store.add('b', until(90))
    pass(60)
    await store.add('c', until(120))
    expect(await store.find(['a', 'b', 'c'])).toEqual([undefined, 7, 7])
    await expect(store.add('d', until(120))).rejects.toThrow(RangeError)
    pass(30)
    await store.add('d', until(120))
    expect(await store.find(['b', 'c', 'd'])).toEqual([undefined, 7, 7])
  })

  it('does not grow with expired entries', async () => {
    const { store, pass } = setUp()
    const first = Array.from({ length: 1024 }, (_, index) => `first ${index}`)
    for (const key of first) await store.add(key, until(60))
    pass(60)
    await store.add('later', until(120))
    expect((await store.find(first)).filter((found) => found !== undefined)).toEqual([])
  })

  it('keeps entries if the wall clock was ahead for a while, or is behind', async () => {
    const { store, pass, stepWall } = setUp({ maxEntries: 1 })
    await store.add('a', until(60))
    stepWall(86_400)
    await expect(store.add('b', until(60))).rejects.toThrow(RangeError)
    stepWall(-2 * 86_400)
    pass(60)
    await expect(store.add('b', until(60))).rejects.toThrow(RangeError)
    expect(await store.find(['a'])).toEqual([7])
  })

  it('keeps an entry by both clocks while it removes others', async () => {
    const { store, pass, stepWall } = setUp({ maxEntries: 3 })
    await store.add('old', until(-1_000_000))
    await store.add('a', until(60))
    await store.add('b', until(60))
    await store.add('b', until(10))
    stepWall(-3600)
    pass(60)
    await store.add('c', until(60))
    expect(await store.find(['old', 'a', 'b', 'c'])).toEqual([undefined, 7, 7, 7])
    stepWall(86_400)
    pass(-20)
    await expect(store.add('d', until(60))).rejects.toThrow(RangeError)
    expect(await store.find(['b'])).toEqual([7])
  })

  it('keeps the later end of an entry by the wall clock, too', async () => {
    const { store, pass, stepWall } = setUp({ maxEntries: 1 })
    await store.add('a', until(120))
    await store.add('a', until(60))
    stepWall(-50)
    pass(120)
    await expect(store.add('b', until(200))).rejects.toThrow(RangeError)
    pass(50)
    await store.add('b', until(200))
    expect(await store.find(['a', 'b'])).toEqual([undefined, 7])
  })

  it('is not affected by changes to a returned list', async () => {
    const { store } = setUp()
    await store.add('a', until(60))
    const found = (await store.find(['a'])) as (number | undefined)[]
    found[0] = undefined
    expect(await store.find(['a'])).toEqual([7])
  })

  it.each([0, -1, 1.5, Number.NaN, 10_000_001, '5'])(
    'is rejected at start-up with a maximum of %j entries',
    (maxEntries) => {
      expect(() => createMemoryDenylist({ maxEntries } as MemoryDenylistOptions)).toThrow(
        'Cannot create denylist in memory: "maxEntries" must be a whole number from 1 to 10,000,000',
      )
    },
  )

  it('is rejected at start-up with an unknown option', () => {
    expect(() => createMemoryDenylist({ maxentries: 5 } as MemoryDenylistOptions)).toThrow('did you mean "maxEntries"?')
  })
})
