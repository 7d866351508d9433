import { describe, expect, it } from 'vitest'

import { AuthError } from '../../../../packages/core/src/errors/auth-error.ts'
import type { VerifierEvent } from '../../../../packages/core/src/model/events.ts'
import { fakeEndpoint, hanging, json, refused, slow, status, type Answer } from '../../../support/core/fake-endpoint.ts'
import {
  createMemoryJwkSetStore,
  type JwkSetSeed,
  type RemoteKeySetOptions,
} from '../../../../packages/core/src/keys/remote/options.ts'
import type { KeyContext } from '../../../../packages/core/src/keys/key-source.ts'
import { manualClock, settle, type ManualClock } from '../../../support/core/manual-clock.ts'
import { remoteKeySet } from '../../../../packages/core/src/keys/remote/key-set.ts'
import { publicJwk } from '../../../support/core/test-jwks.ts'

const URI = 'https://issuer.example/keys'
const [a, b, c] = await Promise.all(['a', 'b', 'c'].map(async (kid) => publicJwk({ kid })))
const header = (kid?: string) => ({ alg: 'ES256', ...(kid !== undefined && { kid }) })

function setUp(answer: Answer, options: RemoteKeySetOptions = {}) {
  const clock = manualClock()
  const endpoint = fakeEndpoint(clock, answer)
  const events: VerifierEvent[] = []
  const keys = remoteKeySet(URI, {
    fetch: endpoint.fetch,
    clock,
    random: () => 0.5,
    onEvent: (event) => void events.push(event),
    ...options,
  })
  const ask = async (kid?: string, token: KeyContext = {}): Promise<string> =>
    keys.resolve(header(kid), token).then(
      () => 'verified',
      (error: unknown) => (error instanceof AuthError ? `${error.status} ${error.code}` : String(error)),
    )
  /** A token issued this many seconds ago, as a verifier describes it to a key source. */
  const issued = (seconds: number): KeyContext => ({ issuedBefore: clock.now() / 1000 - seconds + 60 })
  return { clock, endpoint, events, keys, ask, issued, count: () => endpoint.requests.length }
}

/** A fetched set after this many seconds. */
async function setUpAged(seconds: number, answer: Answer, options: RemoteKeySetOptions = {}) {
  const world = setUp(json({ keys: [a] }), options)
  await world.keys.ready()
  await world.clock.pass(seconds)
  world.endpoint.answer = answer
  return world
}

