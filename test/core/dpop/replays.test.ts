import { createMemoryReplayStore, type ReplayStore } from '@claimgate/core/dpop'
import { createTestClock } from '@claimgate/testing'
import { describe, expect, it } from 'vitest'
import { boundToken, createDpopApi, createDpopClient, lineOf } from '../../support/dpop/client.ts'
import { NOW } from '../../support/core/refusal.ts'

const client = await createDpopClient()
const token = await boundToken(client.jkt)
const storeThat = (insertIfAbsent: unknown): ReplayStore => ({ insertIfAbsent }) as ReplayStore
const NOTHING: unknown = undefined
const USED = '401 invalid_dpop_proof'

describe('41. A proof is accepted once', () => {
  it('of 100 copies at once', async () => {
    const api = createDpopApi()
    const proof = await client.proof(token)
    const answers = await Promise.all(Array.from({ length: 100 }, async () => lineOf(await api.send(token, proof))))
    expect(answers.filter((answer) => answer === '200')).toHaveLength(1)
    expect(answers.filter((answer) => answer === USED)).toHaveLength(99)
  })

  it('of 100 copies at several processes that share a store', async () => {
    const clock = createTestClock({ wall: NOW * 1000 })
    const shared = createMemoryReplayStore({ clock })
    // Answers like a server: later, and in another order.
    const replay = storeThat(async (key: string, seconds: number) => {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 5))
      return shared.insertIfAbsent(key, seconds)
    })
    const apis = [createDpopApi({ replay }), createDpopApi({ replay }), createDpopApi({ replay })]
    const proof = await client.proof(token)
    const answers = await Promise.all(
      Array.from({ length: 100 }, async (_, at) => lineOf((await apis[at % 3]?.send(token, proof)) as never)),
    )
    expect(answers.filter((answer) => answer === '200')).toHaveLength(1)
  })

  it('by a store that begins its work in the `then` of its answer', async () => {
    const shared = createMemoryReplayStore()
    const replay = storeThat((key: string, seconds: number) => ({
      // oxlint-disable-next-line unicorn/no-thenable -- the kind of answer that is tested
      then: (resolve: (isNew: boolean) => void, reject: (error: unknown) => void) =>
        void shared.insertIfAbsent(key, seconds).then(resolve, reject),
    }))
    const api = createDpopApi({ replay })
    const proof = await client.proof(token)
    expect([lineOf(await api.send(token, proof)), lineOf(await api.send(token, proof))]).toEqual(['200', USED])
  })

  it('until its window has ended, and then it is too old', async () => {
    const api = createDpopApi()
    const proof = await client.proof(token, { claims: { iat: NOW + 5 } })
    expect(lineOf(await api.send(token, proof))).toBe('200')
    const again = await api.send(token, proof)
    expect(again).toMatchObject({ error: { expected: '"a proof that was not used before"' } })
    for (const seconds of [1, 60, 9, 1, 1]) {
      api.clock.advance(seconds * 1000)
      expect(lineOf(await api.send(token, proof))).toBe(USED)
    }
  })

  it('also if it is spelled in another way, because jti and key count', async () => {
    const api = createDpopApi()
    const claims = { jti: 'same' }
    expect(lineOf(await api.send(token, await client.proof(token, { claims })))).toBe('200')
    expect(lineOf(await api.send(token, await client.proof(token, { claims: { ...claims, more: 1 } })))).toBe(USED)
    const other = await createDpopClient()
    const bound = await boundToken(other.jkt)
    expect(lineOf(await api.send(bound, await other.proof(bound, { claims })))).toBe('200')
  })

  it('and a proof that is refused for another reason is not used up', async () => {
    const api = createDpopApi()
    const proof = await client.proof(token)
    expect(lineOf(await api.send(token, proof, { method: 'PUT' }))).toBe(USED)
    expect(lineOf(await api.send(token, proof))).toBe('200')
  })

  it('but any number of times with "checked-elsewhere"', async () => {
    const api = createDpopApi({ replay: 'checked-elsewhere' })
    const proof = await client.proof(token)
    expect(lineOf(await api.send(token, proof))).toBe('200')
    expect(lineOf(await api.send(token, proof))).toBe('200')
  })

  it('the store gets the key and how long to keep it, never 0', async () => {
    const asked: [string, number][] = []
    const replay = storeThat(async (...call: [string, number]) => asked.push(call) > 0)
    for (const iat of [NOW + 5, NOW, NOW - 65]) {
      const api = createDpopApi({ replay })
      await api.send(token, await client.proof(token, { claims: { iat, jti: '\u0000 ünïcode' } }))
    }
    expect(asked.map(([, seconds]) => seconds)).toEqual([76, 71, 6])
    expect(new Set(asked.map(([key]) => key)).size).toBe(1)
    expect(asked[0]?.[0]).toMatch(new RegExp(`^${client.jkt}\\.[\\w-]{43}$`))
  })
})

