import { onExpiry } from '@claimgate/core/adapter'
import { createTestClock } from '@claimgate/testing'
import { describe, expect, it, vi } from 'vitest'

const clockAt = () => createTestClock({ wall: 1_700_000_000_000 })
const tokenFor = (seconds: number) => ({ claims: { exp: 1_700_000_000 + seconds } })

describe('onExpiry', () => {
  it.each([
    ['now', 0, 0],
    ['in the past', -10, 0],
    ['in a minute', 60, 60_000],
    ['in 40 days, which is more than a timer of JavaScript can wait', 3_456_000, 3_456_000_000],
  ])('calls back once at exp: %s', (_, seconds, expected) => {
    const clock = clockAt()
    const callback = vi.fn<() => void>()
    onExpiry(tokenFor(seconds), callback, clock)
    expect(callback).not.toHaveBeenCalled()
    if (expected > 0) clock.advance(expected - 1)
    expect(callback).not.toHaveBeenCalled()
    clock.advance(1)
    expect(callback).toHaveBeenCalledTimes(1)
    expect(clock.pending()).toBe(0)
  })

  it('notices within a minute that the wall clock was changed', () => {
    const clock = clockAt()
    const callback = vi.fn<() => void>()
    onExpiry(tokenFor(3600), callback, clock)
    clock.stepWall(3_600_000)
    clock.advance(60_000)
    expect(callback).toHaveBeenCalledTimes(1)
  })

  it('is not late because the wall clock was set back', () => {
    const clock = clockAt()
    const callback = vi.fn<() => void>()
    onExpiry(tokenFor(3600), callback, clock)
    clock.stepWall(-3_600_000)
    clock.advance(3_599_999)
    expect(callback).not.toHaveBeenCalled()
    clock.advance(1)
    expect(callback).toHaveBeenCalledTimes(1)
  })

  it('never calls back after it was cancelled, or for a token without exp', () => {
    const clock = clockAt()
    const callback = vi.fn<() => void>()
    onExpiry(tokenFor(3600), callback, clock)()
    onExpiry({ claims: {} }, callback, clock)()
    clock.advance(7_200_000)
    expect(callback).not.toHaveBeenCalled()
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('closed')
      },
    ],
    ['rejects', () => Promise.reject(new Error('closed'))],
  ])('ignores that the function %s', (_, failing) => {
    const clock = clockAt()
    onExpiry(tokenFor(1), failing, clock)
    clock.advance(1000)
    expect(clock.pending()).toBe(0)
  })

  it('needs a function', () => {
    expect(() => onExpiry(tokenFor(1), undefined as never)).toThrow('give a function')
  })
})
