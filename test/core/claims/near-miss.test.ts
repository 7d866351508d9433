import { describe, expect, it } from 'vitest'
import { nearestMiss, nearMiss } from '../../../packages/core/src/claims/claim-checks.ts'

describe('a near miss', () => {
  it.each([
    ['https://a.example', 'https://a.example', undefined],
    ['https://a.example', 'https://a.example/', 'They differ only by a trailing slash'],
    ['https://a.example/', 'https://a.example', 'They differ only by a trailing slash'],
    ['https://a.example', 'https://A.example', 'They differ only by case'],
    ['https://a.example', 'http://a.example', 'They differ only by the scheme (http or https)'],
    ['a.example', 'https://a.example', 'They differ only by the scheme (http or https)'],
    ['x/https://a', 'x/a', undefined],
    [' a', 'a ', 'They differ only by white space'],
    ['a', 'b', undefined],
    ['a', `a${' '.repeat(8)}`, 'They differ only by white space'],
    ['a', `a${' '.repeat(9)}`, undefined],
    [`a${' '.repeat(9)}`, 'a', undefined],
  ])('between %j and %j', (expected, actual, hint) => {
    expect(nearMiss(expected, actual)).toBe(hint)
  })

  it('is searched for until one is found', () => {
    expect(nearestMiss(['x', 'A', 'a '], ['b', 1, 'a'])).toBe('They differ only by case')
    expect(nearestMiss(['x', 'y'], ['a'])).toBeUndefined()
  })
})
