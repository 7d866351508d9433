import { expect, it } from 'vitest'

import { retryAfterSeconds } from '../../../../packages/core/src/keys/fetch/fetch-document.ts'

const now = Date.UTC(2026, 10, 21, 12, 0, 0)

it.each<[string | null, number | undefined]>([
  ['120', 120],
  [' 0 ', 0],
  ['Sat, 21 Nov 2026 12:02:00 GMT', 120],
  ['Sat, 21 Nov 2026 11:00:00 GMT', 0],
  ['Sat, 21 Nov 2026 12:00:00.001 GMT', 1],
  ['9999999999', 9_999_999_999],
  ['x120', undefined],
  ['120x', undefined],
  ['sat, 21 Nov 2026 12:02:00 GMT', undefined],
  ['Sa, 21 Nov 2026 12:02:00 GMT', undefined],
  ['2026-11-21T12:02:00Z', undefined],
  [' Sat, 21 Nov 2026 12:02:00 GMT', 120],
  ['Sat, nonsense', undefined],
  ['-5', undefined],
  ['1e3', undefined],
  ['99999999999', undefined],
  ['soon', undefined],
  ['', undefined],
  [null, undefined],
])('Retry-After of %j is %s seconds', (value, seconds) => {
  expect(retryAfterSeconds(value, now)).toBe(seconds)
})
