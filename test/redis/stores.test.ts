// What a real client and server do not do, and what needs none.
import {
  type RedisClient,
  redisDenylist,
  redisIntrospectionCache,
  redisJwkSets,
  redisReplayStore,
  RedisStoreError,
} from '@claimgate/redis'
import { Cluster, Redis } from 'ioredis'
import { Cluster as ValkeyCluster } from 'iovalkey'
import { createClient, createClientPool, createCluster, createSentinel } from 'redis'
import { inspect } from 'node:util'
import { describe, expect, it, vi } from 'vitest'

const MAKERS = [redisReplayStore, redisDenylist, redisIntrospectionCache, redisJwkSets] as const
const INFO = 'maxmemory_policy:noeviction\r\n'

/** A client whose commands do as told. The default is what a healthy server answers. */
const clientThat = (
  commands: Partial<Record<'get' | 'set' | 'eval' | 'info', (...args: never[]) => unknown>>,
): RedisClient =>
  ({
    get: async () => null,
    set: async () => 'OK',
    eval: async () => 1,
    info: async () => INFO,
    sendCommand: async () => null,
    ...commands,
  }) as RedisClient

const reasonOf = async (asked: Promise<unknown>): Promise<unknown> =>
  asked.then(
    () => 'answered',
    (error: unknown) => (error instanceof RedisStoreError ? error.reason : error),
  )

