import { untilExpiry } from '@claimgate/core/calls'
import { createTestClock } from '@claimgate/testing'
import { describe, expect, it, vi } from 'vitest'

const clockAt = () => createTestClock({ wall: 1_700_000_000_000 })
const tokenFor = (seconds: number) => ({ claims: { exp: 1_700_000_000 + seconds } })

describe('untilExpiry', () => {
  async function* numbers(count: number, ended = () => {}) {
    try {
      for (let n = 1; n <= count; n += 1) yield n
      await new Promise(() => {})
    } finally {
      ended()
    }
  }
  const returned = (iterator: object) => vi.fn<() => Promise<object>>(() => Promise.resolve(iterator))

  it('passes values on and ends while the source waits', async () => {
    const clock = clockAt()
    const values = untilExpiry(tokenFor(10), numbers(2), clock)
    expect([await values.next(), await values.next()]).toEqual([1, 2].map((value) => ({ done: false, value })))
    const last = values.next()
    clock.advance(10_000)
    expect(await last).toEqual({ done: true, value: undefined })
    expect(await values.next()).toEqual({ done: true, value: undefined })
  })

  it('gives no value after the end, and tells the source to stop', async () => {
    const clock = clockAt()
    const next = vi.fn<() => Promise<object>>(() => Promise.resolve({ done: false, value: 1 }))
    const stop = returned({ done: true, value: undefined })
    const values = untilExpiry(tokenFor(10), { [Symbol.asyncIterator]: () => ({ next, return: stop }) as never }, clock)
    await values.next()
    clock.advance(10_000)
    expect(await values.next()).toEqual({ done: true, value: undefined })
    expect(next).toHaveBeenCalledTimes(1)
    expect(stop).toHaveBeenCalledTimes(1)
  })

  it('ends with the source, and keeps no timer', async () => {
    const clock = clockAt()
    async function* two() {
      yield* [1, 2]
    }
    const seen: number[] = []
    for await (const value of untilExpiry(tokenFor(10), two(), clock)) seen.push(value)
    expect(seen).toEqual([1, 2])
    expect(clock.pending()).toBe(0)
  })

  it('tells the source if the reader stops, and keeps no timer', async () => {
    const clock = clockAt()
    const ended = vi.fn<() => void>()
    for await (const value of untilExpiry(tokenFor(10), numbers(3, ended), clock)) if (value === 2) break
    expect(ended).toHaveBeenCalledTimes(1)
    expect(clock.pending()).toBe(0)
  })

  it('tells the source once', async () => {
    const stop = returned({ done: true, value: undefined })
    const next = vi.fn<() => Promise<object>>(() => new Promise(() => {}))
    const values = untilExpiry(tokenFor(10), { [Symbol.asyncIterator]: () => ({ next, return: stop }) as never })
    await Promise.all([values.return?.(), values.return?.()])
    expect(stop).toHaveBeenCalledTimes(1)
  })

  it.each([
    ['rejects', () => Promise.reject(new Error('broken'))],
    [
      'throws',
      () => {
        throw new Error('broken')
      },
    ],
  ])('fails as the source does, and keeps no timer: next %s', async (_, next) => {
    const clock = clockAt()
    const values = untilExpiry(tokenFor(10), { [Symbol.asyncIterator]: () => ({ next }) as never }, clock)
    await expect(values.next()).rejects.toThrow('broken')
    expect(await values.next()).toEqual({ done: true, value: undefined })
    expect(clock.pending()).toBe(0)
  })

  it('ends also if the source cannot be stopped', async () => {
    const clock = clockAt()
    for (const stop of [
      undefined,
      () => Promise.reject(new Error('stuck')),
      () => {
        throw new Error('stuck')
      },
    ]) {
      const iterator = { next: () => new Promise(() => {}), ...(stop && { return: stop }) }
      const waiting = untilExpiry(tokenFor(10), { [Symbol.asyncIterator]: () => iterator as never }, clock).next()
      clock.advance(20_000)
      expect(await waiting).toEqual({ done: true, value: undefined })
    }
  })
})
