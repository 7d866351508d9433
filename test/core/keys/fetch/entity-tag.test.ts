import { describe, expect, it } from 'vitest'

import { entityTag } from '../../../../packages/core/src/keys/fetch/fetch-document.ts'

describe('an entity-tag', () => {
  it.each(['"1"', 'W/"1"', '""', '"a-b_c:~!#"', '"with, comma"', `"${'x'.repeat(1024)}"`])('is %s', (tag) => {
    expect(entityTag(tag)).toBe(tag)
  })

  it.each([
    'bad\r\nx: y',
    '"bad\r\nx: y"',
    '"1"\n',
    '1',
    '"1',
    '1"',
    'w/"1"',
    'W/1',
    '"a"b"',
    '"\t"',
    '"\u007f"',
    '"é"',
    '"1", "2"',
    '*',
    '',
    `"${'x'.repeat(1025)}"`,
    null,
    undefined,
    7,
    ['"1"'],
  ])('is not %j', (value) => {
    expect(entityTag(value)).toBeUndefined()
  })
})