describe('a fresh set', () => {
  it('answers for a known kid without a fetch', async () => {
    const { ask, count } = await setUpAged(400, refused)
    expect(await ask('a')).toBe('verified')
    expect(count()).toBe(1)
  })

  it('answers for a known kid after 80 % of its fresh period immediately, with one fetch in the background', async () => {
    const { ask, count, clock, keys } = await setUpAged(520, hanging)
    expect(await Promise.all([ask('a'), ask('a'), ask('a')])).toEqual(['verified', 'verified', 'verified'])
    expect(count()).toBe(2)
    await clock.pass(5)
    expect(keys.stats()).toMatchObject({ failures: 1, freshness: 'ageing' })
  })

  it('is refreshed in the background after 80 to 90 % of its fresh period', async () => {
    for (const [random, seconds, fetches] of [
      [0, 479, 1],
      [0, 481, 2],
      [0.999, 539, 1],
      [0.999, 541, 2],
    ] as const) {
      const { ask, count } = await setUpAged(seconds, json({ keys: [a] }), { random: () => random })
      await ask('a')
      expect([random, seconds, count()]).toEqual([random, seconds, fetches])
    }
  })

  it('shares one fetch among requests with an unknown kid, and verifies with its result', async () => {
    const { ask, count } = await setUpAged(100, json({ keys: [a, b] }))
    expect(await Promise.all([ask('c'), ask('b'), ask('b')])).toEqual(['401 key_not_found', 'verified', 'verified'])
    expect(count()).toBe(2)
  })

  it('answers 503 for an unknown kid when the fetch fails, and keeps the old keys', async () => {
    for (const answer of [refused, status(500), json('<html>'), json({ keys: [] }), json('{"keys":[')]) {
      const { ask, keys } = await setUpAged(100, answer)
      expect(await ask('b')).toBe('503 keys_unavailable')
      expect(await ask('a')).toBe('verified')
      expect(keys.stats().keys).toBe(1)
    }
  })

  it('answers 503 for an unknown kid when the fetch exceeds its deadline', async () => {
    const { ask, clock } = await setUpAged(100, hanging)
    const answer = ask('b')
    expect(await ask('a')).toBe('verified')
    await clock.pass(5)
    expect(await answer).toBe('503 keys_unavailable')
  })

  it('tries again for an unknown kid after the cool-down, not before', async () => {
    const { ask, clock, count, endpoint } = await setUpAged(100, status(500))
    await ask('b')
    endpoint.answer = json({ keys: [a, b] })
    await clock.pass(29)
    expect(await ask('b')).toBe('503 keys_unavailable')
    expect(count()).toBe(2)
    await clock.pass(1)
    expect(await ask('b')).toBe('verified')
    expect(count()).toBe(3)
  })

  it('tries again after a longer Retry-After, of at most five minutes', async () => {
    for (const [seconds, allowed] of [
      [120, 120],
      [4000, 300],
    ] as const) {
      const { ask, clock, count } = await setUpAged(100, status(429, { 'retry-after': `${seconds}` }))
      await ask('b')
      await clock.pass(allowed - 1)
      await ask('b')
      expect(count()).toBe(2)
      await clock.pass(1)
      await ask('b')
      expect(count()).toBe(3)
    }
  })

  it('answers 401 for an unknown kid that it was just fetched for, whenever the token was issued', async () => {
    const { ask, issued, count } = await setUpAged(100, json({ keys: [a] }))
    expect(await ask('b', issued(0))).toBe('401 key_not_found')
    expect(count()).toBe(2)
  })

  it('denies keys of tokens issued a minute or more before it was requested, if it may not be fetched', async () => {
    const { ask, issued, clock, count } = await setUpAged(100, json({ keys: [a] }))
    await ask('b')
    await clock.pass(10)
    expect(await ask('c', issued(71))).toBe('401 key_not_found')
    expect(await ask('c', issued(3000))).toBe('401 key_not_found')
    expect(count()).toBe(2)
  })

  it('answers 503 with Retry-After for an unknown kid of a younger token, and of one without iat', async () => {
    for (const answer of [json({ keys: [a] }), status(500)]) {
      const { ask, issued, clock, keys, count } = await setUpAged(100, answer)
      await ask('b')
      await clock.pass(10)
      for (const token of [issued(69), issued(0), issued(-60), {}, { issuedBefore: Number.NaN }]) {
        const error = await keys.resolve(header('c'), token).catch((reason: unknown) => reason)
        expect(error).toMatchObject({ status: 503, code: 'keys_unavailable', retryAfter: 20 })
      }
      expect(count()).toBe(2)
    }
  })

  it('fetches again if the shared fetch had started before the token arrived', async () => {
    const { ask, issued, clock, count, endpoint } = setUp(refused)
    endpoint.answer = slow(clock, 1, json({ keys: [a] }))
    const first = ask('a')
    await settle()
    const [early, late] = [ask('b', issued(100)), ask('b', issued(0))]
    endpoint.answer = json({ keys: [a, b] })
    await clock.pass(1)
    expect([await first, await early, await late]).toEqual(['verified', '401 key_not_found', 'verified'])
    expect(count()).toBe(2)
  })

  it('subtracts the time that the answer spent in caches', async () => {
    const { ask, issued, clock, count } = await setUpAged(100, json({ keys: [a] }, { age: '200' }))
    expect(await ask('b', issued(0))).toBe('503 keys_unavailable')
    await clock.pass(10)
    expect(await ask('b', issued(269))).toBe('503 keys_unavailable')
    expect(await ask('b', issued(271))).toBe('401 key_not_found')
    expect(count()).toBe(2)
  })

  it('finds a key rotated just after a cold start immediately, and the next one a cool-down later', async () => {
    const { ask, issued, clock, count, endpoint, keys } = setUp(json({ keys: [a] }))
    await keys.ready()
    await clock.pass(2)
    endpoint.answer = json({ keys: [a, b] })
    expect(await ask('b', issued(0))).toBe('verified')
    endpoint.answer = json({ keys: [a, b, c] })
    expect(await ask('c', issued(0))).toBe('503 keys_unavailable')
    await clock.pass(29)
    expect(await ask('c', issued(29))).toBe('503 keys_unavailable')
    await clock.pass(1)
    expect(await ask('c', issued(30))).toBe('verified')
    expect(count()).toBe(3)
  })

  it('never fetches for a token without kid, or with a kid whose key does not fit', async () => {
    const { ask, keys, count } = await setUpAged(100, refused)
    expect(await ask()).toBe('verified')
    await expect(keys.resolve({ alg: 'RS256', kid: 'a' })).rejects.toMatchObject({ code: 'algorithm_key_mismatch' })
    await expect(keys.resolve({ alg: 'RS256' })).rejects.toMatchObject({ code: 'key_not_found' })
    expect(count()).toBe(1)
  })
})

describe('a stale set', () => {
  it('is refreshed for a known kid, which is verified with the new set', async () => {
    const { ask, keys } = await setUpAged(700, json({ keys: [b] }))
    expect(await ask('a')).toBe('401 key_not_found')
    expect(await ask('b')).toBe('verified')
    expect(keys.stats().generation).toBe(2)
  })

  it('answers for a known kid immediately when the fetch fails, and does not wait during back-off', async () => {
    const { ask, count, events } = await setUpAged(700, refused)
    expect(await ask('a')).toBe('verified')
    expect(await ask('a')).toBe('verified')
    expect(count()).toBe(2)
    expect(events.at(-1)).toMatchObject({ type: 'keys.stale', reason: 'network', age: 700, retryAfter: 1 })
  })

  it('answers for a known kid after the soft wait when the fetch is slow', async () => {
    const { ask, clock, count } = await setUpAged(700, hanging)
    const answer = ask('a')
    let settled = false
    void answer.then(() => (settled = true))
    await clock.pass(0.9)
    expect(settled).toBe(false)
    await clock.pass(0.1)
    expect(await answer).toBe('verified')
    // The soft wait belongs to the fetch, not to each request.
    expect(await ask('a')).toBe('verified')
    expect(count()).toBe(2)
  })

  it('uses the new set of a slow fetch that no request waited for', async () => {
    const { ask, clock, keys, endpoint } = await setUpAged(700, refused)
    endpoint.answer = slow(clock, 3, json({ keys: [a, b] }))
    const answer = ask('a')
    await clock.pass(1)
    expect(await answer).toBe('verified')
    await clock.pass(2)
    expect(keys.stats()).toMatchObject({ freshness: 'fresh', keys: 2 })
  })

  it('answers 503 for an unknown kid while fetches fail, and keeps trying', async () => {
    const { ask, issued, clock, endpoint } = await setUpAged(700, refused)
    expect(await ask('b')).toBe('503 keys_unavailable')
    expect(await ask('b')).toBe('503 keys_unavailable')
    expect(await ask('b', issued(3000))).toBe('503 keys_unavailable')
    endpoint.answer = json({ keys: [a, b] })
    await clock.pass(1)
    expect(await ask('b')).toBe('verified')
  })

  it('is used for the stale period and no longer', async () => {
    const { ask, clock, events } = await setUpAged(4199, refused)
    expect(await ask('a')).toBe('verified')
    await clock.pass(1)
    expect(await ask('a')).toBe('503 keys_unavailable')
    expect(events.map(({ type }) => type)).toContain('keys.stale')
  })

  it('that expires during the soft wait is replaced by the fetch in progress', async () => {
    const { ask, clock, endpoint } = await setUpAged(4199.5, refused)
    endpoint.answer = slow(clock, 2, json({ keys: [a] }))
    const answer = ask('a')
    await clock.pass(2)
    expect(await answer).toBe('verified')
  })

  it('whose successor lacks the key reports that only if the token is older than the successor', async () => {
    const { ask, issued, clock, endpoint } = await setUpAged(700, refused)
    // A cache has answered with an older set than the current one.
    endpoint.answer = json({ keys: [b] }, { age: '3000' })
    expect(await ask('a', issued(0))).toBe('503 keys_unavailable')
    await clock.pass(60)
    expect(await ask('a', issued(5000))).toBe('401 key_not_found')
  })

  it('is not used if the stale period is 0', async () => {
    const { ask } = await setUpAged(601, refused, { staleFor: 0 })
    expect(await ask('a')).toBe('503 keys_unavailable')
  })
})

