import { describe, expect, it } from 'vitest'

import {
  afterFailure,
  afterNextRequest,
  afterStart,
  afterSuccess,
  mayRetryAtOnce,
  nextAttemptAt,
  NO_ATTEMPTS,
  type AttemptHistory,
} from '../../../../packages/core/src/keys/remote/attempt-history.ts'

const limits = { cooldown: 30_000, fetchesPerMinute: 10 }
const byAge = { cause: 'age', freshness: 'cold' } as const

function failing(times: number, random: number): AttemptHistory {
  let history = NO_ATTEMPTS
  for (let count = 0; count < times; count += 1)
    history = afterFailure(history, { startedAt: 0, retryAfter: undefined, random }, 0)
  return history
}

describe('back-off', () => {
  it('doubles from one second to a minute', () => {
    const waits = [1, 2, 3, 4, 5, 6, 7, 8, 30, 3000].map((times) => failing(times, 1).notBefore)
    expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000, 60_000])
  })

  it('has full jitter', () => {
    expect([0, 0.25, 1].map((random) => failing(3, random).notBefore)).toEqual([0, 1000, 4000])
  })

  it('is replaced by a longer Retry-After of up to five minutes', () => {
    const after = (retryAfter: number) =>
      afterFailure(failing(2, 1), { startedAt: 0, retryAfter, random: 1 }, 0).notBefore
    expect([1, 10, 300, 301, 1e9].map(after)).toEqual([4000, 10_000, 300_000, 300_000, 300_000])
  })

  it('ends with a success', () => {
    expect(nextAttemptAt(afterSuccess(failing(5, 1), 'warm'), byAge, limits, 0)).toBe(-Infinity)
  })
})

describe('attempts', () => {
  it('are limited in any minute, counted from their start', () => {
    let history = NO_ATTEMPTS
    for (let second = 0; second < 10; second += 1) history = afterStart(history, 'age', limits, second * 1000)
    expect(nextAttemptAt(history, byAge, limits, 9000)).toBe(60_000)
    expect(mayRetryAtOnce(history, limits, 9000)).toBe(false)
    expect(mayRetryAtOnce(history, limits, 60_000)).toBe(true)
  })

  it('for tokens respect the cool-down on a fresh set, and only there', () => {
    const history = afterStart(NO_ATTEMPTS, 'token', limits, 1000)
    expect(nextAttemptAt(history, { cause: 'token', freshness: 'fresh' }, limits, 1000)).toBe(31_000)
    expect(nextAttemptAt(history, { cause: 'token', freshness: 'stale' }, limits, 1000)).toBeLessThanOrEqual(1000)
    expect(nextAttemptAt(history, { cause: 'age', freshness: 'ageing' }, limits, 1000)).toBeLessThanOrEqual(1000)
  })

  it('on a fresh set are limited to two in two cool-downs, whatever their cause', () => {
    const history = afterStart(afterStart(NO_ATTEMPTS, 'age', limits, 1000), 'token', limits, 2000)
    expect(nextAttemptAt(history, { cause: 'age', freshness: 'ageing' }, limits, 2000)).toBe(61_000)
    expect(nextAttemptAt(history, { cause: 'token', freshness: 'fresh' }, limits, 2000)).toBe(61_000)
  })

  it('on a fresh set do not count the fetch that ended a cold start, which counts towards every other limit', () => {
    const token = { cause: 'token', freshness: 'fresh' } as const
    const cold = afterSuccess(afterStart(NO_ATTEMPTS, 'age', limits, 0), 'cold')
    const second = afterStart(cold, 'token', limits, 5000)
    expect(nextAttemptAt(second, token, limits, 5000)).toBe(35_000)
    const third = afterSuccess(afterStart(second, 'token', limits, 35_000), 'warm')
    expect(nextAttemptAt(third, token, limits, 35_000)).toBe(65_000)
    expect(nextAttemptAt(third, byAge, { ...limits, fetchesPerMinute: 3 }, 35_000)).toBe(60_000)
  })

  it('on a fresh set count every fetch that refreshed it', () => {
    const first = afterSuccess(afterStart(NO_ATTEMPTS, 'age', limits, 1000), 'warm')
    const second = afterSuccess(afterStart(first, 'age', limits, 2000), 'warm')
    expect(nextAttemptAt(second, { cause: 'token', freshness: 'fresh' }, limits, 2000)).toBe(61_000)
  })

  it('of several requests count once, from the last request', () => {
    let history = NO_ATTEMPTS
    for (const start of [1000, 2000, 3000]) history = afterStart(history, 'token', limits, start)
    const times = [1000, 2000, 7000]
    const expected = { ...history, starts: times, counted: times, lastForToken: 7000 }
    expect(afterNextRequest(history, 'token', limits, 7000)).toEqual(expected)
  })

  it('on a fresh set count those that failed before it', () => {
    const failed = afterStart(NO_ATTEMPTS, 'age', limits, 0)
    const cold = afterSuccess(afterStart(failed, 'age', limits, 1000), 'cold')
    const second = afterStart(cold, 'token', limits, 5000)
    expect(nextAttemptAt(second, { cause: 'token', freshness: 'fresh' }, limits, 5000)).toBe(60_000)
  })

  it('are kept for two cool-downs if those are longer than a minute', () => {
    const slow = { ...limits, cooldown: 100_000 }
    const history = afterStart(afterStart(NO_ATTEMPTS, 'age', slow, 0), 'age', slow, 150_000)
    expect(nextAttemptAt(history, { cause: 'age', freshness: 'ageing' }, slow, 150_000)).toBe(200_000)
  })

  it('while failing are seven in the first minute, and two in any minute after it', () => {
    let history = afterStart(NO_ATTEMPTS, 'age', limits, -10_000)
    for (let attempt = 0; attempt < 6; attempt += 1) history = afterStart(history, 'age', limits, attempt * 1000)
    history = afterFailure(history, { startedAt: 0, retryAfter: undefined, random: 0 }, 5000)
    expect(nextAttemptAt(history, byAge, limits, 6000)).toBe(5000)
    history = afterStart(history, 'age', limits, 6000)
    expect(nextAttemptAt(history, byAge, limits, 7000)).toBe(65_000)
    expect(nextAttemptAt(history, byAge, limits, 60_000)).toBe(65_000)
    const rested = afterStart({ ...history, starts: [] }, 'age', limits, 10_000)
    expect(nextAttemptAt(rested, byAge, limits, 59_999)).toBe(5000)
    expect(nextAttemptAt(rested, byAge, limits, 60_000)).toBe(60_000)
  })

  it('are dropped once no limit needs them', () => {
    let history = NO_ATTEMPTS
    for (let minute = 0; minute < 1000; minute += 1) history = afterStart(history, 'age', limits, minute * 10_000)
    const left = [9940, 9950, 9960, 9970, 9980, 9990].map((second) => second * 1000)
    expect([history.starts, history.counted]).toEqual([left, left])
  })
})
