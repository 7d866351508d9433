import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { publicJwks, startWorld, type World } from '../../../support/resilience/world.ts'

const MINUTE = 60_000
let world: World
beforeEach(async () => {
  world = await startWorld()
  await world.keys.ready()
})
afterEach(async () => world.close())

/** When attempts started on the compressed clock, except the first fetch. Within an attempt, a request is sent again if its connection breaks. */
function attemptTimes(): { readonly times: readonly number[]; readonly repetitions: number } {
  const requests = world.server
    .stats()
    .requests.slice(1)
    .map(({ at }) => at)
  const times = requests.filter((at, index) => at - (requests[index - 1] ?? -Infinity) >= 1000)
  return { times, repetitions: requests.length - times.length }
}

/** The maximum number of attempts in any 60 s. */
function mostPerMinute(): number {
  const { times } = attemptTimes()
  return Math.max(0, ...times.map((from) => times.filter((at) => at >= from && at < from + MINUTE).length))
}

describe('section D: a flood of unknown key IDs', () => {
  it('29. causes at most two fetches of a fresh set in any minute, whatever the endpoint answers', async () => {
    const verdicts = new Set<string>()
    for (let second = 0; second < 540; second += 1) {
      // It works, fails and sends garbage in turn: attempts are counted.
      if (second === 150) await world.server.behave({ kind: 'status', status: 500 })
      if (second === 270) await world.server.behave({ kind: 'reset', at: 'start' })
      if (second === 390) await world.server.behave({ kind: 'html' })
      world.clock.pass(1)
      const flood = Array.from({ length: 5 }, async (_, index) => world.ask(`unknown-${second}-${index}`, index * 40))
      for (const verdict of await Promise.all(flood)) verdicts.add(verdict)
      expect(await world.ask('a')).toBe('verified')
    }
    expect([...verdicts].toSorted()).toEqual(['401 key_not_found', '503 keys_unavailable'])
    expect(mostPerMinute()).toBeLessThanOrEqual(2)
    expect(attemptTimes().repetitions).toBe(1)
    // The limit is not kept by never fetching.
    expect(world.server.stats().requests.length).toBeGreaterThan(9)
    expect(world.server.stats().maxInFlight).toBe(1)
  })

  it('29. causes no more fetches while an aging set is refreshed in the background', async () => {
    await world.server.behave({ kind: 'ok', headers: { 'cache-control': 'max-age=3600' } })
    world.clock.pass(61)
    await world.ask('unknown')
    await world.server.behave({ kind: 'reset', at: 'start' })
    world.clock.pass(3250)
    for (let second = 0; second < 300; second += 1) {
      world.clock.pass(1)
      expect(await world.ask('a')).toBe('verified')
      expect(await world.ask(`unknown-${second}`)).toBe('503 keys_unavailable')
    }
    expect(world.keys.stats()).toMatchObject({ freshness: 'ageing' })
    expect(mostPerMinute()).toBeLessThanOrEqual(2)
    expect(attemptTimes().repetitions).toBe(1)
    expect(world.server.stats().requests.length).toBeGreaterThan(6)
  })

  it('29. with an existing key ID and wrong signatures causes no more fetches', async () => {
    for (let second = 0; second < 300; second += 1) {
      world.clock.pass(1)
      const key = await world.keys.resolve({ alg: 'ES256', kid: 'a' })
      expect(await world.keys.resolveAgain?.({ alg: 'ES256', kid: 'a' }, key)).toBeUndefined()
    }
    expect(mostPerMinute()).toBeLessThanOrEqual(2)
    expect(world.server.stats().requests.length).toBeGreaterThan(4)
  })

  it('29. neither delays nor refuses a known key while its fetch hangs', async () => {
    await world.server.behave({ kind: 'hang' })
    world.clock.pass(40)
    const unknown = Array.from({ length: 200 }, async (_, index) => world.ask(`unknown-${index}`))
    await world.server.received(2)
    for (let count = 0; count < 100; count += 1) expect(await world.ask('a')).toBe('verified')
    // The fetch is still in progress: none of these waited for it.
    expect(world.keys.stats()).toMatchObject({ attempts: 2, failures: 0 })
    expect(world.server.stats()).toMatchObject({ inFlight: 1, aborted: 0 })
    world.keys.close()
    expect(new Set(await Promise.all(unknown))).toEqual(new Set(['503 keys_unavailable']))
  })

  it('29. does not block a newly rotated key', async () => {
    let published = Infinity
    let found = Infinity
    const verdicts: string[] = []
    for (let second = 0; second < 240; second += 1) {
      if (second === 100) {
        world.server.publish(...publicJwks.slice(0, 2))
        published = second
      }
      world.clock.pass(1)
      // The attacker is always first.
      await Promise.all(Array.from({ length: 5 }, async (_, index) => world.ask(`unknown-${second}-${index}`)))
      if (second < published) continue
      // Issued exactly when its key was published.
      const verdict = await world.ask('b', second - published)
      verdicts.push(verdict)
      if (verdict === 'verified') found = Math.min(found, second)
    }
    expect(found - published).toBeLessThanOrEqual(60)
    // Once accepted, always accepted.
    expect(new Set(verdicts.slice(verdicts.indexOf('verified')))).toEqual(new Set(['verified']))
    // The token is never refused with 401, not even for one second.
    expect(verdicts[0]).toBe('503 keys_unavailable')
    expect(verdicts).not.toContain('401 key_not_found')
    expect(mostPerMinute()).toBeLessThanOrEqual(2)
  })

  it('29. accepts a key immediately that is rotated just after a cold start, and the next one a cool-down later', async () => {
    const published = publicJwks.slice(0, 1)
    const verdicts: string[] = []
    for (const [kid, seconds] of [
      ['b', 3],
      ['c', 2],
      ['c', 27],
      ['c', 1],
    ] as const) {
      if (published.every((jwk) => jwk.kid !== kid)) {
        published.push(...publicJwks.filter((jwk) => jwk.kid === kid))
        world.server.publish(...published)
      }
      world.clock.pass(seconds)
      verdicts.push(await world.ask(kid, 0))
    }
    expect(verdicts).toEqual(['verified', '503 keys_unavailable', '503 keys_unavailable', 'verified'])
    expect(world.server.stats().requests).toHaveLength(3)
    // The first fetch and two more: the maximum for its first minute.
    for (let second = 0; second < 25; second += 1) {
      world.clock.pass(1)
      await world.ask(`unknown-${second}`, 0)
    }
    expect(world.server.stats().requests).toHaveLength(3)
  })

  it('29. is answered without a fetch: 401 for tokens older than the set, 503 with Retry-After for others', async () => {
    world.clock.pass(40)
    expect(await world.ask('unknown-1')).toBe('401 key_not_found')
    world.clock.pass(25)
    expect(await world.ask('unknown-2', 90)).toBe('401 key_not_found')
    expect(await world.ask('unknown-2', 80)).toBe('503 keys_unavailable')
    expect(await world.ask('unknown-2')).toBe('503 keys_unavailable')
    await world.server.behave({ kind: 'status', status: 500 })
    world.clock.pass(40)
    expect(await world.ask('unknown-3')).toBe('503 keys_unavailable')
    const refusal = await world.keys.resolve({ alg: 'ES256', kid: 'unknown-4' }).catch((error: unknown) => error)
    expect(refusal).toMatchObject({ status: 503, retryAfter: expect.any(Number) as number })
    expect((refusal as { retryAfter: number }).retryAfter).toBeLessThanOrEqual(60)
    expect(world.server.stats().requests).toHaveLength(3)
  })
})