describe('an expired set', () => {
  it('is replaced by a fetch that requests wait for', async () => {
    const { ask, count } = await setUpAged(4201, json({ keys: [b] }))
    expect(await Promise.all([ask('b'), ask('a')])).toEqual(['verified', '401 key_not_found'])
    expect(count()).toBe(2)
  })

  it('answers 503 immediately during back-off, for known and unknown kids', async () => {
    const { ask, count, events } = await setUpAged(4201, refused)
    expect(await ask('a')).toBe('503 keys_unavailable')
    expect(await ask('a')).toBe('503 keys_unavailable')
    expect(await ask('b')).toBe('503 keys_unavailable')
    expect(count()).toBe(2)
    expect(events.at(-1)).toMatchObject({ type: 'keys.unavailable', reason: 'network' })
  })
})

describe('a cold start', () => {
  it('shares one fetch among a thousand requests', async () => {
    const { ask, count, clock, endpoint } = setUp(refused)
    endpoint.answer = slow(clock, 2, json({ keys: [a, b] }))
    const answers = Array.from({ length: 1000 }, async (_, index) => ask(index % 2 ? 'a' : 'b'))
    await clock.pass(2)
    expect(new Set(await Promise.all(answers))).toEqual(new Set(['verified']))
    expect(count()).toBe(1)
  })

  it('retries once immediately after a network error, and then verifies', async () => {
    const { ask, count, endpoint } = setUp(refused)
    endpoint.answer = (request, init) => {
      endpoint.answer = json({ keys: [a] })
      return refused(request, init)
    }
    expect(await ask('a')).toBe('verified')
    expect(count()).toBe(2)
  })

  it('does not retry immediately after an answer that is not a key set, nor after the first outage', async () => {
    const garbage = setUp(status(500))
    expect(await garbage.ask('a')).toBe('503 keys_unavailable')
    expect(garbage.count()).toBe(1)
    const down = setUp(refused)
    await down.ask('a')
    await down.clock.pass(30)
    await down.ask('a')
    expect(down.count()).toBe(3)
  })

  it('fails immediately during back-off, with Retry-After and the cause', async () => {
    const { ask, keys, count } = setUp(status(503, { 'retry-after': '40' }))
    await ask('a')
    const error = await keys.resolve(header('a')).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ status: 503, retryAfter: 40, cause: { name: 'FetchError', reason: 'status' } })
    expect(count()).toBe(1)
  })

  it('answers 401 for a kid that the first set does not have', async () => {
    const { ask } = setUp(json({ keys: [a, b] }))
    expect(await ask('c')).toBe('401 key_not_found')
  })

  it('lists the available keys in the error', async () => {
    const { keys } = setUp(json({ keys: [a, b] }))
    await expect(keys.resolve(header('c'))).rejects.toMatchObject({
      hint: 'No key with kid "c" in a set of 2 fetched 0 s ago: "a", "b"',
    })
  })

  it('is avoided by ready, which fails with 503 if it cannot fetch', async () => {
    await expect(setUp(refused).keys.ready()).rejects.toMatchObject({ code: 'keys_unavailable', status: 503 })
    const { keys, ask, count } = setUp(json({ keys: [a] }))
    await keys.ready()
    await ask('a')
    expect(count()).toBe(1)
  })
})

