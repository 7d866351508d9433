import { remoteKeySet, type RemoteKeySet } from '@claimgate/core/adapter'
import { redisDenylist, redisJwkSets, redisReplayStore } from '@claimgate/redis'
import { createTestKeys } from '@claimgate/testing'
import { Cluster } from 'ioredis'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createCluster } from 'redis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAuthority } from '../support/adapters/authority.ts'
import { createDpopClient } from '../support/dpop/client.ts'
import { adminOf, LIBRARIES, type TestClient } from '../support/redis/clients.ts'
import { guardedApi, ISSUER, newProof, newToken } from '../support/redis/guarded-api.ts'
import { ORIGIN, raceProcesses } from '../support/redis/race.ts'
import { startRelay } from '../support/redis/relay.ts'
import { INSTALLED, MISSING, type RedisServer, startRedis } from '../support/redis/server.ts'

const [{ connect }] = LIBRARIES

it.each(MISSING)('46. fleets are not run on %s, because it is not installed', () => {
  expect(INSTALLED).toEqual([])
})

/** A server of a JWK Set that takes its time, and counts. */
async function startKeyServer(...kids: readonly string[]) {
  const keys = await Promise.all(kids.map(async (kid) => createTestKeys('ES256', { kid })))
  let published = 1
  let fetches = 0
  const server = createServer((_, response) => {
    fetches += 1
    const body = JSON.stringify({ keys: keys.slice(0, published).map(({ publicJwk }) => publicJwk) })
    setTimeout(() => response.writeHead(200, { 'content-type': 'application/json' }).end(body), 100)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    uri: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`,
    fetches: () => fetches,
    publishAll: () => (published = keys.length),
    close: async () => new Promise((resolve) => server.close(resolve)),
  }
}

describe.each(INSTALLED)('46. On %s', () => {
  let server: RedisServer
  let admin: Awaited<ReturnType<typeof adminOf>>
  let clients: readonly TestClient[]
  let prefixes = 0
  const newPrefix = (): string => `fleet-${(prefixes += 1)}:`
  beforeAll(async () => {
    server = await startRedis()
    admin = await adminOf(server.url)
    clients = await Promise.all(Array.from({ length: 10 }, async () => connect(server.url)))
  })
  afterAll(async () => {
    await Promise.all(clients.map(async ({ close }) => close()))
    await admin.close()
    await server.close()
  })

  it('of 20 processes that get the same proofs at once, one accepts each', async () => {
    const authority = await createAuthority()
    const client = await createDpopClient()
    const token = await authority.token({ cnf: { jkt: client.jkt } })
    const claims = { htu: `${ORIGIN}/orders`, iat: Math.floor(Date.now() / 1000) + 3 }
    const requests = await Promise.all(
      Array.from({ length: 20 }, async () => ({
        authorization: `DPoP ${token}`,
        dpop: await client.proof(token, { claims }),
      })),
    )
    const outcomes = await raceProcesses(20, server.url, authority.options, requests)
    expect(outcomes).toHaveLength(20)
    for (const at of requests.keys()) {
      const ofProof = outcomes.map((each) => each[at])
      expect(ofProof.filter((outcome) => outcome === 'authenticated')).toHaveLength(1)
      expect(ofProof.filter((outcome) => outcome === 'binding_failed')).toHaveLength(19)
    }
  }, 60_000)

  it('50,000 revocations are all kept, and tokens are looked up as before', async () => {
    const prefix = newPrefix()
    const { client, close } = await LIBRARIES[1].connect(server.url)
    const store = redisDenylist(client, { prefix, timeout: 20 })
    const entry = { issuedUpTo: 1e11, expiresAt: Math.ceil(Date.now() / 1000) + 3600 }
    const keyOf = (session: number): string => JSON.stringify([ISSUER, 'sid', `session ${session}`])
    for (let first = 0; first < 50_000; first += 5000)
      await Promise.all(Array.from({ length: 5000 }, async (_, at) => store.add(keyOf(first + at), entry)))
    await close()
    expect(await admin.keys(prefix)).toHaveLength(50_000)
    const api = guardedApi(clients[1]?.client as never, { prefix, timeout: 5 })
    for (const session of [0, 24_999, 49_999])
      expect(await api.withToken(await newToken({ sid: `session ${session}` }))).toBe('401 token_refused')
    expect(await api.withToken(await newToken({ sid: 'session 50000' }))).toBe('200')
  }, 60_000)

  describe('a fleet of ten', () => {
    const fleetFor = (uri: string, options: object = {}): readonly RemoteKeySet[] => {
      const prefix = newPrefix()
      return clients.map(({ client }) =>
        remoteKeySet(uri, { store: redisJwkSets(client, { prefix, timeout: 5, ...options }), softWait: 3 }),
      )
    }
    const resolveAll = async (fleet: readonly RemoteKeySet[], kid: string): Promise<number> => {
      await Promise.all(fleet.map(async (keys) => keys.resolve({ alg: 'ES256', kid })))
      return fleet.reduce((sum, keys) => sum + keys.stats().attempts, 0)
    }

    it('fetches the keys once at the start, and once for a new key', async () => {
      const issuer = await startKeyServer('a', 'b')
      const fleet = fleetFor(issuer.uri)
      expect([await resolveAll(fleet, 'a'), issuer.fetches()]).toEqual([1, 1])
      issuer.publishAll()
      expect([await resolveAll(fleet, 'b'), issuer.fetches()]).toEqual([2, 2])
      await issuer.close()
    })

    it('waits for a process that has ended during its fetch at most as long as the lease', async () => {
      const issuer = await startKeyServer('a')
      const prefix = newPrefix()
      const options = { prefix, lease: 0.4 }
      // Takes the lease, and never stores a set.
      expect(await redisJwkSets(clients[0]?.client as never, options).get(issuer.uri, { seconds: 1 })).toBeUndefined()
      const fleet = fleetFor(issuer.uri, options)
      const began = performance.now()
      expect([await resolveAll(fleet, 'a'), issuer.fetches()]).toEqual([1, 1])
      const took = performance.now() - began
      expect(took).toBeGreaterThan(300)
      expect(took).toBeLessThan(2500)
      await issuer.close()
    })

    it('fetches for each process if the keys take longer than a process waits', async () => {
      const issuer = await startKeyServer('a')
      const prefix = newPrefix()
      await redisJwkSets(clients[0]?.client as never, { prefix, lease: 60 }).get(issuer.uri, { seconds: 1 })
      const store = redisJwkSets(clients[1]?.client as never, { prefix })
      const keys = remoteKeySet(issuer.uri, { store, softWait: 0.2 })
      expect([await resolveAll([keys], 'a'), issuer.fetches()]).toEqual([1, 1])
      await issuer.close()
    })
  })

  it('a process whose fetch fails lets the next one fetch at once', async () => {
    const issuer = await startKeyServer('a')
    await issuer.close()
    const prefix = newPrefix()
    const store = redisJwkSets(clients[0]?.client as never, { prefix, lease: 60 })
    const keys = remoteKeySet(issuer.uri, { store })
    await expect(keys.resolve({ alg: 'ES256', kid: 'a' })).rejects.toMatchObject({ code: 'keys_unavailable' })
    await expect.poll(async () => admin.send('EXISTS', `${prefix}lease:${issuer.uri}`)).toBe(0)
    // It had taken the lease, and the next process gets it without waiting.
    const next = redisJwkSets(clients[1]?.client as never, { prefix, lease: 60 })
    expect(await next.get(issuer.uri, { seconds: 1 })).toBeUndefined()
    expect(await admin.send('EXISTS', `${prefix}lease:${issuer.uri}`)).toBe(1)
  })

  it('a process does not release the lease of another one', async () => {
    const options = { prefix: newPrefix(), lease: 0.1 }
    const uri = 'https://auth.example.com/keys'
    const seed = { uri, jwks: { keys: [] }, fetchedAt: 1 }
    const [one, other] = [0, 1].map((at) => redisJwkSets(clients[at]?.client as never, options))
    expect(await one?.get(uri, { seconds: 1 })).toBeUndefined()
    await expect.poll(async () => admin.send('EXISTS', `${options.prefix}lease:${uri}`)).toBe(0)
    expect(await other?.get(uri, { seconds: 1 })).toBeUndefined()
    await admin.send('PERSIST', `${options.prefix}lease:${uri}`)
    await one?.set(uri, seed)
    expect(await admin.send('EXISTS', `${options.prefix}lease:${uri}`)).toBe(1)
    await other?.set(uri, seed)
    expect(await admin.send('EXISTS', `${options.prefix}lease:${uri}`)).toBe(0)
  })
})

describe.each(INSTALLED)('46. A failover on %s', () => {
  it.each(LIBRARIES)(
    'keeps what was replicated; what was not may be replayed, with $library',
    async (library) => {
      const [primary, replica] = await Promise.all([startRedis(['--repl-diskless-sync-delay', '0']), startRedis()])
      const [atPrimary, atReplica] = await Promise.all([adminOf(primary.url), adminOf(replica.url)])
      await atReplica.send('REPLICAOF', '127.0.0.1', String(primary.port))
      await expect
        .poll(async () => atReplica.send('INFO', 'replication'), { timeout: 10_000 })
        .toContain('link_status:up')
      const relay = await startRelay(primary.port)
      const { client, close } = await library.connect(relay.url)
      const api = guardedApi(client, { timeout: 1 })
      await expect.poll(api.ask).toEqual(['200', '200'])

      const [kept, lost] = [await newProof(), await newProof()]
      const [keptToken, lostToken] = [await newToken({ sid: 'kept' }), await newToken({ sid: 'lost' })]
      expect(await api.withProof(kept)).toBe('200')
      await api.revoked.denySession(ISSUER, 'kept')
      const count = await atPrimary.send('DBSIZE')
      await expect.poll(async () => atReplica.send('DBSIZE')).toBe(count)
      await atReplica.send('REPLICAOF', 'NO', 'ONE')
      expect(await api.withProof(lost)).toBe('200')
      await api.revoked.denySession(ISSUER, 'lost')

      relay.failOver(undefined)
      expect(await api.ask()).toEqual(['503 check_unavailable', '503 check_unavailable'])
      relay.failOver(replica.port)
      await expect.poll(api.ask, { timeout: 10_000 }).toEqual(['200', '200'])
      expect([await api.withProof(kept), await api.withToken(keptToken)]).toEqual([
        '401 binding_failed',
        '401 token_refused',
      ])
      expect([await api.withProof(lost), await api.withToken(lostToken)]).toEqual(['200', '200'])
      await close()
      await Promise.all([relay, atPrimary, atReplica, primary, replica].map(async (each) => each.close()))
    },
    30_000,
  )
})

describe.each(INSTALLED)('46. A cluster of %s', () => {
  let server: RedisServer
  beforeAll(async () => {
    server = await startRedis(['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1'])
    const admin = await adminOf(server.url)
    await admin.send('CLUSTER', 'ADDSLOTSRANGE', '0', '16383')
    while (!String(await admin.send('CLUSTER', 'INFO')).includes('cluster_state:ok'))
      await new Promise((resolve) => setTimeout(resolve, 50))
    await admin.close()
  })
  afterAll(async () => server.close())

  const kinds: readonly [string, () => Promise<TestClient>][] = [
    [
      'redis',
      async () => {
        const client = createCluster({ rootNodes: [{ url: server.url }] })
        await client.connect()
        return { client, close: async () => client.destroy() }
      },
    ],
    [
      'ioredis',
      async () => {
        const client = new Cluster([{ host: '127.0.0.1', port: server.port }])
        return { client, close: async () => client.disconnect() }
      },
    ],
  ]

  it.each(kinds)('works with %s: no command has keys of several slots', async (library, open) => {
    const admin = await adminOf(server.url)
    await expect(admin.send('MGET', 'a', 'b')).rejects.toThrow('CROSSSLOT')
    await admin.close()
    const options = { timeout: 10, prefix: `${library}:` }
    const { client, close } = await open()
    const store = redisDenylist(client, options)
    await store.ready()
    const expiresAt = Math.ceil(Date.now() / 1000) + 60
    const keys = Array.from({ length: 20 }, (_, at) => `key ${at}`)
    await Promise.all(keys.map(async (key, at) => store.add(key, { issuedUpTo: at, expiresAt })))
    expect(await store.find([...keys, 'none'])).toEqual([...keys.keys(), undefined])
    const replay = redisReplayStore(client, options)
    const inserted = await Promise.all(keys.map(async (key) => replay.insertIfAbsent(key, 60)))
    expect(inserted).not.toContain(false)
    const sets = redisJwkSets(client, options)
    const seed = { uri: 'https://auth.example.com/keys', jwks: { keys: [] }, fetchedAt: 1 }
    expect(await sets.get(seed.uri, { seconds: 1 })).toBeUndefined()
    await sets.set(seed.uri, seed)
    expect(await sets.get(seed.uri, { seconds: 1 })).toEqual(seed)
    await close()
  })
})
