import type { JSONWebKeySet } from 'jose'
import { describe, expect, it } from 'vitest'

import { AuthError } from '../../../../packages/core/src/errors/auth-error.ts'
import { discoveredKeySet } from '../../../../packages/core/src/keys/remote/discovery.ts'
import { remoteKeySet } from '../../../../packages/core/src/keys/remote/key-set.ts'
import { publicJwk } from '../../../support/core/test-jwks.ts'
import { createMemoryJwkSetStore, type RemoteKeySetOptions } from '../../../../packages/core/src/keys/remote/options.ts'
import { fakeEndpoint, json, status, type Answer } from '../../../support/core/fake-endpoint.ts'
import { manualClock } from '../../../support/core/manual-clock.ts'
import { staticKeySet } from '../../../../packages/core/src/keys/static-key-set.ts'

const URI = 'https://issuer.example/keys'
const [a, b] = await Promise.all(['a', 'b'].map(async (kid) => publicJwk({ kid })))

const said = (make: () => unknown): string => {
  try {
    make()
    return 'taken'
  } catch (error) {
    return String(error)
  }
}

function setUp(answer: Answer, options: RemoteKeySetOptions = {}) {
  const clock = manualClock()
  const endpoint = fakeEndpoint(clock, answer)
  const keys = remoteKeySet(URI, { fetch: endpoint.fetch, clock, random: () => 1, ...options })
  const refusal = async (kid: string) =>
    keys.resolve({ alg: 'ES256', kid }).then(
      () => 'verified',
      (error: unknown) => {
        if (!(error instanceof AuthError)) return String(error)
        return `${error.code}, ${error.retryAfter ?? 'never'}: ${error.hint}`
      },
    )
  return { clock, endpoint, keys, refusal }
}

describe('a rejected URL', () => {
  it('is named without its secrets', () => {
    const uris = [
      'http://issuer.example:81/keys?x=1',
      'https://name:secret@issuer.example/keys',
      'keys.json',
      'file:///keys',
      `${URI}#a`,
    ]
    expect(uris.map((uri) => said(() => remoteKeySet(uri)))).toMatchInlineSnapshot(`
      [
        "TypeError: Cannot use remote key set: its address must be https (for a host of your own network, allowHttpHosts: ["issuer.example:81"], or JWT_ALLOW_HTTP_HOSTS, allows plain http), found "http://issuer.example:81/keys?x=…"",
        "TypeError: Cannot use remote key set: its address must not carry credentials, found "https://issuer.example/keys"",
        "TypeError: Cannot use remote key set: its address must be an absolute URL, found "keys.json"",
        "TypeError: Cannot use remote key set: its address must be https, found "file:///keys"",
        "TypeError: Cannot use remote key set: its address must not have a fragment, found "https://issuer.example/keys"",
      ]
    `)
    expect(said(() => remoteKeySet(new URL(URI)))).toBe('taken')
  })

  it('of an issuer is explained', () => {
    const issuers = [
      'http://issuer.example',
      'issuer',
      'https://issuer.example?x=1',
      'https://issuer.example#x',
      'https://a@issuer.example',
    ]
    expect(issuers.map((issuer) => said(() => discoveredKeySet(issuer)))).toMatchInlineSnapshot(`
      [
        "TypeError: Cannot discover keys: the issuer's address must be https (for a host of your own network, allowHttpHosts: ["issuer.example"], or JWT_ALLOW_HTTP_HOSTS, allows plain http); otherwise set "metadataUri" or "jwksUri"",
        "TypeError: Cannot discover keys: the issuer must be a URL; otherwise set "metadataUri" or "jwksUri", found "issuer"",
        "TypeError: Cannot discover keys: the issuer's address must not have a query; otherwise set "metadataUri" or "jwksUri"",
        "TypeError: Cannot discover keys: the issuer's address must not have a fragment; otherwise set "metadataUri" or "jwksUri"",
        "TypeError: Cannot discover keys: the issuer's address must not carry credentials; otherwise set "metadataUri" or "jwksUri"",
      ]
    `)
    expect(said(() => discoveredKeySet('https://issuer.example', { allowedKeyHosts: 'x' as never }))).toBe(
      'TypeError: Cannot discover keys: "allowedKeyHosts" must be a list of host names, found "x"',
    )
    for (const host of ['https://keys.example.com/', 'keys.example.com:8443', 'KEYS.example.com', ''])
      expect(
        said(() => discoveredKeySet('https://issuer.example', { allowedKeyHosts: [host] })),
        host,
      ).toBe(`TypeError: Cannot discover keys: each of "allowedKeyHosts" must be the name of a host, found "${host}"`)
    expect(said(() => discoveredKeySet('http://127.0.0.1', { allowLoopbackHttp: false }))).toMatch(
      'must be https, because',
    )
  })
})