describe('limits on fetches', () => {
  const perWindow = (times: readonly number[], seconds: number): number =>
    Math.max(...times.map((start) => times.filter((at) => at >= start && at < start + seconds).length))

  it('fetches at most twice in any 60 s for a fresh set with unknown kids and forged signatures, and three times after a cold start', async () => {
    for (const failing of [false, true]) {
      const { keys, ask, clock, endpoint } = setUp(json({ keys: [a] }))
      await keys.ready()
      if (failing) endpoint.answer = status(500)
      const key = await keys.resolve(header('a'))
      for (let second = 0; second < 590; second += 1) {
        expect(await ask('a')).toBe('verified')
        await Promise.all([
          ask(`hostile-${second}`),
          ask(`hostile-${second}-too`),
          keys.resolveAgain?.(header('a'), key),
        ])
        await clock.pass(1)
      }
      const times = endpoint.requests.map(({ at }) => at)
      expect(perWindow(times, 60)).toBe(3)
      expect(perWindow(times.slice(1), 60)).toBe(2)
      expect(times.length).toBeGreaterThan(8)
      expect(endpoint.mostAtOnce()).toBe(1)
    }
  })

  it.each([0, 0.5, 0.999])(
    'fetches at most 7 times in the first minute of an outage and twice a minute after (jitter %d)',
    async (random) => {
      for (const start of ['cold', 'expired']) {
        const world =
          start === 'cold'
            ? setUp(refused, { random: () => random })
            : await setUpAged(4201, refused, { random: () => random })
        const before = world.count()
        for (let tick = 0; tick < 4 * 600; tick += 1) {
          await world.ask('a')
          await world.clock.pass(0.25)
        }
        const times = world.endpoint.requests.slice(before).map(({ at }) => at)
        const [first = 0] = times
        expect(times.filter((at) => at < first + 60).length).toBeLessThanOrEqual(7)
        expect(
          perWindow(
            times.filter((at) => at >= first + 60),
            60,
          ),
        ).toBeLessThanOrEqual(2)
        expect(times.length).toBeGreaterThan(10)
      }
    },
  )

  it('never fetches more than 10 times a minute, however often the endpoint changes its state', async () => {
    const { ask, clock, endpoint } = setUp(refused, { freshFor: 1, staleFor: 0, random: () => 0 })
    let turn = 0
    endpoint.answer = (request, init) => ((turn += 1) % 2 ? json({ keys: [a] })(request, init) : refused(request, init))
    for (let tick = 0; tick < 600; tick += 1) {
      await ask(`kid-${tick}`)
      await clock.pass(0.5)
    }
    expect(
      perWindow(
        endpoint.requests.map(({ at }) => at),
        60,
      ),
    ).toBeLessThanOrEqual(10)
  })

  it('accepts a newly rotated key at the next attempt, whatever kids an attacker sends', async () => {
    const { keys, ask, clock, endpoint } = setUp(json({ keys: [a] }))
    await keys.ready()
    await clock.pass(100)
    await ask('hostile')
    endpoint.answer = json({ keys: [a, b] })
    for (let second = 0; second < 30; second += 1) {
      await ask(`hostile-${second}`)
      await clock.pass(1)
    }
    await ask('hostile-again')
    expect(await ask('b')).toBe('verified')
  })

  it('has no cost while idle', async () => {
    const { clock, count } = await setUpAged(100_000, refused)
    expect(count()).toBe(1)
    expect(clock.timers()).toBe(0)
  })
})

describe('rotation', () => {
  it('replaces the set and never merges: a key that has left is refused', async () => {
    const { ask, issued } = await setUpAged(100, json({ keys: [b] }))
    expect(await ask('b')).toBe('verified')
    expect(await ask('a', issued(61))).toBe('401 key_not_found')
    expect(await ask('a', issued(0))).toBe('503 keys_unavailable')
  })

  it('finds new material under a known kid after a failed signature, once per cool-down', async () => {
    const renewed = await publicJwk({ kid: 'a' })
    const { keys, endpoint, count } = await setUpAged(100, json({ keys: [renewed] }))
    const old = await keys.resolve(header('a'))
    const [first, second] = await Promise.all([
      keys.resolveAgain?.(header('a'), old),
      keys.resolveAgain?.(header('a'), old),
    ])
    expect(first).toBeInstanceOf(CryptoKey)
    expect(second).toBe(first)
    endpoint.answer = json({ keys: [a] })
    expect(await keys.resolveAgain?.(header('a'), await keys.resolve(header('a')))).toBeUndefined()
    expect(count()).toBe(2)
  })

  it('returns nothing, without a fetch, for a failed signature of a token without kid', async () => {
    const { keys, count } = await setUpAged(100, json({ keys: [b] }))
    expect(await keys.resolveAgain?.(header(), await keys.resolve(header()))).toBeUndefined()
    expect(count()).toBe(1)
  })

  it('increments its generation when the set changes, and not when it is confirmed', async () => {
    const { ask, keys, clock, endpoint } = await setUpAged(700, json({ keys: [a] }))
    await ask('a')
    expect(keys.stats().generation).toBe(1)
    endpoint.answer = json({ keys: [a, b] })
    await clock.pass(700)
    await ask('a')
    expect(keys.stats().generation).toBe(2)
  })
})