describe('41. A replay store that cannot decide lets no request through', () => {
  it.each<[string, (...given: never) => unknown]>([
    ['rejects', async () => Promise.reject(new Error('redis://user:password@host is down'))],
    [
      'throws',
      () => {
        throw new Error('down')
      },
    ],
    [
      'throws undefined',
      () => {
        throw NOTHING as Error
      },
    ],
    ['answers nothing', async () => undefined],
    ['answers with a number', async () => 1],
    ['answers with text', async () => 'OK'],
    ['answers at once, without a promise', () => true],
  ])('with 503 if it %s', async (_, insertIfAbsent) => {
    const outcome = await createDpopApi({ replay: storeThat(insertIfAbsent) }).send(token, await client.proof(token))
    expect(outcome).toMatchObject({ kind: 'refused', error: { code: 'check_unavailable' }, response: { status: 503 } })
    expect(outcome).toMatchObject({
      error: { actual: '"the replay store of DPoP"', cause: expect.any(Error) as Error },
    })
    expect(JSON.stringify(outcome)).not.toContain('password')
    if (outcome.kind === 'refused') {
      expect(outcome.response.headers).toMatchObject({ 'retry-after': '1' })
      expect(outcome.error.message).not.toContain('password')
    }
  })

  it('with 503 if it does not answer in time', async () => {
    const api = createDpopApi({ replay: storeThat(async () => new Promise(() => {})), timeout: 2 })
    const answer = api.send(token, await client.proof(token))
    for (let turn = 0; turn < 200 && api.clock.pending() === 0; turn += 1)
      await new Promise((resolve) => setTimeout(resolve, 5))
    await api.clock.advanceAsync(2000)
    expect(lineOf(await answer)).toBe('503')
    expect(await answer).toMatchObject({
      error: { cause: { message: 'The replay store has not answered within 2 s' } },
    })
  })

  it('and the log says what a store must answer', async () => {
    const outcome = await createDpopApi({ replay: storeThat(async () => 'OK') }).send(token, await client.proof(token))
    const message = '"insertIfAbsent" of a replay store must answer with true or false'
    expect(outcome).toMatchObject({ error: { cause: new TypeError(message) } })
  })
})

describe('41. The replay store in memory', () => {
  const key = (sender: number, jti: number): string => `${`client-${sender}`.padEnd(43, '_')}.${jti}`

  it('has room for 1 % from one client key, and other keys are not affected', async () => {
    const store = createMemoryReplayStore({ maxEntries: 1000, clock: createTestClock() })
    for (let jti = 0; jti < 10; jti += 1) expect(await store.insertIfAbsent(key(1, jti), 60)).toBe(true)
    await expect(store.insertIfAbsent(key(1, 10), 60)).rejects.toThrow(/the client key has 10 already, its share/)
    expect(await store.insertIfAbsent(key(1, 5), 60)).toBe(false)
    expect(await store.insertIfAbsent(key(2, 10), 60)).toBe(true)
  })

  it('so one client gets 503, and another 200', async () => {
    const clock = createTestClock({ wall: NOW * 1000 })
    const api = createDpopApi({ replay: createMemoryReplayStore({ maxEntries: 100, clock }) })
    expect(lineOf(await api.send(token, await client.proof(token)))).toBe('200')
    expect(lineOf(await api.send(token, await client.proof(token)))).toBe('503')
    const other = await createDpopClient()
    const bound = await boundToken(other.jkt)
    expect(lineOf(await api.send(bound, await other.proof(bound)))).toBe('200')
  })

  it('rejects if it is full, removes nothing, and has room again later', async () => {
    const clock = createTestClock()
    const store = createMemoryReplayStore({ maxEntries: 100, clock })
    for (let each = 0; each < 100; each += 1) await store.insertIfAbsent(key(each, 1), 60)
    await expect(store.insertIfAbsent(key(100, 1), 60)).rejects.toThrow(/the store holds 100/)
    for (let each = 0; each < 100; each += 1) expect(await store.insertIfAbsent(key(each, 1), 60)).toBe(false)
    clock.advance(61_000)
    for (let each = 0; each < 100; each += 1) expect(await store.insertIfAbsent(key(each, 1), 60)).toBe(true)
  })

  it('keeps each key for its seconds, whatever happens to the wall clock', async () => {
    const clock = createTestClock()
    const store = createMemoryReplayStore({ clock })
    await store.insertIfAbsent(key(1, 1), 1)
    await store.insertIfAbsent(key(1, 2), 10)
    clock.stepWall(3_600_000)
    expect(await store.insertIfAbsent(key(1, 1), 1)).toBe(false)
    clock.advance(9999)
    expect(await store.insertIfAbsent(key(1, 2), 10)).toBe(false)
    expect(await store.insertIfAbsent(key(1, 1), 10)).toBe(true)
    clock.advance(1001)
    expect(await store.insertIfAbsent(key(1, 2), 10)).toBe(true)
  })

  it('ends each key exactly at its end, and one that is inserted again lives anew', async () => {
    const clock = createTestClock()
    const store = createMemoryReplayStore({ clock })
    await store.insertIfAbsent(key(1, 1), 1)
    clock.advance(999)
    expect(await store.insertIfAbsent(key(1, 1), 100)).toBe(false)
    clock.advance(1)
    expect(await store.insertIfAbsent(key(1, 1), 100)).toBe(true)
    clock.advance(1000)
    expect(await store.insertIfAbsent(key(1, 1), 100)).toBe(false)
  })

  it('gives a client room again for each of its keys that has ended', async () => {
    const clock = createTestClock()
    const store = createMemoryReplayStore({ maxEntries: 300, clock })
    for (const jti of [1, 2, 3]) await store.insertIfAbsent(key(1, jti), jti * 10)
    for (const jti of [4, 5, 6]) {
      await expect(store.insertIfAbsent(key(1, jti), 100)).rejects.toThrow(/has 3 already/)
      clock.advance(10_000)
      expect(await store.insertIfAbsent(key(1, jti), 100)).toBe(true)
    }
    await expect(store.insertIfAbsent(key(1, 7), 100)).rejects.toThrow(/has 3 already/)
  })

  it.each([99, 10_000_001, 1.5, '100'])('cannot have %j entries', (maxEntries) => {
    expect(() => createMemoryReplayStore({ maxEntries: maxEntries as number })).toThrow(/"maxEntries" must be/)
  })
})
