import {
  redisDenylist,
  redisIntrospectionCache,
  redisJwkSets,
  redisReplayStore,
  RedisStoreError,
} from '@claimgate/redis'
import { inspect } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { freePort } from '../support/docs/free-port.ts'
import { adminOf, LIBRARIES, type TestClient } from '../support/redis/clients.ts'
import { guardedApi, ISSUER, newProof, newToken } from '../support/redis/guarded-api.ts'
import { startRelay } from '../support/redis/relay.ts'
import { INSTALLED, MISSING, type RedisServer, startRedis, startSilentServer } from '../support/redis/server.ts'

const DOWN = ['503 check_unavailable', '503 check_unavailable']
const UP = ['200', '200']
const USED = '401 binding_failed'
const REVOKED = '401 token_refused'
const KEY = `${'k'.repeat(43)}.${'p'.repeat(43)}`

const reasonOf = async (asked: Promise<unknown>): Promise<unknown> =>
  asked.then(
    () => 'answered',
    (error: unknown) =>
      error instanceof RedisStoreError ? [error.reason, error.code].filter(Boolean).join(' ') : error,
  )

it.each(MISSING)('46. failures of %s are not run, because it is not installed', () => {
  expect(INSTALLED).toEqual([])
})

describe('46. A server that accepts connections and never answers', () => {
  it.each(LIBRARIES)('is unavailable after the timeout of each store, with $library', async ({ connect }) => {
    const silent = await startSilentServer()
    const { client, close } = await connect(silent.url)
    const options = { timeout: 0.1 }
    const api = guardedApi(client, options)
    expect(await api.ask()).toEqual(DOWN)
    await expect(api.revoked.denySubject(ISSUER, 'ada')).rejects.toThrow('has not answered within 0.1 s')
    const seed = { uri: 'https://auth.example.com/keys', jwks: { keys: [] }, fetchedAt: 1 }
    expect(
      await Promise.all(
        [
          redisReplayStore(client, options).ready(),
          redisIntrospectionCache(client, options).get('key'),
          redisIntrospectionCache(client, options).set('key', { active: true }, 60),
          redisJwkSets(client, options).get(seed.uri, { seconds: 1 }),
          redisJwkSets(client, options).set(seed.uri, seed),
        ].map(reasonOf),
      ),
    ).toEqual(Array.from({ length: 5 }, () => expect.stringMatching(/^(timeout|connection.*)$/)))
    await close()
    await silent.close()
  })
})

const [first] = LIBRARIES

