import { describe, expect, it } from 'vitest'

import { AuthError } from '../../../../packages/core/src/errors/auth-error.ts'
import type { VerifierEvent } from '../../../../packages/core/src/model/events.ts'
import { publicJwk } from '../../../support/core/test-jwks.ts'
import {
  createMemoryJwkSetStore,
  type JwkSetSeed,
  type JwkSetStore,
  type RemoteKeySetOptions,
} from '../../../../packages/core/src/keys/remote/options.ts'
import { fakeEndpoint, json, refused, slow, status, type Answer } from '../../../support/core/fake-endpoint.ts'
import { manualClock, settle } from '../../../support/core/manual-clock.ts'
import { remoteKeySet } from '../../../../packages/core/src/keys/remote/key-set.ts'

const URI = 'https://issuer.example/keys'
const [a, b] = await Promise.all(['a', 'b'].map(async (kid) => publicJwk({ kid })))
const encryption = { ...a, kid: 'e', use: 'enc' }

function setUp(answer: Answer, options: RemoteKeySetOptions = {}) {
  const clock = manualClock()
  const endpoint = fakeEndpoint(clock, answer)
  const events: VerifierEvent[] = []
  const onEvent = (event: VerifierEvent): void => void events.push(event)
  const keys = remoteKeySet(URI, { fetch: endpoint.fetch, clock, random: () => 1, onEvent, ...options })
  const ask = async (kid: string): Promise<string> =>
    keys.resolve({ alg: 'ES256', kid }).then(
      () => 'verified',
      (error: unknown) => (error instanceof AuthError ? `${error.code}: ${error.hint}` : String(error)),
    )
  const all = () => events.splice(0)
  const taken = () => all().filter(({ type }) => type !== 'fetch.ended')
  return { clock, endpoint, keys, ask, taken, all, count: () => endpoint.requests.length }
}

describe('events of a key set', () => {
  it('contain the duration of a fetch', async () => {
    const { keys, clock, endpoint, taken } = setUp(refused)
    endpoint.answer = slow(clock, 2, json({ keys: [a] }))
    const ready = keys.ready()
    await clock.pass(2)
    await ready
    expect(taken()).toEqual([{ type: 'keys.refreshed', uri: URI, keys: 1, skipped: 0, duration: 2000 }])
  })

  it('name skipped members once, as long as the set is the same', async () => {
    const { keys, clock, endpoint, ask, taken } = setUp(json({ keys: [a, encryption] }, { etag: '"1"' }))
    const detail = '"use" of the key with kid "e"'
    const skipped = { type: 'key.skipped', uri: URI, reason: 'wrong_use', detail }
    const refreshed = { type: 'keys.refreshed', uri: URI, keys: 1, skipped: 1, duration: 0 }
    await keys.ready()
    expect(taken()).toEqual([skipped, refreshed])
    for (const answer of [status(304), json({ keys: [a, encryption] })]) {
      endpoint.answer = answer
      await clock.pass(700)
      expect(await ask('a')).toBe('verified')
      expect(taken()).toEqual([refreshed])
      expect(keys.stats().generation).toBe(1)
    }
    endpoint.answer = json({ keys: [a, encryption, b] })
    await clock.pass(700)
    expect(await ask('b')).toBe('verified')
    expect(taken()).toEqual([skipped, { ...refreshed, keys: 2 }])
    expect(keys.stats().generation).toBe(2)
  })

  it('distinguish an outage with cached keys from one without', async () => {
    const { keys, clock, endpoint, ask, taken } = setUp(status(500))
    await ask('a')
    expect(taken()).toEqual([{ type: 'keys.unavailable', uri: URI, reason: 'status', retryAfter: 1 }])
    endpoint.answer = json({ keys: [a] })
    await clock.pass(1)
    await keys.ready()
    taken()
    endpoint.answer = status(404)
    await clock.pass(100)
    await ask('b')
    expect(taken()).toEqual([{ type: 'keys.stale', uri: URI, age: 100, reason: 'status', retryAfter: 1 }])
    await clock.pass(4099)
    await ask('a')
    expect(taken()).toEqual([{ type: 'keys.stale', uri: URI, age: 4199, reason: 'status', retryAfter: 2 }])
    await clock.pass(2)
    await ask('a')
    expect(taken()).toEqual([{ type: 'keys.unavailable', uri: URI, reason: 'status', retryAfter: 58 }])
  })

  it('contain the reason for a malformed set', async () => {
    for (const [answer, reason] of [
      [json('<html>'), 'malformed'],
      [json({ keys: [] }), 'no_usable_key'],
      [json({ keys: Array.from({ length: 65 }, () => a) }), 'too_large'],
      [status(302), 'redirect'],
    ] as const) {
      const { ask, taken } = setUp(answer)
      await ask('a')
      expect(taken()).toEqual([{ type: 'keys.unavailable', uri: URI, reason, retryAfter: 1 }])
    }
  })

  it('count two attempts of a cold start in the first minute, and name the last', async () => {
    const { ask, taken, keys, count } = setUp(refused)
    await ask('a')
    expect(taken()).toEqual([{ type: 'keys.unavailable', uri: URI, reason: 'network', retryAfter: 1 }])
    expect([count(), keys.stats().attempts, keys.stats().failures]).toEqual([2, 2, 1])
  })
})

