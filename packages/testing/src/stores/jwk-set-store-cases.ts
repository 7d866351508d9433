import type { JwkSetSeed, JwkSetStore } from '@claimgate/core'
import { deepEqual, equal, ok } from 'node:assert/strict'
import { atOnce, type StoreCase } from './store-case.ts'

/** A store of key sets under test: empty. */
export interface JwkSetStoreSubject {
  readonly store: JwkSetStore
  /** The same store as another process sees it. @defaultValue `store` */
  readonly other?: JwkSetStore
}

const URI = 'https://auth.example.com/keys'
const OTHER = 'https://auth.example.com/keys/2'
const KEY = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo', kid: 'a' }

function seedOf(kid: string, fetchedAt: number, uri: string = URI): JwkSetSeed {
  return { uri, jwks: { keys: [{ ...KEY, kid }] }, fetchedAt }
}

const FULL: JwkSetSeed = {
  ...seedOf('a "b"', 1_800_000_000_123.5),
  url: 'https://keys.example.com/set?version=1',
  etag: 'W/"abc"',
  maxAge: 300,
  lag: 12,
}

/** What a verifier without a set asks for. */
const ANY = { seconds: 0.5 }

/** The contract of a store of key sets, one requirement per case. Run each case with a new store, in any test runner. */
export const jwkSetStoreCases: readonly StoreCase<JwkSetStoreSubject>[] = Object.freeze([
  {
    name: 'finds nothing if nothing was stored',
    run: async ({ store }) => {
      equal(await store.get(URI), undefined)
      equal(await store.get(URI, ANY), undefined)
    },
  },
  {
    name: 'returns a seed as it was stored, in every process',
    run: async ({ store, other = store }) => {
      await store.set(URI, FULL, 60)
      for (const each of [store, other]) {
        deepEqual(JSON.parse(JSON.stringify(await each.get(URI))), FULL)
        deepEqual(JSON.parse(JSON.stringify(await each.get(URI, ANY))), FULL)
      }
    },
  },
  {
    name: 'keeps a seed also if no time is given',
    run: async ({ store }) => {
      await store.set(URI, FULL)
      equal((await store.get(URI))?.fetchedAt, FULL.fetchedAt)
    },
  },
  {
    name: 'distinguishes key sets, also if one address begins with the other',
    run: async ({ store }) => {
      await store.set(URI, seedOf('a', 1))
      equal(await store.get(OTHER), undefined)
      await store.set(OTHER, seedOf('b', 2, OTHER))
      deepEqual([(await store.get(URI))?.fetchedAt, (await store.get(OTHER))?.fetchedAt], [1, 2])
    },
  },
  ...['__proto__', 'constructor', 'https://auth.example.com/ä?q=*'].map((uri): StoreCase<JwkSetStoreSubject> => ({
    name: `has no built-in set ${JSON.stringify(uri)}, and accepts one`,
    run: async ({ store }) => {
      equal(await store.get(uri), undefined)
      await store.set(uri, seedOf('a', 1, uri))
      equal((await store.get(uri))?.uri, uri)
    },
  })),
  {
    name: 'replaces a seed by the next one',
    run: async ({ store, other = store }) => {
      await store.set(URI, seedOf('a', 1))
      await other.set(URI, seedOf('b', 2))
      equal((await store.get(URI))?.fetchedAt, 2)
    },
  },
  {
    name: 'returns a seed that is newer than the one of the verifier',
    run: async ({ store, other = store }) => {
      await store.set(URI, seedOf('a', 2))
      equal((await other.get(URI, { newerThan: 1, seconds: 0.5 }))?.fetchedAt, 2)
    },
  },
  {
    name: 'answers a verifier that needs a newer seed than there is',
    run: async ({ store }) => {
      await store.set(URI, seedOf('a', 2))
      const found = await store.get(URI, { newerThan: 2, seconds: 0.5 })
      ok(found === undefined || found.fetchedAt === 2)
    },
  },
  {
    name: 'answers all of many verifiers within the time they wait, and gives them the set that one stores',
    run: async ({ store, other = store }) => {
      let fetches = 0
      const seeds = await atOnce(10, async (index) => {
        const each = index % 2 ? store : other
        const found = await each.get(URI, { seconds: 2 })
        if (found !== undefined) return found
        fetches += 1
        await each.set(URI, seedOf('a', 1), 60)
        return seedOf('a', 1)
      })
      ok(fetches >= 1 && seeds.every(({ fetchedAt }) => fetchedAt === 1))
    },
  },
])
