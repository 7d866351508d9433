import { deepEqual, equal } from 'node:assert/strict'

import { type DenylistStoreCase, expiryCases, keyCases } from './key-and-expiry-cases.ts'

const lookUps: readonly DenylistStoreCase[] = [
  {
    name: 'finds nothing if nothing was added',
    run: async ({ store }) => {
      deepEqual(await store.find(['a', 'b']), [undefined, undefined])
    },
  },
  {
    name: 'finds an added entry immediately',
    run: async ({ store, now }) => {
      await store.add('a', { issuedUpTo: 1_800_000_000, expiresAt: Math.ceil(now()) + 60 })
      deepEqual(await store.find(['a']), [1_800_000_000])
    },
  },
  {
    name: 'returns the answers in the order of the keys, with undefined for missing ones',
    run: async ({ store, now }) => {
      const expiresAt = Math.ceil(now()) + 60
      for (const [index, key] of ['a', 'b', 'c'].entries()) await store.add(key, { issuedUpTo: index + 1, expiresAt })
      deepEqual(await store.find(['c', 'x', 'a', 'y']), [3, undefined, 1, undefined])
      deepEqual(await store.find(['b', 'b']), [2, 2])
    },
  },
  {
    name: 'returns no answers for no keys',
    run: async ({ store }) => {
      deepEqual(await store.find([]), [])
    },
  },
  {
    name: 'stores the smallest and the largest number exactly',
    run: async ({ store, now }) => {
      const expiresAt = Math.ceil(now()) + 60
      await store.add('least', { issuedUpTo: 0, expiresAt })
      await store.add('greatest', { issuedUpTo: 1e11, expiresAt })
      deepEqual(await store.find(['least', 'greatest']), [0, 1e11])
    },
  },
  {
    name: 'keeps an entry that never expires until the end of the year 9999',
    run: async ({ store }) => {
      await store.add('key', { issuedUpTo: 7, expiresAt: 253_402_300_799 })
      deepEqual(await store.find(['key']), [7])
    },
  },
  {
    name: 'keeps thousands of entries, or rejects in add',
    run: async ({ store, now }) => {
      const expiresAt = Math.ceil(now()) + 60
      const keys = Array.from({ length: 3000 }, (_, index) => `key ${index}`)
      const added = await Promise.allSettled(keys.map(async (key) => store.add(key, { issuedUpTo: 7, expiresAt })))
      const held = keys.filter((_, index) => added[index]?.status === 'fulfilled')
      for (let at = 0; at < held.length; at += 3) {
        const some = held.slice(at, at + 3)
        deepEqual(
          await store.find(some),
          some.map(() => 7),
        )
      }
    },
  },
]

const additions: readonly DenylistStoreCase[] = [
  {
    name: 'keeps the greater issuedUpTo if a smaller one is added later',
    run: async ({ store, now }) => {
      const expiresAt = Math.ceil(now()) + 60
      await store.add('a', { issuedUpTo: 200, expiresAt })
      await store.add('a', { issuedUpTo: 100, expiresAt })
      deepEqual(await store.find(['a']), [200])
    },
  },
  {
    name: 'replaces a smaller issuedUpTo by a greater one',
    run: async ({ store, now }) => {
      const expiresAt = Math.ceil(now()) + 60
      await store.add('a', { issuedUpTo: 100, expiresAt })
      await store.add('a', { issuedUpTo: 200, expiresAt })
      deepEqual(await store.find(['a']), [200])
    },
  },
  {
    name: 'compares issuedUpTo as numbers',
    run: async ({ store, now }) => {
      const expiresAt = Math.ceil(now()) + 60
      await store.add('a', { issuedUpTo: 1000, expiresAt })
      await store.add('a', { issuedUpTo: 900, expiresAt })
      deepEqual(await store.find(['a']), [1000])
    },
  },
  {
    name: 'keeps the greatest of many issuedUpTo that are added concurrently',
    run: async ({ store, now }) => {
      const expiresAt = Math.ceil(now()) + 60
      const numbers = [3, 9, 1, 7, 5, 2, 8, 4, 6]
      await Promise.all(numbers.map(async (issuedUpTo) => store.add('a', { issuedUpTo, expiresAt })))
      deepEqual(await store.find(['a']), [9])
    },
  },
  {
    name: 'keeps all of many keys that are added concurrently',
    run: async ({ store, now }) => {
      const expiresAt = Math.ceil(now()) + 60
      const keys = Array.from({ length: 50 }, (_, index) => `key ${index}`)
      await Promise.all(keys.map(async (key) => store.add(key, { issuedUpTo: 7, expiresAt })))
      const found = await store.find(keys)
      equal(found.filter((issuedUpTo) => issuedUpTo === 7).length, keys.length)
    },
  },
]

/** The contract of a denylist store, one requirement per case. Run each case with a new store, in any test runner. */
export const denylistStoreCases: readonly DenylistStoreCase[] = Object.freeze([
  ...lookUps,
  ...additions,
  ...keyCases,
  ...expiryCases,
])
