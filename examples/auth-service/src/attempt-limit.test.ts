import { describe, expect, it } from 'vitest'
import { createAttemptLimit } from './attempt-limit.ts'

describe('the attempt limit', () => {
  it('tells how long to wait once the attempts of a window are used up', () => {
    let now = 0
    const limit = createAttemptLimit({ attempts: 2, windowSeconds: 60, elapsed: () => now })
    expect([limit.begin('a'), limit.begin('a'), limit.begin('a')]).toEqual([0, 0, 60])
    now = 59_500
    expect(limit.begin('a')).toBe(1)
    now = 60_000
    expect(limit.begin('a')).toBe(0)
  })

  it('counts each key by itself and forgets one that succeeded', () => {
    const limit = createAttemptLimit({ attempts: 1, elapsed: () => 0 })
    expect([limit.begin('a'), limit.begin('b'), limit.begin('a')]).toEqual([0, 0, 60])
    limit.clear('a')
    expect([limit.begin('a'), limit.begin('b')]).toEqual([0, 60])
  })

  it('takes back one attempt, and never more than there were', () => {
    const limit = createAttemptLimit({ attempts: 1, elapsed: () => 0 })
    limit.takeBack('a')
    limit.begin('a')
    limit.takeBack('a')
    limit.takeBack('a')
    expect([limit.begin('a'), limit.begin('a')]).toEqual([0, 60])
  })

  it('remembers no more keys than it may, and forgets the oldest', () => {
    const limit = createAttemptLimit({ attempts: 1, keys: 2, elapsed: () => 0 })
    for (const key of ['a', 'b', 'c']) limit.begin(key)
    expect([limit.begin('b'), limit.begin('c')]).toEqual([60, 60])
    expect(limit.begin('a')).toBe(0)
  })
})