describe('cache headers of the server', () => {
  it.each([
    ['max-age=1200', 1100, 'ageing'],
    ['max-age=1', 45, 'fresh'],
    ['max-age=1', 61, 'stale'],
    ['max-age=99999999', 86_000, 'ageing'],
    ['max-age=99999999', 86_401, 'stale'],
    ['public, max-age="900"', 800, 'ageing'],
    ['no-store, max-age=1200', 601, 'stale'],
    ['s-maxage=1200', 601, 'stale'],
  ])('with %j the set is, after %d s, %s', async (control, seconds, freshness) => {
    const { keys, clock } = setUp(json({ keys: [a] }, { 'cache-control': control }))
    await keys.ready()
    await clock.pass(seconds)
    expect(keys.stats().freshness).toBe(freshness)
  })

  it('counts the time that an answer already spent in a cache', async () => {
    const { keys, clock } = setUp(json({ keys: [a] }, { 'cache-control': 'max-age=1200', age: '600' }))
    await keys.ready()
    await clock.pass(601)
    expect(keys.stats().freshness).toBe('stale')
  })

  it('sends the received ETag, and accepts 304 as a confirmation', async () => {
    const { ask, keys, clock, endpoint, events } = setUp(json({ keys: [a] }, { etag: '"1"' }))
    await keys.ready()
    endpoint.answer = status(304)
    await clock.pass(700)
    expect(await ask('a')).toBe('verified')
    expect(endpoint.requests.at(-1)?.headers['if-none-match']).toBe('"1"')
    expect(keys.stats()).toMatchObject({ freshness: 'fresh', generation: 1 })
    expect(events.at(-1)).toMatchObject({ type: 'keys.refreshed', keys: 1 })
  })

  it('treats 304 as a failure if it sent no ETag', async () => {
    expect(await setUp(status(304)).ask('a')).toBe('503 keys_unavailable')
  })
})

describe('a stepped wall clock', () => {
  it.each([86_400, -86_400])('by %d s does not affect when keys are fetched', async (step) => {
    const { ask, clock, count } = await setUpAged(100, json({ keys: [a] }))
    clock.stepWall(step)
    await ask('a')
    expect(count()).toBe(1)
    await clock.pass(600)
    await ask('a')
    expect(count()).toBe(2)
  })
})

describe('requests that start and end', () => {
  it('share a fetch that continues when any of them ends', async () => {
    const { keys, clock, endpoint } = setUp(refused)
    endpoint.answer = slow(clock, 3, json({ keys: [a] }))
    const forgotten = keys.resolve(header('a'))
    const kept = keys.resolve(header('a'))
    await clock.pass(3)
    expect(await kept).toBeInstanceOf(CryptoKey)
    await forgotten
  })

  it('poll for the fetch of another request if they may not await its promise', async () => {
    const { ask, clock, endpoint, count } = setUp(refused, { sharing: 'poll' })
    endpoint.answer = slow(clock, 2, json({ keys: [a] }))
    const answers = [ask('a'), ask('a'), ask('a')]
    await clock.pass(2.1)
    expect(await Promise.all(answers)).toEqual(['verified', 'verified', 'verified'])
    expect(count()).toBe(1)
  })

  it('poll for its result with their own timers, and never await a promise of another request', async () => {
    let finish: (response: Response) => void = () => undefined
    const pending: Answer = async () =>
      new Promise((resolve) => {
        finish = resolve
      })
    const { keys, clock } = setUp(pending, { sharing: 'poll' })
    const order: string[] = []
    const carrier = keys.resolve(header('a')).then(() => order.push('carrier'))
    await settle()
    const joined = keys.resolve(header('a')).then(() => order.push('joined'))
    await settle()
    finish(new Response(JSON.stringify({ keys: [a] })))
    await carrier
    await settle()
    expect(order).toEqual(['carrier'])
    await clock.pass(0.02)
    await joined
    expect(order).toEqual(['carrier', 'joined'])
  })

  it('take over a fetch whose request ended with all its timers', async () => {
    const { keys, clock, endpoint, ask, count } = setUp(refused, { sharing: 'poll' })
    const { setTimeout } = clock
    clock.setTimeout = () => () => undefined
    endpoint.answer = async () => new Promise(() => undefined)
    void keys.resolve(header('a')).catch(() => undefined)
    await settle()
    clock.setTimeout = setTimeout
    endpoint.answer = json({ keys: [a] })
    const early = ask('a')
    await clock.pass(2)
    const late = ask('a')
    await clock.pass(5)
    // The fetch is known to be lost only after its deadline, so both wait past it.
    expect([await early, await late]).toEqual(['verified', 'verified'])
    expect(count()).toBe(2)
  })

  it('keep the limits of an outage even if every fetch ends with its request', async () => {
    const { clock, keys, count } = setUp(hanging, { sharing: 'poll' })
    const { setTimeout } = clock
    const counts: number[] = []
    for (let second = 0; second < 180; second += 1) {
      clock.setTimeout = () => () => undefined
      void keys.resolve(header('a')).catch(() => undefined)
      await settle()
      clock.setTimeout = setTimeout
      await clock.pass(1)
      if (second % 60 === 59) counts.push(count())
    }
    const [first = 0, second = 0, third = 0] = counts
    expect(first).toBeLessThanOrEqual(7)
    expect([second - first, third - second].every((fetches) => fetches <= 2)).toBe(true)
    expect(third).toBeGreaterThan(first)
  })

  it('pass background work to waitUntil, and ignore its errors', async () => {
    const promises: Promise<unknown>[] = []
    const { keys } = setUp(json({ keys: [a] }), { waitUntil: (promise) => void promises.push(promise) })
    await keys.ready()
    expect(promises).toHaveLength(1)
    const throwing = setUp(json({ keys: [a] }), {
      waitUntil: () => {
        throw new Error('no request')
      },
    })
    expect(await throwing.ask('a')).toBe('verified')
    // An unhandled rejection would make this run fail, as it would end a program.
    const waitUntil = (() => Promise.reject(new Error('no request'))) as () => void
    const rejecting = setUp(json({ keys: [a] }), { waitUntil })
    expect(await rejecting.ask('a')).toBe('verified')
  })
})

