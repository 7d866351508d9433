import { createVerifier, type FetchLike } from '@claimgate/core'
import { remoteKeySet } from '@claimgate/core/extend'
import { undiciFetch } from '@claimgate/core/node'
import { createTestClock, startTestIssuer } from '@claimgate/testing'
import { describe, expect, it } from 'vitest'

import { verdict } from '../../../support/resilience/verdict.ts'
import { publicJwks, quick, startWorld } from '../../../support/resilience/world.ts'

const CROWD = 10_000

describe('section D: many requests, one fetch', () => {
  it.each(['promise', 'poll'] as const)(
    '30. 10,000 requests on a cold start cause one fetch, shared by %s',
    async (sharing) => {
      const world = await startWorld({ sharing })
      await world.server.behave({ kind: 'ok', delay: 50 })
      const crowd = Array.from({ length: CROWD }, async () => world.ask('a'))
      expect(new Set(await Promise.all(crowd))).toEqual(new Set(['verified']))
      expect(world.server.stats()).toMatchObject({ connections: 1, maxInFlight: 1 })
      expect(world.server.stats().requests).toHaveLength(1)
      await world.close()
    },
  )

  it('30. so do thousands of tokens with a verifier that first discovers the URL of its keys', async () => {
    const { issuer, server, close } = await startTestIssuer({ audience: 'api' })
    const verifier = createVerifier({ issuer: issuer.issuer, audience: 'api' })
    const token = await issuer.issue({ sub: 'someone' })
    const crowd = Array.from({ length: 3000 }, async () => verdict(verifier.verify(token)))
    expect(new Set(await Promise.all(crowd))).toEqual(new Set(['verified']))
    expect(server.stats().requests.map(({ path }) => path)).toEqual([
      '/.well-known/openid-configuration',
      '/.well-known/jwks.json',
    ])
    verifier.close()
    await close()
  })

  it('30. 10,000 requests on a cold start with the endpoint down cause two immediate attempts, and no more', async () => {
    const world = await startWorld({ sharing: 'promise' })
    await world.server.behave({ kind: 'reset', at: 'start' })
    const crowd = Array.from({ length: CROWD }, async () => world.ask('a'))
    expect(new Set(await Promise.all(crowd))).toEqual(new Set(['503 keys_unavailable']))
    expect(world.keys.stats()).toMatchObject({ attempts: 2, failures: 1 })
    expect(world.server.stats().maxInFlight).toBe(1)
    await world.close()
  })

  it('30. a refusal or the end of one request does not affect the others', async () => {
    const world = await startWorld()
    const signals: AbortSignal[] = []
    const transport = undiciFetch()
    const fetch: FetchLike = async (url, init) => {
      signals.push(init.signal)
      return transport(url, init)
    }
    const keys = remoteKeySet(world.server.url, { fetch, clock: world.clock })
    await world.server.behave({ kind: 'ok', delay: 100 })
    const gone = new AbortController()
    // A framework stops waiting when its client disconnects: the request that started the fetch is gone.
    const first = Promise.race([
      keys.resolve({ alg: 'ES256', kid: 'a' }),
      new Promise((_resolve, reject) => gone.signal.addEventListener('abort', () => reject(new Error('gone')))),
    ])
    const wrong = verdict(keys.resolve({ alg: 'ES256', kid: 'b' }, { issuedBefore: 0 }))
    const unfit = verdict(keys.resolve({ alg: 'RS256', kid: 'a' }))
    const others = Array.from({ length: 50 }, async () => verdict(keys.resolve({ alg: 'ES256', kid: 'a' })))
    await world.server.received(1)
    gone.abort()
    await expect(first).rejects.toThrow('gone')
    expect(signals.map(({ aborted }) => aborted)).toEqual([false])
    expect([await wrong, await unfit]).toEqual(['401 key_not_found', '401 algorithm_key_mismatch'])
    expect(new Set(await Promise.all(others))).toEqual(new Set(['verified']))
    expect(signals).toHaveLength(1)
    expect(world.server.stats()).toMatchObject({ aborted: 0 })
    await world.close()
  })
})

describe('section D: workers', () => {
  /** Two requests wait for one fetch of a key set; the fetch is answered while the clock stands still. */
  async function twoRequests(sharing: 'promise' | 'poll') {
    const clock = createTestClock()
    let give: ((response: Response) => void) | undefined
    const fetch: FetchLike = async () => new Promise((resolve) => (give = resolve))
    const keys = remoteKeySet('https://issuer.example/keys', { clock, fetch, sharing })
    const settled: string[] = []
    const request = async (name: string): Promise<void> => {
      await keys.resolve({ alg: 'ES256', kid: 'a' })
      settled.push(name)
    }
    void request('first')
    void request('second')
    await clock.advanceAsync(0)
    give?.(Response.json({ keys: publicJwks }))
    for (let turn = 0; turn < 20; turn += 1) await clock.advanceAsync(0)
    return { settled, clock }
  }

  it("30. no request awaits another request's promise: it polls for the result with its own timer", async () => {
    const { settled, clock } = await twoRequests('poll')
    expect(settled).toEqual(['first'])
    await clock.advanceAsync(20)
    expect(settled).toEqual(['first', 'second'])
  })

  it('30. if promises may be awaited the second needs no timer: the test above can fail', async () => {
    expect((await twoRequests('promise')).settled).toEqual(['first', 'second'])
  })

  it('30. background work is passed to waitUntil, which sees its end and never a rejection', async () => {
    const work: Promise<unknown>[] = []
    const world = await startWorld({ ...quick, sharing: 'poll', waitUntil: (promise) => void work.push(promise) })
    expect(await world.ask('a')).toBe('verified')
    expect(work).toHaveLength(1)
    await world.server.behave({ kind: 'ok', delay: 60 })
    world.clock.pass(560)
    expect(await world.ask('a')).toBe('verified')
    expect(work).toHaveLength(2)
    await world.server.received(2)
    expect(world.server.stats().inFlight).toBe(1)
    await Promise.all(work)
    expect(world.server.stats().inFlight).toBe(0)
    expect(world.keys.stats()).toMatchObject({ freshness: 'fresh', attempts: 2 })
    await world.server.behave({ kind: 'reset', at: 'body' })
    world.clock.pass(560)
    expect(await world.ask('a')).toBe('verified')
    expect(work).toHaveLength(3)
    await expect(Promise.all(work)).resolves.toHaveLength(3)
    expect(world.keys.stats()).toMatchObject({ failures: 1 })
    await world.close()
  })
})
