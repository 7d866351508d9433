import {
  createMemoryJwkSetStore,
  remoteKeySet,
  type JwkSetSeed,
  type JwkSetStore,
  type RemoteKeySetOptions,
} from '@claimgate/core/extend'
import { createVerifier } from '@claimgate/core'
import { createTestKeys, startFaultyJwksServer, startTestIssuer, type FaultyJwksServer } from '@claimgate/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { shiftedClock, type ShiftedClock } from '../../../support/resilience/shifted-clock.ts'
import { verdict } from '../../../support/resilience/verdict.ts'
import { publicJwks } from '../../../support/resilience/world.ts'

const { privateJwk: privateA } = await createTestKeys('ES256', { kid: 'a' })
const { publicJwk: mallory } = await createTestKeys('ES256', { kid: 'mallory' })
const [publicA] = publicJwks

let server: FaultyJwksServer
let clock: ShiftedClock
beforeEach(async () => {
  clock = shiftedClock()
  server = await startFaultyJwksServer({ jwks: { keys: publicJwks.slice(0, 1) } })
})
afterEach(async () => server.close())

/** A worker that starts cold, and its answer to a token with that key ID. */
function worker(options: RemoteKeySetOptions = {}) {
  const keys = remoteKeySet(server.url, { clock, ...options })
  return { keys, ask: async (kid: string) => verdict(keys.resolve({ alg: 'ES256', kid })) }
}

async function exported(): Promise<JwkSetSeed> {
  const { keys } = worker()
  await keys.ready()
  const seed = keys.export()
  if (!seed) throw new Error('nothing to export')
  server.forget()
  return seed
}

describe('a seed', () => {
  it('exported by one worker lets another answer cold without a connection, also after JSON', async () => {
    const seed = JSON.parse(JSON.stringify(await exported())) as JwkSetSeed
    await server.behave({ kind: 'refuse' })
    const { ask } = worker({ seed })
    expect([await ask('a'), await ask('a')]).toEqual(['verified', 'verified'])
    expect(server.stats().connections).toBe(0)
  })

  it('is not older than its set: an unknown kid fetches as it would have in the exporting worker', async () => {
    const seed = await exported()
    server.publish(...publicJwks)
    const { ask } = worker({ seed })
    expect(await ask('b')).toBe('verified')
    expect(server.stats().requests).toHaveLength(1)
  })

  it('is confirmed by its ETag', async () => {
    await server.behave({ kind: 'ok', etag: 'strong' })
    const seed = await exported()
    clock.pass(700)
    const { keys, ask } = worker({ seed })
    expect(await ask('a')).toBe('verified')
    expect(server.stats().requests[0]?.headers['if-none-match']).toBe(seed.etag)
    expect(keys.stats()).toMatchObject({ freshness: 'fresh', generation: 1 })
  })

  it('of another URL is a configuration error, and in a store it is ignored', async () => {
    const seed = { ...(await exported()), uri: 'https://attacker.example/jwks' }
    expect(() => worker({ seed })).toThrow(/"seed" must be of/)
    await server.behave({ kind: 'refuse' })
    const store: JwkSetStore = { get: async () => seed, set: async () => undefined }
    expect(await worker({ store }).ask('a')).toBe('503 keys_unavailable')
  })

  it.each<[string, number, string, number]>([
    ['fresh', 0, 'verified', 0],
    ['stale', 700, 'verified', 1],
    ['at the end of its stale time', 4195, 'verified', 1],
    ['too old', 4201, '503 keys_unavailable', 2],
    ['from tomorrow', -86_400, '503 keys_unavailable', 2],
  ])('that is %s, with the endpoint down, works the same', async (_, age, outcome, attempts) => {
    const seed = await exported()
    await server.behave({ kind: 'refuse' })
    const { keys, ask } = worker({ seed: { ...seed, fetchedAt: seed.fetchedAt - age * 1000 } })
    expect(await ask('a')).toBe(outcome)
    expect(keys.stats().attempts).toBe(attempts)
  })
})

