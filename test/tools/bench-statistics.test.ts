import { describe, expect, it } from 'vitest'

import { inFlight, synchronously } from '../bench/measure/in-flight.mjs'
import { race, shuffled } from '../bench/measure/race.mjs'
import { median, quantile, ratioSpread, spread } from '../bench/measure/statistics.mjs'

describe('the statistics of the benchmarks', () => {
  it.each([
    [[3, 1, 2], 2],
    [[4, 1, 2, 3], 2.5],
    [[7], 7],
  ])('calculate the median of %j as %d', (numbers, expected) => {
    expect(median(numbers)).toBe(expected)
  })

  it('interpolate quantiles between neighbours, in any order', () => {
    expect(quantile([50, 10, 40, 20, 30], 0.25)).toBe(20)
    expect(quantile([40, 10, 20, 30], 0.9)).toBeCloseTo(37)
    expect(quantile([2, 1], 0)).toBe(1)
    expect(quantile([2, 1], 1)).toBe(2)
  })

  it('throw for a quantile of no values', () => {
    expect(() => quantile([], 0.5)).toThrow(RangeError)
  })

  it('return the quartiles as the spread', () => {
    expect(spread([1, 2, 3, 4, 5])).toEqual({ median: 3, low: 2, high: 4 })
  })

  it('compare contenders round by round, so that a round that is slow for both has no effect', () => {
    expect(ratioSpread([1, 10, 1], [2, 20, 2])).toEqual({ median: 0.5, low: 0.5, high: 0.5 })
  })

  it('do not compare different rounds', () => {
    expect(() => ratioSpread([1, 2], [1])).toThrow(RangeError)
  })
})

describe('a race', () => {
  const options = { rounds: 5, slice: 1, warmUp: 2 }

  it('returns one number per round for each contender', async () => {
    const samples = await race(
      [
        { name: 'one', run: () => {} },
        { name: 'two', run: async () => {} },
      ],
      options,
    )
    expect(Object.keys(samples)).toEqual(['one', 'two'])
    for (const numbers of Object.values(samples)) {
      expect(numbers).toHaveLength(5)
      expect(numbers.every((microseconds) => microseconds > 0)).toBe(true)
    }
  })

  it('runs every contender once before any runs again, in an order per round', async () => {
    const turns: string[] = []
    const contenders = ['a', 'b', 'c'].map((name) => ({ name, run: () => turns.push(name) }))
    const numbers = [0, 0, 0.99, 0.99]
    let next = 0
    await race(contenders, { rounds: 2, slice: 1, warmUp: 0, random: () => numbers[next++] ?? 0 })
    expect(turns.slice(0, 3)).toEqual(['a', 'b', 'c'])
    expect(turns.slice(3)).toEqual(['b', 'c', 'a', 'a', 'b', 'c'])
  })

  it('measures microseconds for one run, however many runs fit into a slice', async () => {
    let milliseconds = 0
    const lasting = (each: number) => (times: number) => {
      milliseconds += times * each
    }
    const contenders = [
      { name: 'slow', run: lasting(0.5) },
      { name: 'fast', run: lasting(0.125) },
    ]
    const samples = await race(contenders, { rounds: 3, slice: 10, warmUp: 50, now: () => milliseconds })
    expect(samples).toEqual({ slow: [500, 500, 500], fast: [125, 125, 125] })
  })

  it('fills a slice', async () => {
    let milliseconds = 0
    const slices: number[] = []
    const run = (times: number): void => {
      slices.push(times)
      milliseconds += times * 0.01
    }
    await race([{ name: 'quick', run }], { rounds: 2, slice: 20, warmUp: 100, now: () => milliseconds })
    expect(slices.slice(-2)).toEqual([2000, 2000])
  })

  it('fails if a contender fails', async () => {
    const contender = { name: 'wrong', run: () => Promise.reject(new Error('refused')) }
    await expect(race([contender], options)).rejects.toThrow('refused')
  })

  it('shuffles without losing or duplicating contenders', () => {
    const list = [1, 2, 3, 4, 5]
    expect(shuffled(list, Math.random).toSorted()).toEqual(list)
    expect(list).toEqual([1, 2, 3, 4, 5])
  })
})

describe('the operations of a slice', () => {
  it('keep exactly that many in flight', async () => {
    let now = 0
    let most = 0
    const run = inFlight(4, async () => {
      now += 1
      most = Math.max(most, now)
      await Promise.resolve()
      now -= 1
    })
    await run(20)
    expect({ now, most }).toEqual({ now: 0, most: 4 })
  })

  it('continue the rotation where the last slice ended', async () => {
    const seen: number[] = []
    const run = inFlight(3, async (index) => seen.push(index))
    await run(5)
    await run(2)
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6])
  })

  it('also do so one at a time', () => {
    const seen: number[] = []
    const run = synchronously((index) => seen.push(index))
    run(2)
    run(1)
    expect(seen).toEqual([0, 1, 2])
  })
})