describe('a store on Redis', () => {
  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['an address', 'redis://127.0.0.1:6379'],
    ['a Map', new Map()],
    ['an object with get and set alone', { get: () => null, set: () => null }],
    ['a client of no known library', { get: () => 1, set: () => 1, eval: () => 1, info: () => 1 }],
  ])('cannot be made of %s', (_, client) => {
    for (const make of MAKERS)
      expect(() => make(client as never)).toThrow(/on Redis: give a client of "redis", "ioredis" or "iovalkey"$/)
  })

  it('takes every kind of client of each library', async () => {
    const url = 'redis://127.0.0.1:1'
    const clients = [
      createClient({ url }),
      createClientPool({ url }),
      createCluster({ rootNodes: [{ url }] }),
      createSentinel({ name: 'primary', sentinelRootNodes: [{ host: '127.0.0.1', port: 1 }] }),
      new Redis(url, { lazyConnect: true, retryStrategy: () => null, maxRetriesPerRequest: 0 }).on('error', () => {}),
      new Cluster([url], { lazyConnect: true, clusterRetryStrategy: () => null }).on('error', () => {}),
      new ValkeyCluster([url], { lazyConnect: true, clusterRetryStrategy: () => null }).on('error', () => {}),
    ]
    for (const client of clients) {
      const store = redisReplayStore(client, { log: false, timeout: 0.1 })
      expect(await reasonOf(store.insertIfAbsent('key', 1))).toMatch(/^(connection|timeout)$/)
    }
  })

  it.each<[string, object, RegExp]>([
    ['an unknown option', { expiry: 1 }, /there is no option "expiry"/],
    ['a prefix that is not text', { prefix: 7 }, /"prefix" must be text of at most 200 characters, found 7/],
    ['a long prefix', { prefix: 'p'.repeat(201) }, /"prefix" must be text/],
    ['a timeout of 0', { timeout: 0 }, /"timeout" must be a number of seconds from 0\.001 to 30, found 0/],
  ])('cannot be made with %s', (_, options, message) => {
    for (const make of MAKERS) expect(() => make(clientThat({}), options as never)).toThrow(message)
  })

  it('cannot be made with another answer to eviction, log or lease', () => {
    const client = clientThat({})
    for (const make of [redisReplayStore, redisDenylist]) {
      expect(() => make(client, { eviction: 'warn' as never })).toThrow('"eviction" must be "refuse" or "accept"')
      expect(() => make(client, { log: true as never })).toThrow('"log" must be false, or have a function "warn"')
    }
    expect(() => redisJwkSets(client, { lease: 0 })).toThrow('"lease" must be a number of seconds from 0.05 to 60')
  })

  it.each<[string, (...args: never[]) => unknown]>([
    [
      'throw',
      () => {
        throw new Error('secret')
      },
    ],
    ['reject with nothing', async () => Promise.reject()], // oxlint-disable-line typescript/prefer-promise-reject-errors -- a client may
    ['reject with text', async () => Promise.reject('secret')], // oxlint-disable-line typescript/prefer-promise-reject-errors -- a client may
    ['never answer', async () => new Promise(() => {})],
  ])('46. rejects with a RedisStoreError if commands %s', async (_, command) => {
    const broken = clientThat({ get: command, set: command, eval: command })
    const options = { timeout: 0.05 }
    const seed = { uri: 'uri', jwks: { keys: [] }, fetchedAt: 1 }
    const asked = [
      redisReplayStore(broken, options).insertIfAbsent('key', 1),
      redisDenylist(broken, options).find(['key']),
      redisDenylist(broken, options).add('key', { issuedUpTo: 1, expiresAt: 1e10 }),
      redisIntrospectionCache(broken, options).get('key'),
      redisIntrospectionCache(broken, options).set('key', { active: true }, 1),
      redisJwkSets(broken, options).get('uri', { seconds: 0.1 }),
      redisJwkSets(broken, options).set('uri', seed),
    ]
    for (const result of await Promise.allSettled(asked)) {
      expect(result).toMatchObject({ status: 'rejected', reason: { name: 'RedisStoreError' } })
      expect(inspect(result, { showHidden: true, depth: 5 })).not.toContain('secret')
    }
  })

  it.each([undefined, true, 1, 'ok', '', {}, Buffer.from('OK')])(
    '46. refuses a proof if SET answers %j',
    async (answer) => {
      const store = redisReplayStore(clientThat({ set: async () => answer }))
      expect(await reasonOf(store.insertIfAbsent('key', 1))).toBe('malformed')
    },
  )

  it.each([undefined, 7, true, {}, ['7'], Buffer.from('7')])(
    '46. cannot use an entry if GET answers %j',
    async (answer) => {
      const client = clientThat({ get: async () => answer })
      expect(await reasonOf(redisDenylist(client).find(['key']))).toBe('malformed')
      expect(await reasonOf(redisIntrospectionCache(client).get('key'))).toBe('malformed')
      expect(await reasonOf(redisJwkSets(client).get('uri'))).toBe('malformed')
    },
  )

  it('46. does not parse more than 2 MiB', async () => {
    const long = JSON.stringify({ active: true, text: 'x'.repeat(2_097_152) })
    expect(await reasonOf(redisIntrospectionCache(clientThat({ get: async () => long })).get('key'))).toBe('malformed')
  })

  it.each([undefined, 0, '1', null])('46. a revocation fails if the script answers %j', async (answer) => {
    const store = redisDenylist(clientThat({ eval: async () => answer }))
    expect(await reasonOf(store.add('key', { issuedUpTo: 1, expiresAt: 1e10 }))).toBe('malformed')
  })

  it.each([1.5, -1, Number.NaN, Infinity])('an entry with the number %d is not added', async (issuedUpTo) => {
    const add = vi.fn<() => Promise<number>>().mockResolvedValue(1)
    await expect(redisDenylist(clientThat({ eval: add })).add('key', { issuedUpTo, expiresAt: 1e10 })).rejects.toThrow(
      'give whole numbers',
    )
    expect(add).not.toHaveBeenCalled()
  })

  it('46. lets at most 10,000 commands wait, and more once these are done', async () => {
    let answer = (): void => {}
    const answered = new Promise<null>((resolve) => (answer = () => resolve(null)))
    const cache = redisIntrospectionCache(clientThat({ get: async () => answered }), { timeout: 30 })
    const waiting = Promise.all(Array.from({ length: 10_000 }, async () => cache.get('key')))
    expect(await reasonOf(cache.get('key'))).toBe('overloaded')
    answer()
    await waiting
    expect(await reasonOf(cache.get('key'))).toBe('answered')
  })

  it.each<[string, unknown]>([
    ['another policy', 'maxmemory_policy:volatile-lru\r\n'],
    ['no policy', 'used_memory:1\r\n'],
    ['the policy in another line', 'x_maxmemory_policy:noeviction\r\n'],
    ['a policy with more text', 'maxmemory_policy:noeviction2\r\n'],
    ['nothing', null],
    ['bytes', Buffer.from(INFO)],
  ])('46. whose INFO has %s is used only with eviction: "accept"', async (_, info) => {
    const client = clientThat({ info: async () => info })
    expect(await reasonOf(redisReplayStore(client, { log: false }).insertIfAbsent('key', 1))).toBe('eviction')
    const accepting = redisReplayStore(client, { log: false, eviction: 'accept' })
    expect(await reasonOf(accepting.insertIfAbsent('key', 1))).toBe('answered')
  })

  it('46. says at start-up on the console that Redis may evict entries, unless told otherwise', async () => {
    const warn = vi.spyOn(console, 'warn').mockReturnValue()
    const client = clientThat({ info: async () => 'maxmemory_policy:allkeys-random\r\n' })
    redisReplayStore(client)
    await vi.waitFor(() => expect(warn).toHaveBeenCalledTimes(1))
    expect(warn.mock.calls[0]?.[0]).toContain('maxmemory-policy is "allkeys-random"')
    redisReplayStore(client, { log: false })
    redisDenylist(clientThat({}))
    await new Promise((resolve) => setImmediate(resolve))
    expect(warn).toHaveBeenCalledTimes(1)
    warn.mockRestore()
  })

  it('asks a server for its policy again after a failure, and not before each request', async () => {
    let isDown = true
    const info = vi.fn<() => Promise<string>>(async () => (isDown ? Promise.reject(new Error('connect')) : INFO))
    const store = redisReplayStore(clientThat({ info }))
    expect(await reasonOf(store.insertIfAbsent('key', 1))).toBe('connection')
    isDown = false
    for (let request = 0; request < 5; request += 1)
      expect(await reasonOf(store.insertIfAbsent('key', 1))).toBe('answered')
    expect(info.mock.calls.length).toBeLessThanOrEqual(3)
  })

  it('46. fetches nothing if another process has stored its keys before this one got the lease, which it releases', async () => {
    const seed = { uri: 'uri', jwks: { keys: [] }, fetchedAt: 1 }
    const stored = [null, JSON.stringify(seed)]
    const release = vi.fn<(...given: unknown[]) => Promise<number>>().mockResolvedValue(1)
    const sets = redisJwkSets(clientThat({ get: async () => stored.shift(), eval: release }))
    expect(await sets.get('uri', { seconds: 1 })).toEqual(seed)
    expect(release.mock.calls).toMatchObject([[expect.stringContaining('DEL'), { keys: ['claimgate:lease:uri'] }]])
  })

  it('sends no command for an answer that has ended already, and whole milliseconds otherwise', async () => {
    const set = vi.fn<() => Promise<string>>().mockResolvedValue('OK')
    const cache = redisIntrospectionCache(clientThat({ set }))
    for (const seconds of [0, -1, 0.0001, Number.NaN]) await cache.set('key', { active: true }, seconds)
    expect(set).not.toHaveBeenCalled()
    await cache.set('key', { active: true }, 0.0019)
    expect(set.mock.calls[0]).toMatchObject(['claimgate:answer:key', '{"active":true}', { expiration: { value: 1 } }])
  })
})