describe('a store', () => {
  it('learns that a fetch has failed, even if it throws then, and nothing after a good fetch', async () => {
    const failures: string[] = []
    const store: JwkSetStore = {
      get: async () => undefined,
      set: async () => undefined,
      failed: async (uri) => {
        failures.push(uri)
        throw new Error('down')
      },
    }
    expect(await worker({ store }).ask('a')).toBe('verified')
    expect(failures).toEqual([])
    await server.behave({ kind: 'html' })
    expect(await worker({ store }).ask('a')).toBe('503 keys_unavailable')
    await expect.poll(() => failures).toEqual([server.url])
  })

  it('shared by two workers lets the second answer cold without a connection', async () => {
    const store = createMemoryJwkSetStore()
    expect(await worker({ store }).ask('a')).toBe('verified')
    await expect.poll(async () => store.get(server.url)).toBeDefined()
    server.forget()
    const second = worker({ store })
    expect(new Set(await Promise.all(Array.from({ length: 100 }, async () => second.ask('a'))))).toEqual(
      new Set(['verified']),
    )
    expect(server.stats().connections).toBe(0)
    expect(second.keys.stats()).toMatchObject({ attempts: 0, generation: 1 })
  })

  it('shared by two verifiers does so for discovered keys too, including metadata', async () => {
    const { issuer, server: endpoint, close } = await startTestIssuer({ audience: 'api' })
    const store = createMemoryJwkSetStore()
    const options = { issuer: issuer.issuer, audience: 'api', keySet: { store } }
    const token = await issuer.issue({ sub: 'someone' })
    expect(await verdict(createVerifier(options).verify(token))).toBe('verified')
    await expect.poll(async () => store.get(issuer.issuer)).toBeDefined()
    await endpoint.behave({ kind: 'refuse' })
    endpoint.forget()
    expect(await verdict(createVerifier(options).verify(token))).toBe('verified')
    expect(endpoint.stats().connections).toBe(0)
    await close()
  })

  it('returns what another worker has fetched since, without a fetch', async () => {
    const store = createMemoryJwkSetStore()
    const [first, second] = [worker({ store }), worker({ store })]
    expect([await first.ask('a'), await second.ask('a')]).toEqual(['verified', 'verified'])
    clock.pass(700)
    server.publish(...publicJwks)
    expect(await first.ask('a')).toBe('verified')
    await expect.poll(async () => (await store.get(server.url))?.jwks.keys.length).toBe(3)
    server.forget()
    expect([await second.ask('a'), await second.ask('b')]).toEqual(['verified', 'verified'])
    expect(server.stats().connections + server.stats().requests.length).toBe(0)
  })

  it.each<[string, (seed: JwkSetSeed) => unknown]>([
    ['text', () => 'seed'],
    ['null', () => null],
    ['a list', () => []],
    ['an empty object', () => ({})],
    ['a seed without a set', (seed) => ({ ...seed, jwks: undefined })],
    ['a set that is text', (seed) => ({ ...seed, jwks: '<html>' })],
    ['a set without keys', (seed) => ({ ...seed, jwks: {} })],
    ['an empty set', (seed) => ({ ...seed, jwks: { keys: [] } })],
    ['a set of secrets', (seed) => ({ ...seed, jwks: { keys: [{ kty: 'oct', kid: 'a', k: 'AAAA' }] } })],
    ['a set of private keys', (seed) => ({ ...seed, jwks: { keys: [privateA] } })],
    ['a point that is not on its curve', (seed) => ({ ...seed, jwks: { keys: [{ ...publicA, x: publicA?.y }] } })],
    ['10,000 keys', (seed) => ({ ...seed, jwks: { keys: Array.from({ length: 10_000 }, () => publicA) } })],
    ['keys of another URL', (seed) => ({ ...seed, uri: 'https://attacker.example/', jwks: { keys: [mallory] } })],
    ['a time that is text', (seed) => ({ ...seed, fetchedAt: 'now', jwks: { keys: [mallory] } })],
    ['an invalid time', (seed) => ({ ...seed, fetchedAt: Number.NaN, jwks: { keys: [mallory] } })],
    ['a future time', (seed) => ({ ...seed, fetchedAt: Infinity, jwks: { keys: [mallory] } })],
    [
      'an old time with an infinite allowance',
      (seed) => ({ ...seed, fetchedAt: 0, maxAge: 1e12, jwks: { keys: [mallory] } }),
    ],
  ])('that contains %s is ignored: the keys are fetched', async (_, tamper) => {
    const tampered = tamper(await exported())
    const store: JwkSetStore = { get: async () => tampered as JwkSetSeed, set: async () => undefined }
    const { keys, ask } = worker({ store })
    // Without a kid no key is missing: the adopted set answers.
    expect(await verdict(keys.resolve({ alg: 'ES256' }))).toBe('verified')
    expect(await ask('a')).toBe('verified')
    expect(await ask('mallory')).toBe('401 key_not_found')
    expect(server.stats().requests.length).toBeGreaterThan(0)
    expect(keys.export()?.jwks.keys.map(({ kid }) => kid)).toEqual(['a'])
  })

  it('never receives or returns private members: a key with them is dropped, with an event, and the others are used', async () => {
    const seed = { ...(await exported()), jwks: { keys: [{ ...privateA, kid: 'leaked' }, ...publicJwks.slice(0, 1)] } }
    const events: string[] = []
    const { keys, ask } = worker({
      seed,
      onEvent: (event) => void events.push(event.type === 'key.skipped' ? `${event.type} ${event.reason}` : event.type),
    })
    expect([await ask('a'), await ask('leaked')]).toEqual(['verified', '401 key_not_found'])
    expect(events).toContain('key.skipped private_parts')
    expect(JSON.stringify(keys.export())).not.toContain('"d"')
    server.publish({ ...privateA, kid: 'leaked' }, ...publicJwks.slice(0, 1))
    const store = createMemoryJwkSetStore()
    expect(await worker({ store }).ask('a')).toBe('verified')
    await expect.poll(async () => JSON.stringify(await store.get(server.url))).toMatch(/"kid":"a"/)
    expect(JSON.stringify(await store.get(server.url))).not.toMatch(/leaked|"d"/)
  })

  it('that throws, rejects or never answers delays requests at most by the soft wait', async () => {
    const stores: JwkSetStore[] = [
      {
        get: () => {
          throw new Error('store')
        },
        set: () => {
          throw new Error('store')
        },
      },
      { get: async () => Promise.reject(new Error('store')), set: async () => Promise.reject(new Error('store')) },
      { get: async () => new Promise(() => undefined), set: async () => new Promise(() => undefined) },
    ]
    for (const store of stores) expect(await worker({ store, softWait: 0.1 }).ask('a')).toBe('verified')
  })
})
