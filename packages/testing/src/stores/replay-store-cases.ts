import type { ReplayStore } from '@claimgate/core/dpop'
import { deepEqual, equal, ok } from 'node:assert/strict'
import { atOnce, type PassTime, type StoreCase } from './store-case.ts'

/** A replay store under test: empty, with a clock that the test can advance or wait for. */
export interface ReplayStoreSubject extends PassTime {
  readonly store: ReplayStore
  /** The same store as another process sees it. @defaultValue `store` */
  readonly other?: ReplayStore
}

/** The key of a proof: 87 characters, as `dpop` makes them. */
function keyOf(client: string, proof: string): string {
  return `${client.padEnd(43, '-')}.${proof.padEnd(43, '_')}`
}

const KEY = keyOf('client', 'proof')

const LIKE_EACH_OTHER: Readonly<Record<string, readonly [string, string]>> = {
  'one in upper case': [keyOf('a', 'b'), keyOf('a', 'B')],
  'two proofs of one client': [keyOf('a', 'b'), keyOf('a', 'c')],
  'one proof of two clients': [keyOf('a', 'c'), keyOf('b', 'c')],
}

/** The contract of a replay store, one requirement per case. Run each case with a new store, in any test runner. */
export const replayStoreCases: readonly StoreCase<ReplayStoreSubject>[] = Object.freeze([
  {
    name: 'inserts a new key, and no key a second time',
    run: async ({ store }) => {
      deepEqual(
        [await store.insertIfAbsent(KEY, 60), await store.insertIfAbsent(KEY, 60), await store.insertIfAbsent(KEY, 1)],
        [true, false, false],
      )
    },
  },
  {
    name: 'inserts a key once if many ask at the same time',
    run: async ({ store, other = store }) => {
      const answers = await atOnce(100, async (index) => (index % 2 ? store : other).insertIfAbsent(KEY, 60))
      equal(answers.filter((isNew) => isNew).length, 1)
      equal(answers.filter((isNew) => !isNew).length, 99)
    },
  },
  {
    name: 'shows an inserted key to other processes at once',
    run: async ({ store, other = store }) => {
      deepEqual([await store.insertIfAbsent(KEY, 60), await other.insertIfAbsent(KEY, 60)], [true, false])
    },
  },
  ...Object.entries(LIKE_EACH_OTHER).map(([name, [one, another]]): StoreCase<ReplayStoreSubject> => ({
    name: `distinguishes keys: ${name}`,
    run: async ({ store }) => {
      deepEqual([await store.insertIfAbsent(one, 60), await store.insertIfAbsent(another, 60)], [true, true])
      deepEqual([await store.insertIfAbsent(another, 60), await store.insertIfAbsent(one, 60)], [false, false])
    },
  })),
  {
    name: 'keeps a key as long as it was told',
    run: async ({ store, pass }) => {
      await store.insertIfAbsent(KEY, 4)
      await pass(3)
      equal(await store.insertIfAbsent(KEY, 4), false)
    },
  },
  {
    name: 'does not keep a key longer because it was refused',
    run: async ({ store, pass }) => {
      await store.insertIfAbsent(KEY, 1)
      await store.insertIfAbsent(KEY, 60)
      await pass(3)
      equal(await store.insertIfAbsent(KEY, 60), true)
    },
  },
  {
    name: 'keeps a key while others expire',
    run: async ({ store, pass }) => {
      await store.insertIfAbsent(keyOf('a', 'short'), 1)
      await store.insertIfAbsent(keyOf('a', 'long'), 60)
      await pass(3)
      await store.insertIfAbsent(keyOf('a', 'new'), 1)
      equal(await store.insertIfAbsent(keyOf('a', 'long'), 60), false)
    },
  },
  {
    name: 'keeps thousands of keys of many clients, or rejects',
    run: async ({ store }) => {
      const keys = Array.from({ length: 2000 }, (_, index) => keyOf(`client ${index % 200}`, `proof ${index}`))
      const inserted = await Promise.allSettled(keys.map(async (key) => store.insertIfAbsent(key, 60)))
      const kept = keys.filter((_, index) => inserted[index]?.status === 'fulfilled')
      ok(inserted.every((each) => each.status === 'rejected' || each.value))
      const again = await Promise.allSettled(kept.map(async (key) => store.insertIfAbsent(key, 60)))
      ok(again.every((each) => each.status === 'rejected' || !each.value))
    },
  },
])
