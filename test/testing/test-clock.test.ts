import type { Clock } from '@claimgate/core'
import { describe, expect, it } from 'vitest'

import { createTestClock, type TestClock } from '../../packages/testing/src/test-clock.ts'

describe('createTestClock', () => {
  it('does not run until it is advanced, then moves wall and monotonic time together', () => {
    const clock: Clock & TestClock = createTestClock({ wall: 5_000, monotonic: 70 })
    expect([clock.now(), clock.monotonic()]).toEqual([5_000, 70])
    clock.advance(30)
    expect([clock.now(), clock.monotonic()]).toEqual([5_030, 100])
  })

  it('sets the wall time back without changing monotonic time or timers', () => {
    const clock = createTestClock({ wall: 5_000 })
    let fired = 0
    clock.setTimeout(() => fired++, 10)
    clock.stepWall(-3_600_000)
    clock.stepWall(7_200_000)
    expect([clock.now(), clock.monotonic(), fired]).toEqual([3_605_000, 0, 0])
  })

  it('fires timers in the order they are due, each at its own time', () => {
    const clock = createTestClock({ wall: 0 })
    const seen: unknown[] = []
    const note = (name: string) => () => seen.push([name, clock.now(), clock.monotonic()])
    clock.setTimeout(note('late'), 50)
    clock.setTimeout(note('first of two'), 20)
    clock.setTimeout(note('second of two'), 20)
    clock.setTimeout(note('never'), 101)
    clock.advance(100)
    expect(seen).toEqual([
      ['first of two', 20, 20],
      ['second of two', 20, 20],
      ['late', 50, 50],
    ])
    expect([clock.now(), clock.pending()]).toEqual([100, 1])
  })

  it('fires a timer that a timer started if it is due within the same advance', () => {
    const clock = createTestClock()
    const at: number[] = []
    const again = () => {
      at.push(clock.monotonic())
      if (at.length < 3) clock.setTimeout(again, 10)
    }
    clock.setTimeout(again, 10)
    clock.advance(25)
    expect(at).toEqual([10, 20])
    clock.advance(5)
    expect(at).toEqual([10, 20, 30])
  })

  it('does not fire a cancelled timer', () => {
    const clock = createTestClock()
    let fired = 0
    clock.setTimeout(() => fired++, 10)()
    clock.advance(10)
    expect([fired, clock.pending()]).toEqual([0, 0])
  })

  it('lets promises settle between timers in advanceAsync', async () => {
    const clock = createTestClock()
    const at: number[] = []
    const loop = async () => {
      for (;;) {
        await clock.sleep(10)
        at.push(clock.monotonic())
      }
    }
    void loop()
    await clock.advanceAsync(35)
    expect(at).toEqual([10, 20, 30])
    expect(clock.monotonic()).toBe(35)
  })

  it('rejects a sleep with the reason of its signal and removes the timer', async () => {
    const clock = createTestClock()
    const reason = new Error('enough')
    const stop = new AbortController()
    const sleeping = clock.sleep(10, stop.signal)
    stop.abort(reason)
    await expect(sleeping).rejects.toBe(reason)
    await expect(clock.sleep(10, stop.signal)).rejects.toBe(reason)
    expect(clock.pending()).toBe(0)
  })

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY])('cannot be advanced by %s', async (ms) => {
    const clock = createTestClock()
    expect(() => clock.advance(ms)).toThrow(RangeError)
    await expect(clock.advanceAsync(ms)).rejects.toThrow(RangeError)
  })
})