describe('the deadline', () => {
  const waitOf = async (clock: ManualClock, answer: Promise<unknown>): Promise<number> => {
    const start = clock.monotonic()
    let end = Infinity
    void answer.then(() => (end = clock.monotonic()))
    await clock.pass(20)
    return (end - start) / 1000
  }

  it('is shared by a fetch that a request shares, and the next one that it needs', async () => {
    const { ask, issued, clock, endpoint } = setUp(refused)
    endpoint.answer = slow(clock, 4, json({ keys: [a] }))
    const first = ask('a')
    await settle()
    expect(await waitOf(clock, ask('b', issued(0)))).toBe(5.02)
    expect(await first).toBe('verified')
  })

  it('is shared by the store and the endpoint', async () => {
    for (const [softWait, timeout] of [
      [1, 5],
      [30, 5],
      [1, 0.4],
    ] as const) {
      const store = { get: async () => new Promise<undefined>(() => undefined), set: async () => undefined }
      const { ask, clock, count } = setUp(hanging, { store, softWait, timeout })
      expect(await waitOf(clock, ask('a'))).toBe(timeout)
      expect(count()).toBe(1)
    }
  })

  it('is shared by the key and its replacement after a failed signature', async () => {
    const { keys, clock, endpoint } = setUp(refused)
    const token = { issuedBefore: Infinity }
    endpoint.answer = slow(clock, 4, json({ keys: [a] }, { age: '1' }))
    const answer = keys.resolve(header('a'), token).then(async (key) => {
      endpoint.answer = hanging
      return keys.resolveAgain?.(header('a'), key, token)
    })
    expect(await waitOf(clock, answer)).toBe(5.02)
    expect(endpoint.requests).toHaveLength(2)
  })

  it('no fetch confirms a failed signature if the set was requested after the token had arrived', async () => {
    const { keys, count } = setUp(json({ keys: [a] }))
    const token = {}
    const key = await keys.resolve(header('a'), token)
    expect(await keys.resolveAgain?.(header('a'), key, token)).toBeUndefined()
    expect(count()).toBe(1)
    expect(await keys.resolveAgain?.(header('a'), key, {})).toBeUndefined()
    expect(count()).toBe(2)
  })
})

describe('queued fetches', () => {
  /** Key sets on one host, one fetch at a time. */
  const hostOf = (count: number, answer: (index: number) => Answer, options: RemoteKeySetOptions = {}) => {
    const clock = manualClock()
    const endpoint = fakeEndpoint(clock, async (request, init) =>
      answer(Number(new URL(request.url).pathname.slice(1)))(request, init),
    )
    const fetch = Object.assign(endpoint.fetch, { connections: 1 })
    const sets = Array.from({ length: count }, (_, index) =>
      remoteKeySet(`https://host.example/${index}`, {
        fetch,
        clock,
        random: () => 0.5,
        ...options,
      }),
    )
    const ask = async (index: number): Promise<string> =>
      sets[index]?.resolve(header('a')).then(
        () => 'verified',
        (error: unknown) =>
          error instanceof AuthError
            ? `${error.status} ${String((error.cause as { reason?: string }).reason)}`
            : String(error),
      ) ?? ''
    return { clock, endpoint, sets, ask }
  }

  it('start one after the other, with the newest and the oldest in turn', async () => {
    const world = hostOf(5, () => slow(world.clock, 1, json({ keys: [a] })))
    const answers = [0, 1, 2, 3, 4].map(world.ask)
    await world.clock.pass(5)
    expect(await Promise.all(answers)).toEqual(Array.from({ length: 5 }, () => 'verified'))
    expect(world.endpoint.requests.map(({ url, at }) => `${url.slice(-1)} at ${at - 1}`)).toEqual([
      '0 at 0',
      '4 at 1',
      '1 at 2',
      '3 at 3',
      '2 at 4',
    ])
  })

  it('have not failed when requests stop waiting, and continue', async () => {
    const world = hostOf(3, (index) => (index === 0 ? hanging : slow(world.clock, 4, json({ keys: [a] }))))
    const [first, second, third] = [0, 1, 2].map(world.ask)
    await world.clock.pass(5.1)
    expect([await first, await second, await third]).toEqual(['503 timeout', '503 timeout', '503 timeout'])
    await world.clock.pass(8)
    expect(world.sets.map((set) => set.stats()).map(({ failures, keys }) => [failures, keys])).toEqual([
      [1, 0],
      [0, 1],
      [0, 1],
    ])
    expect(world.clock.timers()).toBe(0)
  })

  it('are cancelled by close, and by nothing else', async () => {
    const world = hostOf(3, () => hanging)
    const answers = [0, 1, 2].map(world.ask)
    await settle()
    world.sets[2]?.close()
    expect(await answers[2]).toBe('503 network')
    expect(world.endpoint.requests).toHaveLength(1)
    await world.clock.pass(5)
    expect(world.endpoint.requests.map(({ url }) => url.slice(-1))).toEqual(['0', '1'])
  })

  it('count towards the limits from when they start', async () => {
    const world = hostOf(2, (index) => (index === 0 ? hanging : json({ keys: [a] })), { timeout: 30 })
    void world.ask(0)
    void world.ask(1)
    await world.clock.pass(30)
    const [, waited] = world.sets
    const unknown = { alg: 'ES256', kid: 'b' }
    await waited?.resolve(unknown).catch(() => undefined)
    await world.clock.pass(10)
    await waited?.resolve(unknown).catch(() => undefined)
    expect(world.endpoint.requests.map(({ url, at }) => [url.slice(-1), at - 1])).toEqual([
      ['0', 0],
      ['1', 30],
      ['1', 30],
    ])
    expect(waited?.stats().nextAttempt).toBe(0)
  })

  it('are not queued if requests may not wait for each other', async () => {
    const world = hostOf(3, () => json({ keys: [a] }), { sharing: 'poll' })
    expect(await Promise.all([0, 1, 2].map(world.ask))).toEqual(['verified', 'verified', 'verified'])
  })
})

