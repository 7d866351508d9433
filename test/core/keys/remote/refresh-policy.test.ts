import { describe, expect, it } from 'vitest'

import {
  canDeny,
  decide,
  freshnessAt,
  lifetime,
  type Action,
  type Situation,
} from '../../../../packages/core/src/keys/remote/refresh-policy.ts'

type Cell = readonly [...[Situation['freshness'], Situation['kid'], Situation['fetch']], Action]

const cells: readonly Cell[] = [
  ['fresh', 'known', 'allowed', 'answer'],
  ['fresh', 'known', 'in_flight', 'answer'],
  ['fresh', 'known', 'held', 'answer'],
  ['fresh', 'unknown', 'allowed', 'wait'],
  ['fresh', 'unknown', 'in_flight', 'wait'],
  ['fresh', 'unknown', 'held', 'deny_if_older'],
  ['ageing', 'known', 'allowed', 'answer_and_refresh'],
  ['ageing', 'known', 'in_flight', 'answer'],
  ['ageing', 'known', 'held', 'answer'],
  ['ageing', 'unknown', 'allowed', 'wait'],
  ['ageing', 'unknown', 'in_flight', 'wait'],
  ['ageing', 'unknown', 'held', 'deny_if_older'],
  ['stale', 'known', 'allowed', 'wait_softly'],
  ['stale', 'known', 'in_flight', 'wait_softly'],
  ['stale', 'known', 'held', 'answer'],
  ['stale', 'unknown', 'allowed', 'wait'],
  ['stale', 'unknown', 'in_flight', 'wait'],
  ['stale', 'unknown', 'held', 'unavailable'],
  ...(['expired', 'cold'] as const).flatMap((freshness) =>
    (['known', 'unknown'] as const).flatMap((kid): Cell[] => [
      [freshness, kid, 'allowed', 'wait'],
      [freshness, kid, 'in_flight', 'wait'],
      [freshness, kid, 'held', 'unavailable'],
    ]),
  ),
]

describe('the JWK Set policy', () => {
  it.each(cells)(
    'with a set that is %s, a kid that is %s and a fetch that is %s: %s',
    (freshness, kid, fetch, action) => {
      expect(decide({ freshness, kid, fetch })).toBe(action)
    },
  )
})

describe('which keys a set can deny', () => {
  // A set of the third attempt, requested 100 s ago by the monotonic clock.
  const clock = { now: () => 1_000_000, monotonic: () => 500_000 }
  const set = { completeTo: 400_000, attempt: 3 }

  it.each([
    ['issued before the set was requested', { attemptsBefore: 3, issuedBefore: 899_999 }, true],
    ['issued at the same time', { attemptsBefore: 3, issuedBefore: 900_000 }, false],
    ['issued after it', { attemptsBefore: 3, issuedBefore: 950_000 }, false],
    ['without an issue time', { attemptsBefore: 3, issuedBefore: Infinity }, false],
    ['with an iat that is not a number', { attemptsBefore: 3, issuedBefore: Number.NaN }, false],
    ['that had arrived before the attempt started', { attemptsBefore: 2, issuedBefore: Infinity }, true],
  ])('is a token %s', (_, issuance, expected) => {
    expect(canDeny(set, issuance, clock)).toBe(expected)
  })

  it('is reduced by the time that the answer spent in caches', () => {
    const cached = { completeTo: 400_000 - 50_000, attempt: 0 }
    expect(canDeny(cached, { attemptsBefore: 0, issuedBefore: 860_000 }, clock)).toBe(false)
    expect(canDeny(cached, { attemptsBefore: 0, issuedBefore: 849_999 }, clock)).toBe(true)
  })
})

describe('the age of a set', () => {
  const times = lifetime(1000, 0.6, { staleFor: 3.6, random: () => 0 })

  it.each([
    [1000, 'fresh'],
    [1479, 'fresh'],
    [1480, 'ageing'],
    [1599, 'ageing'],
    [1600, 'stale'],
    [5199, 'stale'],
    [5200, 'expired'],
  ])('at %d is %s', (now, freshness) => {
    expect(freshnessAt(now, times)).toBe(freshness)
  })

  it('is cold if there is none', () => {
    expect(freshnessAt(1000, undefined)).toBe('cold')
  })

  it('background refreshes start after 80 to 90 % of the fresh period', () => {
    const starts = [0, 0.5, 1].map((random) => lifetime(7, 1, { staleFor: 0, random: () => random }).refreshAt)
    expect(starts.map(Math.round)).toEqual([807, 857, 907])
  })
})
