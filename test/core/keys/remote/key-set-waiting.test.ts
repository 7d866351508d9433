import { describe, expect, it } from 'vitest'

import { AuthError } from '../../../../packages/core/src/errors/auth-error.ts'
import { remoteKeySet } from '../../../../packages/core/src/keys/remote/key-set.ts'
import type { JwkSetSeed, RemoteKeySetOptions } from '../../../../packages/core/src/keys/remote/options.ts'
import { fakeEndpoint, hanging, json, slow, status, type Answer } from '../../../support/core/fake-endpoint.ts'
import { manualClock, settle } from '../../../support/core/manual-clock.ts'
import { publicJwk } from '../../../support/core/test-jwks.ts'

const URI = 'https://issuer.example/keys'
const [a, b, c] = await Promise.all(['a', 'b', 'c'].map(async (kid) => publicJwk({ kid })))
const header = (kid: string) => Object.freeze({ alg: 'ES256', kid })
const failed = (reason: string, message: string): string =>
  `503 keys_unavailable: Fetching the keys of ${URI} failed (${reason}): ${message}`
const TOO_LATE = failed('timeout', 'No keys within 5 s')

function setUp(answer: Answer, options: RemoteKeySetOptions = {}) {
  const clock = manualClock()
  const endpoint = fakeEndpoint(clock, answer)
  const keys = remoteKeySet(URI, { fetch: endpoint.fetch, clock, random: () => 0, ...options })
  const ask = async (kid: string): Promise<string> =>
    keys.resolve(header(kid)).then(
      () => 'verified',
      (error: unknown) => (error instanceof AuthError ? `${error.status} ${error.code}: ${error.hint}` : String(error)),
    )
  /** Asks, and collects the answers as they come. */
  const outcomesOf = (...kids: readonly string[]): readonly string[] => {
    const outcomes: string[] = []
    for (const kid of kids) void ask(kid).then((outcome) => outcomes.push(outcome))
    return outcomes
  }
  /** Begins a fetch whose timers never fire, as if its request had ended. */
  const lose = async (begin: () => Promise<unknown>): Promise<void> => {
    const { setTimeout } = clock
    clock.setTimeout = () => () => undefined
    void begin().catch(() => undefined)
    await settle()
    clock.setTimeout = setTimeout
  }
  return { clock, endpoint, keys, ask, outcomesOf, lose, count: () => endpoint.requests.length }
}

/** A fetched set after this many seconds. */
async function setUpAged(seconds: number, answer: (world: ReturnType<typeof setUp>) => Answer) {
  const world = setUp(json({ keys: [a] }))
  await world.keys.ready()
  await world.clock.pass(seconds)
  world.endpoint.answer = answer(world)
  return world
}

describe('the deadline of a request', () => {
  it.each(['promise', 'poll'] as const)('covers all fetches that it waits for by %s', async (sharing) => {
    const { clock, endpoint, outcomesOf, count } = setUp(hanging, { sharing })
    endpoint.answer = slow(clock, 3, json({ keys: [a] }))
    const first = outcomesOf('a')
    await clock.pass(1)
    // The first fetch began too early for these tokens, so one begins another, and both wait for it.
    const later = outcomesOf('b', 'b')
    endpoint.answer = (request, init) => (count() === 1 ? json({ keys: [a] })(request, init) : hanging(request, init))
    await clock.pass(5)
    expect([first, later, count()]).toEqual([['verified'], [], 2])
    await clock.pass(0.05)
    expect(later).toEqual([TOO_LATE, TOO_LATE])
  })

  it('does not restart with the takeover of a fetch if requests share promises', async () => {
    const { clock, keys, outcomesOf, lose, count } = setUp(hanging, { sharing: 'promise' })
    await lose(async () => keys.ready())
    await clock.pass(2)
    const outcomes = outcomesOf('a')
    await clock.pass(5)
    expect([outcomes, count()]).toEqual([[], 2])
    await clock.pass(0.05)
    expect(outcomes).toEqual([TOO_LATE])
  })

  it('is not that of ready, which takes over a lost fetch', async () => {
    const { clock, endpoint, keys, lose, count } = setUp(hanging, { sharing: 'poll' })
    await lose(async () => keys.ready())
    endpoint.answer = json({ keys: [a] })
    let isReady = false
    void keys.ready().then(() => {
      isReady = true
    })
    await clock.pass(5.9)
    expect([isReady, count()]).toEqual([false, 1])
    await clock.pass(0.2)
    expect([isReady, count()]).toEqual([true, 2])
  })
})

