import type { IntrospectionAnswer, IntrospectionCacheStore } from '@claimgate/core/introspection'
import { deepEqual, equal, ok } from 'node:assert/strict'
import { atOnce, type PassTime, type StoreCase } from './store-case.ts'

/** A store of introspection answers under test: empty, with a clock that the test can advance or wait for. */
export interface IntrospectionCacheStoreSubject extends PassTime {
  readonly store: IntrospectionCacheStore
}

/** A key as verifiers make them: a SHA-256 in hexadecimal. */
function keyOf(number: number): string {
  return number.toString(16).padStart(64, '0')
}

const ACTIVE: IntrospectionAnswer = { active: true, sub: 'ada', scope: 'orders:read', exp: 1_800_000_000 }
const INACTIVE: IntrospectionAnswer = { active: false }

const NESTED: IntrospectionAnswer = {
  active: true,
  aud: ['orders-api', 'other-api'],
  cnf: { jkt: 'x' },
  may_act: { sub: null, levels: [1, 2.5, -3, { deep: [] }] },
  'quoted "name"': 'text with\nlines, \u0000, é and 😀',
}

// A literal would set the prototype.
const WITH_PROTO = JSON.parse(
  '{"active":true,"__proto__":{"active":false},"constructor":"text"}',
) as IntrospectionAnswer

/** What a store returned, as plain JSON: it may have another prototype. */
async function plain(answer: Promise<IntrospectionAnswer | undefined>): Promise<unknown> {
  const found = await answer
  return found === undefined ? undefined : JSON.parse(JSON.stringify(found))
}

/** The contract of a store of introspection answers, one requirement per case. Run each case with a new store, in any test runner. */
export const introspectionCacheStoreCases: readonly StoreCase<IntrospectionCacheStoreSubject>[] = Object.freeze([
  {
    name: 'finds nothing if nothing was stored',
    run: async ({ store }) => {
      equal(await store.get(keyOf(1)), undefined)
    },
  },
  ...Object.entries({ active: ACTIVE, nested: NESTED, 'with members like those of objects': WITH_PROTO }).map(
    ([name, answer]): StoreCase<IntrospectionCacheStoreSubject> => ({
      name: `returns an answer as it was stored: ${name}`,
      run: async ({ store }) => {
        await store.set(keyOf(1), answer, 60)
        deepEqual(await plain(store.get(keyOf(1))), JSON.parse(JSON.stringify(answer)))
      },
    }),
  ),
  {
    name: 'returns that a token is inactive',
    run: async ({ store }) => {
      await store.set(keyOf(1), INACTIVE, 60)
      deepEqual(await plain(store.get(keyOf(1))), INACTIVE)
    },
  },
  {
    name: 'distinguishes keys, also if one is part of the other',
    run: async ({ store }) => {
      await store.set(keyOf(1), ACTIVE, 60)
      equal(await store.get(keyOf(2)), undefined)
      equal(await store.get(keyOf(1).slice(1)), undefined)
      equal(await store.get(`${keyOf(1)}0`), undefined)
    },
  },
  {
    name: 'replaces an answer by the next one, also an active token by an inactive one and back',
    run: async ({ store }) => {
      for (const answer of [ACTIVE, INACTIVE, ACTIVE]) {
        await store.set(keyOf(1), answer, 60)
        deepEqual(await plain(store.get(keyOf(1))), answer)
      }
    },
  },
  {
    name: 'returns no answer that has expired',
    run: async ({ store, pass }) => {
      await store.set(keyOf(1), ACTIVE, 1)
      await store.set(keyOf(2), INACTIVE, 1)
      await pass(2)
      deepEqual([await store.get(keyOf(1)), await store.get(keyOf(2))], [undefined, undefined])
    },
  },
  {
    name: 'returns no answer after a fraction of a second',
    run: async ({ store, pass }) => {
      await store.set(keyOf(1), ACTIVE, 0.25)
      await pass(1)
      equal(await store.get(keyOf(1)), undefined)
    },
  },
  {
    name: 'does not return an answer longer because an earlier one was to last longer',
    run: async ({ store, pass }) => {
      await store.set(keyOf(1), ACTIVE, 60)
      await store.set(keyOf(1), ACTIVE, 1)
      await pass(2)
      equal(await store.get(keyOf(1)), undefined)
    },
  },
  {
    name: 'confuses no answers that are stored at once',
    run: async ({ store }) => {
      await atOnce(100, async (index) => store.set(keyOf(index), { ...ACTIVE, sub: `user ${index}` }, 60))
      const found = await atOnce(100, async (index) => store.get(keyOf(index)))
      ok(found.every((answer, index) => answer === undefined || answer['sub'] === `user ${index}`))
    },
  },
])