describe('a rejected set in the configuration', () => {
  it('is explained', () => {
    const sets: unknown[] = [
      { keys: [a, { kty: 'oct', k: 'AA' }] },
      { keys: [a, { ...b, d: 'AA' }] },
      { keys: [] },
      { keys: [{ ...a, use: 'enc' }, { kty: 'X' }] },
      {},
      '{',
    ]
    expect(sets.map((set) => said(() => staticKeySet(set as JSONWebKeySet)))).toMatchInlineSnapshot(`
      [
        "TypeError: Cannot use JWK Set: it must hold public keys only, and holds a secret ("kty": "oct")",
        "TypeError: Cannot use JWK Set: it must hold public keys only, and holds a private key",
        "TypeError: Cannot use JWK Set: it must hold a usable key, and holds none",
        "TypeError: Cannot use JWK Set: it must hold a usable key, and holds only members that were skipped: wrong_use ("use" of the key with kid "a"), unsupported_type ("kty" of member 2)",
        "TypeError: Cannot use JWK Set: "jwks" must be a JWK Set, an object { keys: […] }, found an object without "keys"",
        "TypeError: Cannot use JWK Set: The JWK Set is not JSON",
      ]
    `)
    expect(said(() => staticKeySet({ keys: [a, a].filter((key) => key !== undefined) }, { maxKeys: 1 }))).toMatch(
      'at most 1',
    )
  })
})

describe('a remote key set', () => {
  it('reports its keys and its age', async () => {
    const { keys, clock, endpoint } = setUp(json({ keys: [a, b, { kty: 'X' }] }))
    expect(keys.describe()).toBe(`no keys of ${URI} yet`)
    expect(keys.stats()).toEqual({
      freshness: 'cold',
      keys: 0,
      skipped: 0,
      age: undefined,
      attempts: 0,
      failures: 0,
      generation: 0,
      nextAttempt: 0,
    })
    await keys.ready()
    await clock.pass(12.4)
    expect(keys.describe()).toBe(`2 keys of ${URI}, fresh, in a set of 2 fetched 12 s ago: "a", "b"`)
    expect(keys.stats()).toEqual({
      freshness: 'fresh',
      keys: 2,
      skipped: 1,
      age: 12.4,
      attempts: 1,
      failures: 0,
      generation: 1,
      nextAttempt: 0,
    })
    endpoint.answer = status(500)
    await clock.pass(700)
    await keys.resolve({ alg: 'ES256', kid: 'a' })
    expect(keys.describe()).toMatch(/^2 keys of .*, stale, /)
    expect(keys.stats()).toMatchObject({ failures: 1, attempts: 2, nextAttempt: 1, generation: 1 })
    keys.close()
    expect(keys.stats().nextAttempt).toBe(Infinity)
  })

  it('reports why it has no keys', async () => {
    const { keys, refusal } = setUp(status(500))
    expect(await refusal('a')).toBe(
      `keys_unavailable, 1: Fetching the keys of ${URI} failed (status): The status was 500, not 200`,
    )
    expect(keys.describe()).toBe(`no keys of ${URI} yet: The status was 500, not 200`)
  })

  it('reports which keys it could not use, or that there are none', async () => {
    expect(await setUp(json({ keys: [] })).refusal('a')).toMatch(/\(no_usable_key\): The JWK Set is empty$/)
    expect(await setUp(json({ keys: [{ kty: 'X' }, { ...a, use: 'enc' }] })).refusal('a')).toMatch(
      /\(no_usable_key\): The JWK Set holds only members that are skipped: unsupported_type \("kty" of member 1\), wrong_use \("use" of the key with kid "a"\)$/,
    )
    const many = { keys: Array.from({ length: 64 }, () => ({ kty: 'X' })) }
    const words = (await setUp(json(many)).refusal('a')).split(': The JWK Set ')[1]
    expect(words).toMatch(/ unsupported_type \("kty" of member 8\), and 56 more$/)
    const long = { keys: Array.from({ length: 64 }, () => ({ kty: 'X', kid: 'k'.repeat(1000) })) }
    expect((await setUp(json(long)).refusal('a')).split(': The JWK Set ')[1]?.length).toBeLessThanOrEqual(600)
  })

  it('reports that it may not fetch again yet, and when it may', async () => {
    const { clock, refusal, keys } = setUp(json({ keys: [a] }))
    await keys.ready()
    await clock.pass(100)
    expect(await refusal('x')).toBe('key_not_found, never: No key with kid "x" in a set of 1 fetched 0 s ago: "a"')
    await clock.pass(29)
    expect(await refusal('y')).toBe(
      `keys_unavailable, 1: Fetching the keys of ${URI} failed (rate_limited): No fetch may begin yet, ` +
        'and the token may be newer than the keys known (in a set of 1 fetched 29 s ago: "a")',
    )
    const patient = setUp(json({ keys: [a] }), { fetchesPerMinute: 1, freshFor: 1, staleFor: 0 })
    await patient.keys.ready()
    await patient.clock.pass(21)
    expect(await patient.refusal('y')).toBe(
      `keys_unavailable, 39: Fetching the keys of ${URI} failed (rate_limited): No fetch may begin yet, so soon after the last`,
    )
  })
})

describe('a store in memory', () => {
  it('holds copies, by URL', async () => {
    const store = createMemoryJwkSetStore()
    const seed = { uri: URI, jwks: { keys: [] }, fetchedAt: 7 }
    expect(await store.get(URI)).toBeUndefined()
    await store.set(URI, seed)
    const found = await store.get(URI)
    expect(found).toEqual(seed)
    expect(found).not.toBe(seed)
    expect(await store.get(`${URI}/other`)).toBeUndefined()
    expect(Object.isFrozen(store)).toBe(true)
  })
})
