import type { DenylistStore } from '@claimgate/core/denylist'
import { deepEqual, ok } from 'node:assert/strict'

/** A store under test: empty, with a clock that the test can advance or wait for. */
export interface DenylistStoreSubject {
  readonly store: DenylistStore
  /** The time by the store's clock, in seconds since the epoch. */
  now(): number
  /** Lets this many seconds pass on the store's clock: advances it, or waits. No case lets more than 4 pass. */
  pass(seconds: number): Promise<void>
}

/** One requirement of the contract of denylist stores. */
export interface DenylistStoreCase {
  /** What the store must do. */
  readonly name: string
  /**
   * Tests an empty store that nothing else uses.
   *
   * @throws Error if the store does not meet the requirement
   */
  run(subject: DenylistStoreSubject): Promise<void>
}

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

/** No entry is dropped before it expires. When a store drops it after that is not specified. */
export const expiryCases: readonly DenylistStoreCase[] = [
  {
    name: 'keeps an entry until it expires',
    run: async ({ store, now, pass }) => {
      await store.add('a', { issuedUpTo: 7, expiresAt: Math.ceil(now()) + 4 })
      await pass(2)
      deepEqual(await store.find(['a']), [7])
    },
  },
  {
    name: 'keeps an entry while others expire',
    run: async ({ store, now, pass }) => {
      const start = Math.ceil(now())
      await store.add('short', { issuedUpTo: 1, expiresAt: start + 1 })
      await store.add('long', { issuedUpTo: 2, expiresAt: start + 60 })
      await store.add('short too', { issuedUpTo: 3, expiresAt: start + 1 })
      await pass(3)
      await store.add('new', { issuedUpTo: 4, expiresAt: start + 60 })
      deepEqual(await store.find(['long', 'new']), [2, 4])
    },
  },
  {
    name: 'keeps the later expiry if an earlier one is added later',
    run: async ({ store, now, pass }) => {
      const start = Math.ceil(now())
      await store.add('a', { issuedUpTo: 7, expiresAt: start + 60 })
      await store.add('a', { issuedUpTo: 7, expiresAt: start + 1 })
      await store.add('a', { issuedUpTo: 8, expiresAt: start + 1 })
      await pass(3)
      deepEqual(await store.find(['a']), [8])
    },
  },
  {
    name: 'replaces an earlier expiry by a later one, also with a smaller issuedUpTo',
    run: async ({ store, now, pass }) => {
      const start = Math.ceil(now())
      await store.add('a', { issuedUpTo: 7, expiresAt: start + 1 })
      await store.add('a', { issuedUpTo: 6, expiresAt: start + 60 })
      await pass(3)
      deepEqual(await store.find(['a']), [7])
    },
  },
  {
    name: 'keeps an entry if an expired one is added to it',
    run: async ({ store, now }) => {
      const start = Math.ceil(now())
      await store.add('a', { issuedUpTo: 7, expiresAt: start + 60 })
      await store.add('a', { issuedUpTo: 6, expiresAt: start - 60 })
      deepEqual(await store.find(['a']), [7])
    },
  },
  {
    name: 'accepts an expired entry, which may be dropped immediately',
    run: async ({ store, now }) => {
      await store.add('a', { issuedUpTo: 7, expiresAt: Math.ceil(now()) - 60 })
      const [found] = await store.find(['a'])
      ok(found === undefined || found === 7, `found ${found}`)
    },
  },
  {
    name: 'accepts a new entry for a key with an expired one',
    run: async ({ store, now, pass }) => {
      await store.add('a', { issuedUpTo: 7, expiresAt: Math.ceil(now()) + 1 })
      await pass(3)
      await store.add('a', { issuedUpTo: 7, expiresAt: Math.ceil(now()) + 60 })
      deepEqual(await store.find(['a']), [7])
    },
  },
  {
    name: 'accepts entries that expire in a year',
    run: async ({ store, now, pass }) => {
      await store.add('a', { issuedUpTo: 7, expiresAt: Math.ceil(now()) + 31_536_000 })
      await pass(1)
      deepEqual(await store.find(['a']), [7])
    },
  },
]