describe('an event of each request', () => {
  const ended = { type: 'fetch.ended', uri: URI, method: 'GET', duration: 0 }

  it('has its duration and its status', async () => {
    const { keys, clock, endpoint, all } = setUp(refused)
    endpoint.answer = slow(clock, 2, json({ keys: [a] }, { etag: '"1"' }))
    const ready = keys.ready()
    await clock.pass(2)
    await ready
    expect(all()[0]).toEqual({ ...ended, duration: 2000, status: 200 })
    endpoint.answer = status(304)
    await clock.pass(700)
    await keys.ready()
    expect(all()[0]).toEqual({ ...ended, status: 304 })
  })

  it('has no member that is on Object.prototype', async () => {
    const { keys, all } = setUp(json({ keys: [a] }))
    // oxlint-disable-next-line no-extend-native -- removed below
    Object.defineProperty(Object.prototype, 'reason', { value: 'network', configurable: true })
    try {
      await keys.ready()
    } finally {
      Reflect.deleteProperty(Object.prototype, 'reason')
    }
    expect(all()[0]).toEqual({ ...ended, status: 200 })
  })

  it.each<[string, Answer, object[]]>([
    ['a refused connection, tried twice', refused, [{ reason: 'network' }, { reason: 'network' }]],
    ['a status', status(500), [{ status: 500, reason: 'status' }]],
    ['a redirect', status(302), [{ status: 302, reason: 'redirect' }]],
    ['a body over the limit', json('x'.repeat(600_000)), [{ reason: 'too_large' }]],
    // The request succeeded; the set did not.
    ['a set without keys', json({ keys: [] }), [{ status: 200 }]],
  ])('has the reason of %s', async (_, answer, expected) => {
    const { ask, all } = setUp(answer)
    await ask('a')
    const events = all().filter(({ type }) => type === 'fetch.ended')
    expect(events).toEqual(expected.map((outcome) => ({ ...ended, ...outcome })))
  })
})

