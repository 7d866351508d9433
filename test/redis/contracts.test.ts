import { redisDenylist, redisIntrospectionCache, redisJwkSets, redisReplayStore } from '@claimgate/redis'
import {
  denylistStoreCases,
  introspectionCacheStoreCases,
  jwkSetStoreCases,
  replayStoreCases,
} from '@claimgate/testing'
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { adminOf, LIBRARIES, type TestClient } from '../support/redis/clients.ts'
import { INSTALLED, MISSING, type RedisServer, startRedis } from '../support/redis/server.ts'

const given = process.env['CLAIMGATE_TEST_REDIS_URL']
const places = [
  ...INSTALLED.map((place) => ({ place, url: undefined })),
  ...(given === undefined ? [] : [{ place: 'the server in CLAIMGATE_TEST_REDIS_URL', url: given }]),
]

it.each(MISSING)('46. contracts are not run on %s, because it is not installed', () => {
  expect(INSTALLED).toEqual([])
})

describe.each(places)('46. on $place', ({ url }) => {
  let server: RedisServer | undefined
  let admin: Awaited<ReturnType<typeof adminOf>>
  // Other data on a given server must stay as it is.
  const root = `claimgate-test-${randomUUID()}:`
  let stores = 0
  beforeAll(async () => {
    server = url === undefined ? await startRedis() : undefined
    admin = await adminOf(url ?? server?.url ?? '')
  })
  afterAll(async () => {
    await admin.remove(root)
    await admin.close()
    await server?.close()
  })

  describe.each(LIBRARIES)('with $library', ({ connect }) => {
    let one: TestClient
    let another: TestClient
    beforeAll(async () => {
      ;[one, another] = await Promise.all([connect(url ?? server?.url ?? ''), connect(url ?? server?.url ?? '')])
    })
    afterAll(async () => {
      await Promise.all([one.close(), another.close()])
    })

    /** A new prefix, and time that passes for it alone. */
    const opened = () => {
      const prefix = `${root}${(stores += 1)}:`
      let passed = 0
      const now = (): number => Date.now() + passed * 1000
      // A given server may evict entries.
      const options = { prefix, clock: { now }, eviction: 'accept', log: false, timeout: 5 } as const
      const pass = async (seconds: number): Promise<void> => {
        passed += seconds
        await admin.pass(prefix, seconds)
      }
      return { prefix, options, now: () => now() / 1000, pass }
    }

    it.each(denylistStoreCases)('a denylist $name', async ({ run }) => {
      const { options, now, pass } = opened()
      const [writer, reader] = [redisDenylist(one.client, options), redisDenylist(another.client, options)]
      await expect(run({ store: { add: writer.add, find: reader.find }, now, pass })).resolves.toBeUndefined()
    })

    it.each(replayStoreCases)('a replay store $name', async ({ run }) => {
      const { options, pass } = opened()
      const [store, other] = [redisReplayStore(one.client, options), redisReplayStore(another.client, options)]
      await expect(run({ store, other, pass })).resolves.toBeUndefined()
    })

    it.each(introspectionCacheStoreCases)('an introspection cache $name', async ({ run }) => {
      const { options, pass } = opened()
      const { prefix, clock, timeout } = options
      const store = redisIntrospectionCache(one.client, { prefix, clock, timeout })
      await expect(run({ store, pass })).resolves.toBeUndefined()
    })

    it.each(jwkSetStoreCases)('a store of key sets $name', async ({ run }) => {
      const { prefix, timeout } = opened().options
      const [store, other] = [
        redisJwkSets(one.client, { prefix, timeout }),
        redisJwkSets(another.client, { prefix, timeout }),
      ]
      await expect(run({ store, other })).resolves.toBeUndefined()
    })
  })

  it('every entry has an end, so nothing is left behind', async () => {
    const keys = (await admin.keys(root)).slice(0, 5000)
    expect(keys.length).toBeGreaterThan(100)
    const ends = await Promise.all(keys.map(async (key) => admin.send('PTTL', key)))
    // -1 is an entry without an end; -2 one that has ended meanwhile.
    expect(ends.filter((end) => Number(end) === -1)).toEqual([])
  })
})
