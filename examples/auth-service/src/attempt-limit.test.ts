import { describe, expect, it } from 'vitest'
import { createAttemptLimit } from './attempt-limit.ts'

describe('the attempt limit', () => {
  it('returns how long to wait once the attempts of a window are used up', () => {
    let now = 0
    const limit = createAttemptLimit({ attempts: 2, windowSeconds: 60, elapsed: () => now })
    expect([limit.begin('a'), limit.begin('a'), limit.begin('a')]).toEqual([0, 0, 60])
    now = 59_500
    expect(limit.begin('a')).toBe(1)
    now = 60_000
    expect(limit.begin('a')).toBe(0)
  })

  it('counts each key separately and clears one that succeeded', () => {
    const limit = createAttemptLimit({ attempts: 1, elapsed: () => 0 })
    expect([limit.begin('a'), limit.begin('b'), limit.begin('a')]).toEqual([0, 0, 60])
    limit.clear('a')
    expect([limit.begin('a'), limit.begin('b')]).toEqual([0, 60])
  })

  it('returns one attempt, and never allows more than the limit', () => {
    const limit = createAttemptLimit({ attempts: 1, elapsed: () => 0 })
    limit.takeBack('a')
    limit.begin('a')
    limit.takeBack('a')
    limit.takeBack('a')
    expect([limit.begin('a'), limit.begin('a')]).toEqual([0, 60])
  })

  it('holds at most the maximum number of keys, and evicts the oldest', () => {
    const limit = createAttemptLimit({ attempts: 1, keys: 2, elapsed: () => 0 })
    for (const key of ['a', 'b', 'c']) limit.begin(key)
    expect([limit.begin('b'), limit.begin('c')]).toEqual([60, 60])
    expect(limit.begin('a')).toBe(0)
  })
})
