import { describe, expect, it } from 'vitest'

import { decide, freshnessAt, refreshAheadAge, type Action, type Situation } from './refresh-policy.ts'

type Cell = readonly [...[Situation['freshness'], Situation['kid'], Situation['fetch']], Action]

const cells: readonly Cell[] = [
  ['fresh', 'known', 'allowed', 'answer'],
  ['fresh', 'known', 'in_flight', 'answer'],
  ['fresh', 'known', 'held', 'answer'],
  ['fresh', 'unknown', 'allowed', 'wait'],
  ['fresh', 'unknown', 'in_flight', 'wait'],
  ['fresh', 'unknown', 'held', 'believe_if_young'],
  ['ageing', 'known', 'allowed', 'answer_and_refresh'],
  ['ageing', 'known', 'in_flight', 'answer'],
  ['ageing', 'known', 'held', 'answer'],
  ['ageing', 'unknown', 'allowed', 'wait'],
  ['ageing', 'unknown', 'in_flight', 'wait'],
  ['ageing', 'unknown', 'held', 'believe_if_young'],
  ['stale', 'known', 'allowed', 'wait_softly'],
  ['stale', 'known', 'in_flight', 'wait_softly'],
  ['stale', 'known', 'held', 'answer'],
  ['stale', 'unknown', 'allowed', 'wait'],
  ['stale', 'unknown', 'in_flight', 'wait'],
  ['stale', 'unknown', 'held', 'believe_if_young'],
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

describe('the age of a set', () => {
  const lifetime = { confirmedAt: 1000, freshFor: 600, refreshAfter: 480, staleFor: 3600 }

  it.each([
    [1000, 'fresh'],
    [1479, 'fresh'],
    [1480, 'ageing'],
    [1599, 'ageing'],
    [1600, 'stale'],
    [5199, 'stale'],
    [5200, 'expired'],
  ])('at %d is %s', (now, freshness) => {
    expect(freshnessAt(now, lifetime)).toBe(freshness)
  })

  it('is cold where there is none', () => {
    expect(freshnessAt(1000, undefined)).toBe('cold')
  })

  it('at which refreshing ahead begins spreads over 80 to 90 % of freshness', () => {
    expect([0, 0.5, 1].map((random) => Math.round(refreshAheadAge(1000, random)))).toEqual([800, 850, 900])
  })
})
