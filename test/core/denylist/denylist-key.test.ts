import { describe, expect, it } from 'vitest'

import { denylistKey } from '../../../packages/core/src/denylist/denylist.ts'

const PLACES: readonly (readonly [string | null, 'jti' | 'sub' | 'sid', string])[] = [
  ['https://a.example', 'jti', 'x'],
  ['https://a.example', 'sub', 'x'],
  ['https://a.example', 'sid', 'x'],
  ['https://b.example', 'jti', 'x'],
  [null, 'jti', 'x'],
  ['null', 'jti', 'x'],
  ['', 'jti', 'x'],
  ['a', 'jti', 'b","jti","c'],
  ['a","jti","b', 'jti', 'c'],
  ['a', 'jti', String.raw`\u00e9`],
  ['a', 'jti', 'é'],
  ['a', 'jti', 'e\u0301'],
  ['a', 'jti', '\uD800'],
  ['a', 'jti', '\uD801'],
  ['a', 'jti', '\uFFFD'],
  ['a', 'jti', '\u0000'],
  ['a', 'jti', ' '],
  ['a', 'jti', ''],
  ['a', 'jti', 'k'.repeat(300)],
  ['a', 'jti', 'k'.repeat(301)],
  ['a', 'jti', 'k'.repeat(65_536)],
]

describe('the key of an entry', () => {
  it('differs for everything else, and is the same for the same claims', async () => {
    const keys = await Promise.all(PLACES.map(async (place) => denylistKey(...place)))
    expect(new Set(keys).size).toBe(PLACES.length)
    expect(await Promise.all(PLACES.map(async (place) => denylistKey(...place)))).toEqual(keys)
  })

  it('is 1 to 200 printable ASCII characters, whatever the token contains', async () => {
    for (const place of PLACES) expect(await denylistKey(...place)).toMatch(/^[ -~]{1,200}$/)
  })

  it('does not match a token that contains it', async () => {
    const digest = await denylistKey('a', 'jti', 'k'.repeat(300))
    expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/)
    expect(await denylistKey('a', 'jti', digest)).not.toBe(digest)
  })
})