describe('a store', () => {
  function counting(seed?: JwkSetSeed) {
    const asked: object[] = []
    const kept: JwkSetSeed[] = []
    const keptFor: unknown[] = []
    const store: JwkSetStore = {
      get: async (uri, wanted) => {
        asked.push({ uri, ...wanted })
        return seed
      },
      set: async (_uri, given, seconds) => {
        kept.push(given)
        keptFor.push(seconds)
      },
    }
    return { asked, kept, keptFor, store }
  }

  it('is read before each fetch, also of a set that is fresh, and learns what is of use and for how long', async () => {
    const { asked, keptFor, store } = counting()
    const { ask, clock, keys } = setUp(json({ keys: [a] }), { store })
    const start = clock.now()
    await keys.ready()
    expect(asked).toEqual([{ uri: URI, seconds: 1 }])
    await clock.pass(100)
    await ask('b')
    await clock.pass(550)
    await ask('a')
    await settle()
    expect(keys.stats().attempts).toBe(3)
    expect(asked.slice(1)).toEqual([
      { uri: URI, seconds: 1, newerThan: start },
      { uri: URI, seconds: 1, newerThan: start + 100_000 },
    ])
    await ask('a')
    expect(asked).toHaveLength(3)
    expect(keptFor).toEqual([4200, 4200, 4200])
  })

  it('may contain what another worker fetched since, also while the own set is fresh: a new key costs no fetch', async () => {
    const newer = { uri: URI, jwks: { keys: [a ?? {}, b ?? {}] as JwkSetSeed['jwks']['keys'] }, fetchedAt: 0 }
    const { store } = counting(newer)
    const { ask, clock, count } = setUp(json({ keys: [a] }), { store })
    expect(await ask('a')).toBe('verified')
    await clock.pass(100)
    newer.fetchedAt = clock.now() - 1000
    expect([await ask('b'), count()]).toEqual(['verified', 1])
  })

  it('receives every fetched set, and no set that was read from it', async () => {
    const first = counting()
    const world = setUp(json({ keys: [a] }, { etag: '"1"', 'cache-control': 'max-age=100' }), { store: first.store })
    await world.keys.ready()
    const jwks = { keys: [{ ...a, use: 'sig' }] }
    const seed = { uri: URI, jwks, fetchedAt: world.clock.now(), etag: '"1"', maxAge: 100 }
    expect(first.kept).toEqual([seed])
    const second = counting(seed)
    const other = setUp(refused, { store: second.store })
    expect(await other.ask('a')).toBe('verified')
    expect([other.count(), second.kept]).toEqual([0, []])
  })

  it('may be slow, or read without a soft wait, and is awaited for at least a tenth of a second', async () => {
    for (const [softWait, within] of [
      [0, 0.1],
      [0.5, 0.5],
    ] as const) {
      const store = { get: async () => new Promise<undefined>(() => undefined), set: async () => undefined }
      const { ask, clock, count } = setUp(json({ keys: [a] }), { store, softWait })
      const answer = ask('a')
      await clock.pass(within - 0.01)
      expect(count()).toBe(0)
      await clock.pass(0.02)
      expect(await answer).toBe('verified')
      expect(clock.timers()).toBe(0)
    }
  })

  it('prevents a fetch of a request if the set was closed meanwhile', async () => {
    let answerStore: () => void = () => undefined
    const store: JwkSetStore = {
      get: async () =>
        new Promise((resolve) => {
          answerStore = () => resolve(undefined)
        }),
      set: async () => undefined,
    }
    const { ask, keys, count, taken } = setUp(json({ keys: [a] }), { store })
    const answer = ask('a')
    await settle()
    keys.close()
    answerStore()
    expect(await answer).toBe(`keys_unavailable: Fetching the keys of ${URI} failed (network): The fetch failed`)
    expect([count(), taken()]).toEqual([0, []])
  })

  it('passes its work to waitUntil', async () => {
    const given: Promise<unknown>[] = []
    const { keys } = setUp(json({ keys: [a] }), {
      store: createMemoryJwkSetStore(),
      waitUntil: (work) => void given.push(work),
    })
    await keys.ready()
    expect(given).toHaveLength(2)
    await Promise.all(given)
  })
})

describe('a failed signature', () => {
  it('resolves another key of that name once, and reports if there is none', async () => {
    const { keys, clock, endpoint, count } = setUp(json({ keys: [a] }))
    const header = { alg: 'ES256', kid: 'a' }
    const failed = await keys.resolve(header)
    await clock.pass(60)
    expect(await keys.resolveAgain?.(header, failed)).toBeUndefined()
    expect(count()).toBe(2)
    expect(await keys.resolveAgain?.({ alg: 'ES256' }, failed)).toBeUndefined()
    expect(await keys.resolveAgain?.(header, failed)).toBeUndefined()
    expect(count()).toBe(2)
    endpoint.answer = json({ keys: [{ ...b, kid: 'a' }] })
    await clock.pass(60)
    const found = await keys.resolveAgain?.(header, failed)
    expect(found).toBeInstanceOf(CryptoKey)
    expect(count()).toBe(3)
    // Known by now, without another fetch.
    expect(await keys.resolveAgain?.(header, failed)).toBe(found)
    expect(count()).toBe(3)
    endpoint.answer = json({ keys: [b] })
    await clock.pass(60)
    expect(await keys.resolveAgain?.(header, found ?? failed)).toBeUndefined()
  })
})

describe('a key set with a function of its options that throws', () => {
  it('fails the fetch, and fetches again', async () => {
    let isBroken = true
    const random = (): number => {
      if (isBroken) throw new Error('no random numbers')
      return 1
    }
    const { keys, ask, clock } = setUp(json({ keys: [a] }), { random })
    // Vitest fails on unhandled rejections.
    await expect(keys.ready()).rejects.toMatchObject({ code: 'keys_unavailable' })
    isBroken = false
    await clock.pass(60)
    expect(await ask('a')).toBe('verified')
  })

  it.each([
    ['a promise that rejects', () => Promise.reject(new Error('no random numbers'))],
    ['nothing', () => undefined],
    ['a negative number', () => -1],
    ['a number beyond 1', () => 1e9],
  ])('waits as long as it may after a failure if random returns %s', async (_, random) => {
    const { ask, clock, count } = setUp(() => new Response('', { status: 500 }), { random: random as never })
    // Vitest fails on unhandled rejections.
    for (const seconds of [0, 0.999, 0.001]) {
      await clock.pass(seconds)
      expect(await ask('a')).toMatch('keys_unavailable')
    }
    expect(count()).toBe(2)
  })
})
