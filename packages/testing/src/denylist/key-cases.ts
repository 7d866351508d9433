import { deepEqual } from 'node:assert/strict'

import type { DenylistStoreCase } from './denylist-store-case.ts'

const ASCII = Array.from({ length: 95 }, (_, index) => String.fromCodePoint(0x20 + index)).join('')
const LONG = 'k'.repeat(199)

const LIKE_EACH_OTHER: Readonly<Record<string, readonly [string, string]>> = {
  'one in upper case': ['key', 'KEY'],
  'one with a trailing space': ['key', 'key '],
  'one with a leading space': ['key', ' key'],
  'one that is a prefix of the other': ['key', 'key 2'],
  'two of 200 characters that differ in the last one': [`${LONG}1`, `${LONG}2`],
  'one that is a pattern matching the other': ['key', 'k*'],
  'one with placeholders for the other': ['key', 'k_?'],
  'one that is the escaped form of the other': ['a%2Fb', 'a/b'],
  'one with a path to the other': ['b', 'a/../b'],
}

const NAMES = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'length', '0', ' ', ASCII]

/** Keys are compared exactly. */
export const keyCases: readonly DenylistStoreCase[] = [
  ...Object.entries(LIKE_EACH_OTHER).flatMap(([name, [one, other]]) => [
    apart(name, one, other),
    apart(`${name}, in reverse order`, other, one),
  ]),
  ...NAMES.map((key): DenylistStoreCase => ({
    name: `has no built-in entry ${JSON.stringify(key)}, and accepts one`,
    run: async ({ store, now }) => {
      deepEqual(await store.find([key]), [undefined])
      await store.add(key, { issuedUpTo: 7, expiresAt: Math.ceil(now()) + 60 })
      deepEqual(await store.find([key, 'another']), [7, undefined])
    },
  })),
]

function apart(name: string, one: string, other: string): DenylistStoreCase {
  return {
    name: `distinguishes keys: ${name}`,
    run: async ({ store, now }) => {
      const expiresAt = Math.ceil(now()) + 60
      await store.add(one, { issuedUpTo: 1, expiresAt })
      deepEqual(await store.find([one, other]), [1, undefined])
      await store.add(other, { issuedUpTo: 2, expiresAt })
      deepEqual(await store.find([one, other]), [1, 2])
    },
  }
}