describe('after close', () => {
  it('cancels the fetch in progress and starts no other, and continues with cached keys', async () => {
    const { ask, keys, count, clock, events } = await setUpAged(700, hanging)
    const answer = ask('a')
    await settle()
    const seen = events.length
    keys.close()
    expect(await answer).toBe('verified')
    expect(await ask('a')).toBe('verified')
    expect(await ask('b')).toBe('503 keys_unavailable')
    expect(count()).toBe(2)
    expect(clock.timers()).toBe(0)
    expect(events).toHaveLength(seen)
  })
})

describe('a listener that throws or rejects', () => {
  it('has no effect', async () => {
    const throwing = () => {
      throw new Error('listener')
    }
    const rejecting = (() => Promise.reject(new Error('listener'))) as () => void
    for (const onEvent of [throwing, rejecting]) {
      const { ask } = setUp(json({ keys: [a, { kty: 'oct', k: 'AA' }] }), { onEvent })
      expect(await ask('a')).toBe('verified')
    }
  })
})

describe('seeds and stores', () => {
  const fetched = async (etag = '"1"') => {
    const world = setUp(json({ keys: [a] }, { etag }))
    await world.keys.ready()
    const seed = world.keys.export()
    if (!seed) throw new Error('no seed')
    return seed
  }
  const now = manualClock().now()

  it('answer a cold start without a fetch', async () => {
    const { ask, count } = setUp(refused, { seed: await fetched() })
    expect(await ask('a')).toBe('verified')
    expect(count()).toBe(0)
  })

  it('survive JSON', async () => {
    const seed = JSON.parse(JSON.stringify(await fetched())) as JwkSetSeed
    expect(await setUp(refused, { seed }).ask('a')).toBe('verified')
  })

  it('age from the time they were fetched', async () => {
    const seed = { ...(await fetched()), fetchedAt: now - 700_000 }
    const { ask, keys, endpoint } = setUp(json({ keys: [a, b] }), { seed })
    expect(keys.stats().freshness).toBe('stale')
    expect(await ask('b')).toBe('verified')
    expect(endpoint.requests[0]?.headers['if-none-match']).toBe('"1"')
  })

  it.each([
    ['from the future', { fetchedAt: now + 60_000 }],
    ['too old', { fetchedAt: now - 4_201_000 }],
    ['without a time', { fetchedAt: Number.NaN }],
    ['of a time that is text', { fetchedAt: String(now) as never }],
  ])('are ignored if they are %s', async (_, change) => {
    const { ask, count, keys } = setUp(json({ keys: [b] }), { seed: { ...(await fetched()), ...change } })
    expect(keys.stats().freshness).toBe('cold')
    expect(await ask('a')).toBe('401 key_not_found')
    expect(count()).toBe(1)
  })

  it('of another URL, or without a key set, are configuration errors', async () => {
    const seed = await fetched()
    expect(() => remoteKeySet('https://other.example/keys', { seed })).toThrow(TypeError)
    expect(() => remoteKeySet(URI, { seed: { ...seed, jwks: {} as never } })).toThrow(TypeError)
  })

  it('are shared through a store: the second worker does not fetch', async () => {
    const store = createMemoryJwkSetStore()
    await setUp(json({ keys: [a] }), { store }).keys.ready()
    await settle()
    const { ask, count } = setUp(refused, { store })
    expect(await ask('a')).toBe('verified')
    expect(count()).toBe(0)
  })

  it('of the worker itself do not prevent a fetch, whatever happened to the wall clock', async () => {
    for (const step of [0, -100, -600, 600]) {
      const store = createMemoryJwkSetStore()
      const { ask, count, clock } = await setUpAged(100, json({ keys: [a, b] }), { store })
      clock.stepWall(step)
      await clock.pass(600)
      expect([step, await ask('a'), count()]).toEqual([step, 'verified', 2])
    }
  })

  it('contain what they can deny, and how long caches had kept them', async () => {
    const cached = setUp(json({ keys: [a] }, { age: '100' }))
    await cached.keys.ready()
    const seed = cached.keys.export()
    expect(seed).toMatchObject({ lag: 100 })
    for (const [lag, denied, undecided] of [
      [100, 161, 159],
      [undefined, 61, 59],
      ['100', 61, 59],
      [-100, 61, 59],
    ] as const) {
      const { ask, issued, endpoint } = setUp(status(500), { seed: { ...seed, lag } as JwkSetSeed })
      // During back-off: no fetch may start.
      await ask('b')
      expect(endpoint.requests).toHaveLength(1)
      expect([lag, await ask('b', issued(denied)), await ask('b', issued(undecided))]).toEqual([
        lag,
        '401 key_not_found',
        '503 keys_unavailable',
      ])
    }
  })

  it('from a store that are stale are used while the endpoint is down', async () => {
    const store = createMemoryJwkSetStore()
    await store.set(URI, { ...(await fetched()), fetchedAt: now - 700_000 })
    expect(await setUp(refused, { store }).ask('a')).toBe('verified')
  })

  it('from a store that are stale do not prevent a newer set', async () => {
    const store = createMemoryJwkSetStore()
    await store.set(URI, { ...(await fetched()), fetchedAt: now - 700_000 })
    const { ask, keys, count } = setUp(json({ keys: [a, b] }), { store })
    expect(await ask('b')).toBe('verified')
    expect(keys.stats().freshness).toBe('fresh')
    expect(count()).toBe(1)
  })

  it.each<[string, () => Promise<JwkSetSeed | undefined>]>([
    ['throws', async () => Promise.reject(new Error('store'))],
    ['holds garbage', async () => 'garbage' as never],
    ['holds null', async () => null as never],
    ['holds a number', async () => 7 as never],
    ['contains a seed of another URL', async () => ({ ...(await fetched()), uri: 'https://other.example/keys' })],
    ['contains an invalid set', async () => ({ ...(await fetched()), jwks: null as never })],
    [
      'contains a set without a usable key',
      async () => ({ ...(await fetched()), jwks: { keys: [{ kty: 'oct', k: 'AA' }] } }),
    ],
  ])('are ignored if the store %s', async (_, get) => {
    const store = { get, set: async () => Promise.reject(new Error('store')) }
    const { ask, count } = setUp(json({ keys: [a] }), { store })
    expect(await ask('a')).toBe('verified')
    expect(count()).toBe(1)
    const down = setUp(refused, { store })
    expect([await down.ask('a'), await down.ask('a')]).toEqual(['503 keys_unavailable', '503 keys_unavailable'])
  })

  it('are ignored if the store never answers', async () => {
    const store = { get: async () => new Promise<undefined>(() => undefined), set: async () => undefined }
    const { ask, clock } = setUp(json({ keys: [a] }), { store })
    const answer = ask('a')
    await clock.pass(1)
    expect(await answer).toBe('verified')
  })
})