describe('a request that waits', () => {
  it('reads at most four seeds that lack its key, and reports the last', async () => {
    let reads = 0
    const store = {
      get: async (): Promise<JwkSetSeed | undefined> => {
        reads += 1
        const fetchedAt = clock.now() - 1000 + reads
        return reads > 9 ? undefined : { uri: URI, jwks: { keys: [c ?? {}] as JwkSetSeed['jwks']['keys'] }, fetchedAt }
      },
      set: async () => undefined,
    }
    const { clock, ask, count } = setUp(json({ keys: [a] }), { store })
    const why = 'No fetch may begin yet, and the token may be newer than the keys known'
    expect(await ask('a')).toBe(failed('rate_limited', `${why} (in a set of 1 fetched 1 s ago: "c")`))
    expect([reads, count()]).toEqual([4, 0])
  })

  it('causes one request to an endpoint that fails, with a usable set or without', async () => {
    const cold = setUp(status(500))
    expect(await cold.ask('a')).toBe(failed('status', 'The status was 500, not 200'))
    expect(cold.count()).toBe(1)
    const stale = await setUpAged(700, () => status(500))
    expect(await stale.ask('a')).toBe('verified')
    expect(stale.count()).toBe(2)
  })

  it('causes another one if the set has expired in its soft wait', async () => {
    const { clock, outcomesOf, count } = await setUpAged(
      4199.8,
      (world) => (request, init) =>
        world.count() === 2 ? slow(world.clock, 0.5, status(500))(request, init) : json({ keys: [a] })(request, init),
    )
    const outcomes = outcomesOf('a')
    await clock.pass(0.5)
    expect([outcomes, count()]).toEqual([['verified'], 3])
  })

  it('causes another one if the fetch in progress began before its token arrived, and brought no such key', async () => {
    const { clock, outcomesOf, count } = await setUpAged(
      700,
      (world) => (request, init) =>
        world.count() === 2
          ? slow(world.clock, 0.5, json({ keys: [b] }))(request, init)
          : json({ keys: [a] })(request, init),
    )
    const first = outcomesOf('a')
    await clock.pass(0.1)
    const second = outcomesOf('a')
    await clock.pass(0.4)
    expect(first).toEqual(['401 key_not_found: No key with kid "a" in a set of 1 fetched 1 s ago: "b"'])
    expect([second, count()]).toEqual([['verified'], 3])
  })

  it('causes no other for a set that is too old as it arrives', async () => {
    const { clock, endpoint, outcomesOf, count } = setUp(hanging, { freshFor: 1, staleFor: 0 })
    endpoint.answer = slow(clock, 2, json({ keys: [a] }))
    const outcomes = outcomesOf('a')
    await clock.pass(6)
    expect(outcomes).toEqual([failed('rate_limited', 'No fetch may begin yet, so soon after the last')])
    expect(count()).toBe(1)
  })

  it('causes no other for a set from a cache, which cannot tell whether its key exists', async () => {
    const { ask, count } = setUp(json({ keys: [a] }, { age: '300' }))
    const why = 'No fetch may begin yet, and the token may be newer than the keys known'
    expect(await ask('b')).toBe(failed('rate_limited', `${why} (in a set of 1 fetched 0 s ago: "a")`))
    expect(count()).toBe(1)
  })

  it('causes no other for a key that has arrived, however old the set', async () => {
    const { clock, endpoint, outcomesOf, count } = setUp(hanging, { freshFor: 1 })
    endpoint.answer = slow(clock, 0.9, json({ keys: [a] }))
    const first = outcomesOf('a')
    await settle()
    const second = outcomesOf('a')
    await clock.pass(0.9)
    expect([first, second, count()]).toEqual([['verified'], ['verified'], 1])
  })
})

describe('a key that is known at once', () => {
  it('is one imported for that header, until an early refresh may begin', async () => {
    const { keys, clock } = setUp(json({ keys: [a] }))
    const known = header('a')
    expect(keys.current?.(known)).toBeUndefined()
    const key = await keys.resolve(known)
    await clock.pass(479.999)
    expect([keys.current?.(known), keys.current?.(header('a'))]).toEqual([key, undefined])
    await clock.pass(0.001)
    expect(keys.stats().freshness).toBe('ageing')
    expect(keys.current?.(known)).toBeUndefined()
  })
})

describe('after a failed signature', () => {
  it('a replacement that is known causes no fetch, even when one may begin', async () => {
    const { keys, clock, endpoint, count } = setUp(json({ keys: [a] }))
    const old = await keys.resolve(header('a'))
    endpoint.answer = json({ keys: [{ ...b, kid: 'a' }] })
    await clock.pass(60)
    const found = await keys.resolveAgain?.(header('a'), old)
    await clock.pass(60)
    expect(await keys.resolveAgain?.(header('a'), old)).toBe(found)
    expect([found === undefined, count()]).toEqual([false, 2])
  })

  it('there is no replacement in a set that has expired', async () => {
    const { keys, clock, endpoint, count } = setUp(json({ keys: [a] }))
    const old = await keys.resolve(header('a'))
    endpoint.answer = status(500)
    await clock.pass(4201)
    expect(await keys.resolveAgain?.(header('a'), old)).toBeUndefined()
    expect(count()).toBe(2)
  })

  it('the fetch in progress is enough, even if it began before the token arrived', async () => {
    const earlier = setUp(json({ keys: [a] }))
    await earlier.keys.ready()
    const seed = earlier.keys.export()
    const { keys, clock, endpoint, ask, count } = setUp(hanging, {
      seed: { uri: URI, jwks: { keys: [] }, ...seed, fetchedAt: manualClock().now() - 550_000 },
    })
    endpoint.answer = slow(clock, 1, json({ keys: [{ ...b, kid: 'a' }] }))
    const old = await keys.resolve(header('a'))
    expect(await ask('a')).toBe('verified')
    const again = keys.resolveAgain?.(header('a'), old)
    await clock.pass(1)
    const found = await again
    expect([found === undefined, found === old, count()]).toEqual([false, false, 1])
  })
})
