import type { JwkSetSeed, JwkSetStore } from '@claimgate/core'
import type { ReplayStore } from '@claimgate/core/dpop'
import type { IntrospectionAnswer, IntrospectionCacheStore } from '@claimgate/core/introspection'

type Now = () => number

/** How a store keeps entries. Without a flaw, each part does what its name says. */
type Flaw<Value> = Partial<{
  key: (key: string) => string
  /** When an entry ends, in seconds, if it is stored now and the same key had an end already. */
  end: (seconds: number, now: number, held: number | undefined) => number
  /** What is stored of a value. */
  kept: (value: Value) => Value | undefined
  /** Called with all entries when one is added. */
  afterwards: (entries: Map<string, unknown>) => void
}>

function entriesWith<Value>(
  {
    key: keyOf = (key) => key,
    end = (seconds, now) => now + seconds,
    kept = (value) => value,
    afterwards,
  }: Flaw<Value>,
  now: Now,
) {
  const entries = new Map<string, { value: Value; end: number }>()
  return {
    get: (key: string): Value | undefined => {
      const entry = entries.get(keyOf(key))
      return entry !== undefined && now() < entry.end ? entry.value : undefined
    },
    set: (key: string, value: Value, seconds: number): void => {
      const stored = kept(value)
      if (stored === undefined) return
      entries.set(keyOf(key), { value: stored, end: end(seconds, now(), entries.get(keyOf(key))?.end) })
      afterwards?.(entries)
    },
  }
}

const replayStore =
  (flaw: Flaw<true> & { decide?: 'late' | 'extend' | 'always' | 'never' } = {}) =>
  (now: Now): ReplayStore => {
    const entries = entriesWith(flaw, now)
    return {
      insertIfAbsent: async (key, seconds) => {
        const isNew = entries.get(key) === undefined
        if (flaw.decide === 'late') await Promise.resolve()
        if (isNew || flaw.decide === 'extend') entries.set(key, true, seconds)
        return flaw.decide === 'always' || (isNew && flaw.decide !== 'never')
      },
    }
  }

/** Sound stores, made of the same parts as the flawed ones. */
export const soundReplayStore: (now: Now) => ReplayStore = replayStore()

/** Replay stores with one flaw each. */
export const FLAWED_REPLAY_STORES: Readonly<Record<string, (now: Now) => ReplayStore>> = {
  'looks first and inserts later': replayStore({ decide: 'late' }),
  'keeps nothing': replayStore({ kept: () => undefined }),
  'accepts every proof': replayStore({ decide: 'always' }),
  'refuses every proof': replayStore({ decide: 'never' }),
  'compares keys without case': replayStore({ key: (key) => key.toLowerCase() }),
  'uses the client as key': replayStore({ key: (key) => key.slice(0, 43) }),
  'uses the proof as key': replayStore({ key: (key) => key.slice(43) }),
  'takes seconds for milliseconds': replayStore({ end: (seconds, now) => now + seconds / 1000 }),
  'never forgets': replayStore({ end: () => Infinity }),
  'keeps a key longer for each refusal': replayStore({ decide: 'extend' }),
  'drops the oldest of a thousand': replayStore({ afterwards: dropOldest(1000) }),
  'drops the oldest of one': replayStore({ afterwards: dropOldest(1) }),
  'is not shared by processes': (now) => replayStore()(now),
}

function dropOldest(most: number) {
  return (entries: Map<string, unknown>): void => {
    const [oldest] = entries.keys()
    if (entries.size > most && oldest !== undefined) entries.delete(oldest)
  }
}

const cacheStore =
  (flaw: Flaw<IntrospectionAnswer> = {}) =>
  (now: Now): IntrospectionCacheStore => {
    const entries = entriesWith(flaw, now)
    return {
      get: async (key) => entries.get(key),
      set: async (key, answer, seconds) => entries.set(key, answer, seconds),
    }
  }

export const soundCacheStore: (now: Now) => IntrospectionCacheStore = cacheStore()

