import { expect, it } from 'vitest'

import { systemCode } from '../../../../packages/core/src/keys/fetch/fetch-error.ts'

it.each<readonly [unknown, string | undefined]>([
  ['ECONNREFUSED', 'ECONNREFUSED'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  [`E${'A'.repeat(60)}`, `E${'A'.repeat(60)}`],
  [`E${'A'.repeat(61)}`, undefined],
  ['E', undefined],
  ['econnrefused', undefined],
  ['ECONNREFUSED of a', undefined],
  ['a ECONNREFUSED', undefined],
  [['ECONNREFUSED'], undefined],
  [{ toString: () => 'ECONNREFUSED' }, undefined],
  [23, undefined],
  [undefined, undefined],
])('the code %j of an error is shown as %s', (code, shown) => {
  expect(systemCode(Object.assign(new Error('failed'), { code }))).toBe(shown)
})

it('only errors have a code', () => {
  expect([systemCode({ code: 'ECONNREFUSED' }), systemCode(new Error('failed')), systemCode(undefined)]).toEqual([
    undefined,
    undefined,
    undefined,
  ])
})