describe.each(INSTALLED)('46. With %s', () => {
  let server: RedisServer
  let admin: Awaited<ReturnType<typeof adminOf>>
  beforeAll(async () => {
    server = await startRedis()
    admin = await adminOf(server.url)
  })
  afterEach(async () => {
    server.resume()
    await admin.send('REPLICAOF', 'NO', 'ONE')
    await admin.send('CONFIG', 'SET', 'maxmemory', '0', 'maxmemory-policy', 'noeviction')
  })
  afterAll(async () => {
    await admin.close()
    await server.close()
  })

  describe.each(LIBRARIES)('and $library', ({ library, connect }) => {
    let redis: TestClient
    const prefix = `${library}:`
    beforeAll(async () => {
      redis = await connect(server.url)
    })
    afterAll(async () => redis.close())

    it('a proof is accepted once, a revoked token never again, and others are', async () => {
      const api = guardedApi(redis.client, { prefix, timeout: 5 })
      const proof = await newProof()
      const answers = await Promise.all(Array.from({ length: 20 }, async () => api.withProof(proof)))
      expect(answers.toSorted()).toEqual(['200', ...Array.from({ length: 19 }, () => USED)])
      const token = await newToken({ sub: 'ada', sid: 's', jti: 'j' })
      expect(await api.withToken(token)).toBe('200')
      await api.revoked.denySession(ISSUER, 's')
      expect(await guardedApi(redis.client, { prefix, timeout: 5 }).withToken(token)).toBe(REVOKED)
      expect(await api.withToken(await newToken({ sub: 'ada', sid: 't', jti: 'k' }))).toBe('200')
    })

    it('a server that stalls makes requests fail, and they work again once it answers', async () => {
      const api = guardedApi(redis.client, { prefix, timeout: 0.2 })
      await expect.poll(api.ask).toEqual(UP)
      server.stall()
      const proof = await newProof()
      expect(await api.withProof(proof)).toBe(DOWN[0])
      expect(await api.ask()).toEqual(DOWN)
      await expect(api.revoked.denySession(ISSUER, 's')).rejects.toThrow('Redis has not answered within 0.2 s')
      server.resume()
      await expect.poll(api.ask).toEqual(UP)
      // The command may have been carried out after its deadline. That proof was then used up.
      expect(['200', USED]).toContain(await api.withProof(proof))
      expect(await api.withProof(proof)).toBe(USED)
    })

    it('a memory that is full of other data makes proofs and revocations fail, and evicts nothing', async () => {
      const api = guardedApi(redis.client, { prefix, timeout: 5 })
      const token = await newToken({ jti: 'full' })
      await api.revoked.denyToken({ claims: { iss: ISSUER, jti: 'full', exp: Date.now() / 1000 + 60 } })
      await admin.send('CONFIG', 'SET', 'maxmemory', '1')
      expect(await api.ask()).toEqual([DOWN[0], '200'])
      await expect(api.revoked.denySession(ISSUER, 's')).rejects.toThrow('(OOM): its memory is full')
      expect(await api.withToken(token)).toBe(REVOKED)
      await admin.send('CONFIG', 'SET', 'maxmemory', '0')
      expect(await api.ask()).toEqual(UP)
    })

    it('a primary that became a replica refuses proofs and revocations', async () => {
      const api = guardedApi(redis.client, { prefix, timeout: 5 })
      await admin.send('REPLICAOF', '127.0.0.1', String(await freePort()))
      expect(await api.ask()).toEqual([DOWN[0], expect.any(String)])
      await expect(api.revoked.denySession(ISSUER, 's')).rejects.toThrow('refused a command (READONLY)')
      await admin.send('REPLICAOF', 'NO', 'ONE')
      await expect.poll(api.ask).toEqual(UP)
    })

    it('a server that may evict entries is named at start-up, and used only if that is accepted', async () => {
      const lines: string[] = []
      const log = { warn: (line: string) => void lines.push(line) }
      await admin.send('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru')
      const refusing = guardedApi(redis.client, { prefix, log, timeout: 5 })
      await expect.poll(() => lines.length).toBe(2)
      expect(lines[0]).toBe(
        'Redis may evict entries: maxmemory-policy is "allkeys-lru". Redis would drop them without a trace: ' +
          'set it to "noeviction", or accept replays and lost revocations with eviction: "accept"',
      )
      expect(await refusing.ask()).toEqual(DOWN)
      await expect(refusing.revoked.denySession(ISSUER, 's')).rejects.toThrow('may evict')
      expect(await reasonOf(redisReplayStore(redis.client, { log: false }).ready())).toBe('eviction')
      expect(await reasonOf(redisDenylist(redis.client, { log: false }).ready())).toBe('eviction')

      lines.length = 0
      const accepting = guardedApi(redis.client, { prefix, log, eviction: 'accept', timeout: 5 })
      expect(await accepting.ask()).toEqual(UP)
      expect(lines).toHaveLength(2)
      await redisReplayStore(redis.client, { log: false, eviction: 'accept' }).ready()
      await admin.send('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')
      await redisDenylist(redis.client).ready()
    })

    it('the policy is read again every ten seconds of use', async () => {
      let passed = 0
      const clock = { now: () => Date.now(), monotonic: () => performance.now() + passed }
      const store = redisReplayStore(redis.client, { prefix, clock, log: false, timeout: 5 })
      await store.ready()
      await admin.send('CONFIG', 'SET', 'maxmemory-policy', 'volatile-ttl')
      expect(await reasonOf(store.insertIfAbsent(`${KEY}1`, 60))).toBe('answered')
      passed = 10_000
      await expect.poll(async () => reasonOf(store.insertIfAbsent(`${KEY}2`, 60))).toBe('eviction')
      await admin.send('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')
      expect(await reasonOf(store.insertIfAbsent(`${KEY}3`, 60))).toBe('eviction')
      passed = 20_000
      await expect.poll(async () => reasonOf(store.insertIfAbsent(`${KEY}4`, 60))).toBe('answered')
    })

    it('entries that nothing here wrote make requests fail, and are never trusted', async () => {
      const stores = { prefix: `${prefix}odd:`, timeout: 5 }
      const denied = redisDenylist(redis.client, stores)
      const cache = redisIntrospectionCache(redis.client, stores)
      const sets = redisJwkSets(redis.client, stores)
      const uri = 'https://auth.example.com/keys'
      const entry = { issuedUpTo: 1, expiresAt: Date.now() / 1000 + 60 }
      for (const odd of ['', 'text', '-1', '1.5', '1e3', ' 7', 'NaN', '0x10', '9'.repeat(16)]) {
        await admin.send('SET', `${stores.prefix}denied:a`, odd)
        expect([odd, await reasonOf(denied.find(['b', 'a']))]).toEqual([odd, 'malformed'])
      }
      await admin.send('SET', `${stores.prefix}denied:a`, 'text')
      expect(await reasonOf(denied.add('a', entry))).toBe('malformed')
      await admin.send('DEL', `${stores.prefix}denied:a`)
      await admin.send('RPUSH', `${stores.prefix}denied:a`, '7')
      expect(await reasonOf(denied.find(['a']))).toBe('refused WRONGTYPE')
      for (const odd of [
        '',
        '{',
        '7',
        'null',
        '[]',
        '"active"',
        '{}',
        '{"active":"true"}',
        '{"__proto__":{"active":true}}',
      ]) {
        await admin.send('SET', `${stores.prefix}answer:a`, odd)
        expect([odd, await reasonOf(cache.get('a'))]).toEqual([odd, 'malformed'])
      }
      for (const odd of ['{', '[]', '{}', `{"uri":"${uri}","jwks":{}}`, `{"uri":"other","jwks":{},"fetchedAt":1}`]) {
        await admin.send('SET', `${stores.prefix}keys:${uri}`, odd)
        expect([odd, await reasonOf(sets.get(uri))]).toEqual([odd, 'malformed'])
      }
    })

    it('an entry without an end keeps none', async () => {
      const denied = redisDenylist(redis.client, { prefix, timeout: 5 })
      await admin.send('SET', `${prefix}denied:ban`, '5')
      await denied.add('ban', { issuedUpTo: 9, expiresAt: Date.now() / 1000 + 60 })
      expect([await denied.find(['ban']), await admin.send('TTL', `${prefix}denied:ban`)]).toEqual([[9], -1])
    })

    it('errors name a reason, and no key, value, address or password', async () => {
      const secret = 'a-secret-in-a-key'
      const store = redisDenylist(redis.client, { prefix, timeout: 5 })
      await admin.send('CONFIG', 'SET', 'maxmemory', '1')
      const full: unknown = await store.add(secret, { issuedUpTo: 1, expiresAt: 1e10 }).catch((error: unknown) => error)
      await admin.send('CONFIG', 'SET', 'maxmemory', '0')
      expect(full).toMatchObject({ name: 'RedisStoreError', reason: 'refused', code: 'OOM' })
      await admin.send('RPUSH', `${prefix}denied:${secret}`, '7')
      const odd: unknown = await store.find([secret]).catch((error: unknown) => error)
      for (const error of [full, odd]) {
        expect(error).toBeInstanceOf(RedisStoreError)
        expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/secret|127\.0\.0\.1|EVAL/)
      }
    })
  })

  it.each(LIBRARIES)(
    'a proof is not called used if the answer was lost, with $library',
    async ({ library, connect }) => {
      const relay = await startRelay(server.port)
      const { client, close } = await connect(relay.url)
      const store = redisReplayStore(client, { prefix: `${library}:lost:`, timeout: 5 })
      await store.ready()
      relay.loseAnswerToSet()
      // "ioredis" and "iovalkey" send the command again.
      expect(await reasonOf(store.insertIfAbsent(KEY, 60).then((isNew) => expect(isNew).toBe(true)))).toBe(
        library === 'redis' ? 'connection' : 'answered',
      )
      await expect.poll(async () => reasonOf(store.ready())).toBe('answered')
      expect(await store.insertIfAbsent(KEY, 60)).toBe(false)
      await close()
      await relay.close()
    },
  )

  it.each(LIBRARIES.slice(1))(
    'a lease is known if the answer was lost, with $library',
    async ({ library, connect }) => {
      const relay = await startRelay(server.port)
      const { client, close } = await connect(relay.url)
      const prefix = `${library}:lost:`
      const sets = redisJwkSets(client, { prefix, timeout: 5 })
      const seed = { uri: 'https://auth.example.com/keys', jwks: { keys: [] }, fetchedAt: 1 }
      expect(await sets.get(seed.uri)).toBeUndefined()
      relay.loseAnswerToSet()
      expect(await sets.get(seed.uri, { seconds: 1 })).toBeUndefined()
      expect(await admin.keys(`${prefix}lease:`)).toHaveLength(1)
      await sets.set(seed.uri, seed)
      expect(await admin.keys(`${prefix}lease:`)).toEqual([])
      await close()
      await relay.close()
    },
  )

  it('an entry ends by the clock of the server', async () => {
    const { client, close } = await first.connect(server.url)
    const store = redisReplayStore(client, { timeout: 5 })
    expect([await store.insertIfAbsent(`${KEY}5`, 1), await store.insertIfAbsent(`${KEY}5`, 1)]).toEqual([true, false])
    await expect.poll(async () => store.insertIfAbsent(`${KEY}5`, 1), { timeout: 3000, interval: 50 }).toBe(true)
    await close()
  })

  it('INFO that a server forbids counts as a policy that is not known', async () => {
    const lines: string[] = []
    // ioredis warns that it cannot use INFO itself.
    const muted = vi.spyOn(console, 'warn').mockReturnValue()
    await admin.send('ACL', 'SETUSER', 'app', 'on', '>password', '~*', '+@all', '-info')
    const url = server.url.replace('//', '//app:password@')
    for (const { library, connect } of LIBRARIES) {
      const { client, close } = await connect(url)
      const log = { warn: (line: string) => void lines.push(line) }
      expect([library, await reasonOf(redisReplayStore(client, { log, timeout: 5 }).ready())]).toEqual([
        library,
        'eviction',
      ])
      const accepting = redisReplayStore(client, { log: false, timeout: 5, eviction: 'accept', prefix: library })
      expect(await reasonOf(accepting.insertIfAbsent(KEY, 60))).toBe('answered')
      await close()
    }
    muted.mockRestore()
    expect(lines).toHaveLength(3)
    expect(lines[0]).toContain(
      'INFO memory names no maxmemory-policy. Let this client read it, and set it to "noeviction"',
    )
  })

  it('a log that throws or rejects changes nothing', async () => {
    await admin.send('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lfu')
    const { client, close } = await first.connect(server.url)
    const logs = [
      () => {
        throw new Error('log')
      },
      async () => Promise.reject(new Error('log')),
    ]
    for (const warn of logs)
      expect(await reasonOf(redisReplayStore(client, { log: { warn }, timeout: 5 }).ready())).toBe('eviction')
    await admin.send('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')
    await close()
  })
})

describe.each(INSTALLED)('46. A %s that goes away', () => {
  it.each(LIBRARIES)(
    'makes requests fail at once or in time, and they work again when it is back, with $library',
    async ({ connect }) => {
      const before = await startRedis()
      const { client, close } = await connect(before.url)
      const api = guardedApi(client, { timeout: 0.3 })
      await expect.poll(api.ask).toEqual(UP)
      await before.close()
      const began = performance.now()
      for (let request = 0; request < 3; request += 1) expect(await api.ask()).toEqual(DOWN)
      expect(performance.now() - began).toBeLessThan(10_000)
      const second = await startRedis([], before.port)
      await expect.poll(api.ask, { timeout: 10_000 }).toEqual(UP)
      await close()
      await second.close()
    },
    30_000,
  )

  it.each(LIBRARIES)('before a client has connected makes requests fail, with $library', async ({ connect }) => {
    const { client, close } = await connect(`redis://127.0.0.1:${await freePort()}`)
    const api = guardedApi(client, { timeout: 0.1 })
    expect(await api.ask()).toEqual(DOWN)
    await close()
    expect(await api.ask()).toEqual(DOWN)
  })
})
