import { deepEqual, ok } from 'node:assert/strict'

import type { DenylistStoreCase } from './denylist-store-case.ts'

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