/** Caches of answers with one flaw each. */
export const FLAWED_CACHE_STORES: Readonly<Record<string, (now: Now) => IntrospectionCacheStore>> = {
  'keeps nothing': cacheStore({ kept: () => undefined }),
  'keeps nothing about inactive tokens': cacheStore({ kept: (answer) => (answer.active ? answer : undefined) }),
  'keeps whether a token is active alone': cacheStore({ kept: ({ active }) => ({ active }) }),
  'keeps plain members alone': cacheStore({
    kept: (answer) => Object.fromEntries(Object.entries(answer).filter(([name]) => name !== '__proto__')) as never,
  }),
  'never lets an answer expire': cacheStore({ end: () => Infinity }),
  'rounds up to two seconds': cacheStore({ end: (seconds, now) => now + Math.max(2, seconds) }),
  'keeps the longest time': cacheStore({ end: (seconds, now, held = 0) => Math.max(held, now + seconds) }),
  'shortens keys at their end': cacheStore({ key: (key) => key.slice(0, 62) }),
  'shortens keys at their start': cacheStore({ key: (key) => key.slice(-63) }),
  'shortens keys to 64 characters': cacheStore({ key: (key) => key.slice(0, 64) }),
  'has an answer about every token': (now) => {
    const store = cacheStore()(now)
    return { ...store, get: async (key) => (await store.get(key)) ?? { active: false } }
  },
}

const jwkSetStore =
  (flaw: Flaw<JwkSetSeed> & { answer?: (seed: JwkSetSeed | undefined) => unknown; within?: 'never' } = {}) =>
  (now: Now): JwkSetStore => {
    const entries = entriesWith(flaw, now)
    return {
      get: async (uri, wanted) => {
        if (flaw.within === 'never' && wanted !== undefined && entries.get(uri) === undefined)
          throw new Error('not stored')
        const seed = entries.get(uri)
        return (flaw.answer ? flaw.answer(seed) : seed) as JwkSetSeed | undefined
      },
      set: async (uri, seed, seconds = 60) => entries.set(uri, seed, seconds),
    }
  }

export const soundJwkSetStore: (now: Now) => JwkSetStore = jwkSetStore()

/** Stores of key sets with one flaw each. */
export const FLAWED_JWK_SET_STORES: Readonly<Record<string, (now: Now) => JwkSetStore>> = {
  'keeps nothing': jwkSetStore({ kept: () => undefined }),
  'forgets the ETag': jwkSetStore({ kept: ({ uri, jwks, fetchedAt }) => ({ uri, jwks, fetchedAt }) }),
  'keeps the first seed': (now) => {
    const store = jwkSetStore()(now)
    return { ...store, set: async (uri, seed) => ((await store.get(uri)) ? undefined : store.set(uri, seed)) }
  },
  'keeps one seed for all': jwkSetStore({ key: () => 'one' }),
  'uses plain objects': (now) => {
    const entries = {} as Record<string, JwkSetSeed>
    void now
    return { get: async (uri) => entries[uri], set: async (uri, seed) => void (entries[uri] = seed) }
  },
  'accepts ASCII alone': jwkSetStore({ kept: (seed) => (/^[ -~]*$/.test(seed.uri) ? seed : undefined) }),
  'returns null for a missing set': jwkSetStore({ answer: (seed) => seed ?? null }),
  'has no times to give without seconds': (now) => {
    const store = jwkSetStore()(now)
    return { ...store, set: async (uri, seed, seconds) => (seconds ? store.set(uri, seed, seconds) : undefined) }
  },
  'rejects if there is no newer seed': (now) => {
    const store = jwkSetStore()(now)
    return {
      ...store,
      get: async (uri, wanted) => {
        const seed = await store.get(uri)
        if (seed && seed.fetchedAt <= (wanted?.newerThan ?? 0)) throw new Error('nothing newer')
        return seed
      },
    }
  },
  'takes fetchedAt for the end': jwkSetStore({ kept: (seed) => ({ ...seed, fetchedAt: seed.fetchedAt - 5 }) }),
  'rejects if nothing is stored': jwkSetStore({ within: 'never' }),
}