describe('options of a remote key set', () => {
  it.each([
    'http://issuer.example/keys',
    'https://name:secret@issuer.example/keys',
    'https://issuer.example/keys#part',
    'data:application/json,{}',
    'file:///keys.json',
    'keys.json',
  ])('reject the URL %s', (uri) => {
    expect(() => remoteKeySet(uri)).toThrow(TypeError)
  })

  it('allow http to this machine unless configured otherwise, and to no other', () => {
    for (const host of ['localhost:8080', '127.0.0.1', '[::1]:1']) {
      expect(() => remoteKeySet(`http://${host}/keys`)).not.toThrow()
      expect(() => remoteKeySet(`http://${host}/keys`, { allowLoopbackHttp: false })).toThrow(TypeError)
    }
    for (const host of ['issuer.example', '10.0.0.1', 'localhost.example', '127.0.0.1.example'])
      expect(() => remoteKeySet(`http://${host}/keys`, { allowLoopbackHttp: true })).toThrow(TypeError)
  })

  it.each([
    { freshFor: 0 },
    { freshFor: 86_401 },
    { staleFor: -1 },
    { staleFor: 86_401 },
    { cooldown: 0 },
    { timeout: 31 },
    { softWait: Number.NaN },
    { fetchesPerMinute: 61 },
    { fetchesPerMinute: 1.5 },
    { maxBytes: 1_048_577 },
    { maxKeys: 1001 },
    { maxKeys: '5' as never },
    { sharing: 'other' as never },
    { fetch: 'fetch' as never },
    { allowLoopbackHttp: 'false' as never },
    { allowLoopbackHttp: null as never },
  ])('are rejected at start-up: %j', (options) => {
    expect(() => remoteKeySet(URI, options)).toThrow(/^Cannot use remote key set: /)
  })
})

describe('unknown option names', () => {
  it.each([
    ['coolDown', 'there is no option "coolDown"; did you mean "cooldown"?'],
    ['freshfor', 'there is no option "freshfor"; did you mean "freshFor"?'],
    ['prefetch', 'there is no option "prefetch"; take it out'],
  ])('are rejected at start-up: %s', (name, rule) => {
    expect(() => remoteKeySet(URI, { [name]: 5 })).toThrow(`Cannot use remote key set: ${rule}`)
  })

  it('are distinguished from all known ones', () => {
    const all: Required<Omit<RemoteKeySetOptions, 'proxy'>> = {
      freshFor: 1,
      staleFor: 0,
      cooldown: 1,
      timeout: 30,
      softWait: 0,
      fetchesPerMinute: 1,
      maxBytes: 1,
      maxKeys: 1,
      toJwks: () => ({ keys: [] }),
      ifRefused: '',
      allowLoopbackHttp: true,
      allowHttpHosts: [],
      headers: {},
      store: createMemoryJwkSetStore(),
      seed: { uri: URI, jwks: { keys: [] }, fetchedAt: 0 },
      waitUntil: () => undefined,
      sharing: 'poll',
      fetch: async () => new Response(),
      clock: manualClock(),
      random: () => 0,
      onEvent: () => undefined,
    }
    expect(() => remoteKeySet(URI, all)).not.toThrow()
    expect(() => remoteKeySet(URI, { proxy: false })).not.toThrow()
  })
})

describe('events', () => {
  it('contain the changes of a refresh and the skipped members', async () => {
    const { keys, events } = setUp(json({ keys: [a, b, { ...c, use: 'enc' }, { ...c, d: 'AA' }] }))
    await keys.ready()
    expect(events.filter(({ type }) => type !== 'fetch.ended')).toEqual([
      { type: 'key.skipped', uri: URI, reason: 'wrong_use', detail: '"use" of the key with kid "c"' },
      { type: 'key.skipped', uri: URI, reason: 'private_parts', detail: '"d" of the key with kid "c"' },
      { type: 'keys.refreshed', uri: URI, keys: 2, skipped: 2, duration: 0 },
    ])
  })
})
