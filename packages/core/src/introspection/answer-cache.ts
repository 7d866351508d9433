import {
  answeredWithin,
  bareThrough,
  type Clock,
  hexSha256,
  isObject,
  own,
  recentMap,
  sizeInMemory,
} from '../adapter.ts'
import type { IntrospectionAnswer, IntrospectionCacheOptions, IntrospectionCacheStore } from './options.ts'

/** Caches answers. Never rejects. */
export interface AnswerCache {
  get(key: string): Promise<IntrospectionAnswer | undefined>
  set(key: string, answer: IntrospectionAnswer): Promise<void>
}

interface CacheRules {
  readonly options: (IntrospectionCacheOptions & { readonly maxAge: number; readonly negativeMaxAge: number }) | false
  readonly maxEntries: number
  readonly clock: Clock
  /** Seconds to wait for a store. */
  readonly storeTimeout: number
}

/** The cache that the options describe. */
export function answerCache({ options, maxEntries, clock, storeTimeout }: CacheRules): AnswerCache {
  if (options === false) return { get: async () => undefined, set: async () => {} }
  const { maxAge, negativeMaxAge } = options
  const { store } = options
  const { get, set } = store === undefined ? memoryCache(maxEntries, clock) : guarded(store, clock, storeTimeout)
  return {
    get,
    set: async (key, answer) => {
      const exp = own(answer, 'exp')
      const left = typeof exp === 'number' ? exp - clock.now() / 1000 : 0
      const seconds = answer.active ? Math.min(maxAge, left) : negativeMaxAge
      if (seconds > 0) await set(key, answer, seconds)
    },
  }
}

/** A store that never rejects. What it does not answer in time, or in another form, counts as missing. */
function guarded(store: IntrospectionCacheStore, clock: Clock, storeTimeout: number): IntrospectionCacheStore {
  const deadline = { late: 'The cache of introspection answers', seconds: storeTimeout, clock }
  return {
    get: async (key) => {
      try {
        return checked(await answeredWithin(deadline, async () => store.get(key)))
      } catch {
        return undefined
      }
    },
    set: async (key, answer, seconds) => {
      try {
        await answeredWithin(deadline, async () => store.set(key, answer, seconds))
      } catch {
        // The next request asks the endpoint again.
      }
    },
  }
}

// Bytes in memory of all answers about active tokens.
const MOST_BYTES = 16_777_216

/** Answers in memory. Those about inactive tokens have separate room, because attackers can cause any number of them. */
export function memoryCache(maxEntries: number, clock: Clock): IntrospectionCacheStore {
  const active = recentMap<string, Entry>(maxEntries, MOST_BYTES)
  const inactive = recentMap<string, Entry>(maxEntries)
  return {
    get: async (key) => {
      const entry = active.get(key) ?? inactive.get(key)
      return entry !== undefined && clock.monotonic() < entry.until ? entry.answer : undefined
    },
    set: async (key, answer, seconds) => {
      const [to, from] = answer.active ? [active, inactive] : [inactive, active]
      from.delete(key)
      const entry = { answer: answer.active ? answer : INACTIVE, until: clock.monotonic() + seconds * 1000 }
      if (answer.active) to.set(key, entry, sizeInMemory(answer))
      else to.set(key, entry)
    },
  }
}

interface Entry {
  readonly answer: IntrospectionAnswer
  /** Monotonic milliseconds. */
  readonly until: number
}

const INACTIVE: IntrospectionAnswer = Object.freeze({ active: false })

// A store is outside of this process, so its values are copied, and the copies checked. Anything else counts as missing.
function checked(answer: unknown): IntrospectionAnswer | undefined {
  if (!isObject(answer)) return undefined
  const copy: unknown = JSON.parse(JSON.stringify(answer))
  if (!isObject(copy) || !Object.hasOwn(copy, 'active')) return undefined
  return typeof (copy as IntrospectionAnswer).active === 'boolean'
    ? bareThrough(copy as IntrospectionAnswer)
    : undefined
}

/** The key of a token in a cache. Contains what an answer depends on, so that verifiers can share a store. */
export async function cacheKey(parts: readonly (string | null)[]): Promise<string> {
  return hexSha256(JSON.stringify(parts))
}
