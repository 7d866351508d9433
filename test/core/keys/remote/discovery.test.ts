import { describe, expect, it } from 'vitest'

import { AuthError } from '../../../../packages/core/src/errors/auth-error.ts'
import type { VerifierEvent } from '../../../../packages/core/src/model/events.ts'
import { discoveredKeySet, type DiscoveredKeySetOptions } from '../../../../packages/core/src/keys/remote/discovery.ts'
import { fakeEndpoint, hanging, json, refused, slow, status, type Answer } from '../../../support/core/fake-endpoint.ts'
import { manualClock, settle } from '../../../support/core/manual-clock.ts'
import { publicJwk } from '../../../support/core/test-jwks.ts'

const ISSUER = 'https://issuer.example/tenant'
const OIDC = `${ISSUER}/.well-known/openid-configuration`
const OAUTH = 'https://issuer.example/.well-known/oauth-authorization-server/tenant'
const OIDC_INSERTED = 'https://issuer.example/.well-known/openid-configuration/tenant'
const KEYS = 'https://issuer.example/keys'
const [a, b] = await Promise.all(['a', 'b'].map(async (kid) => publicJwk({ kid })))
const metadata = (change: object = {}) => json({ issuer: ISSUER, jwks_uri: KEYS, ...change })

function setUp(
  answers: Record<string, Answer>,
  { issuer = ISSUER, ...options }: DiscoveredKeySetOptions & { issuer?: string } = {},
) {
  const clock = manualClock()
  const endpoint = fakeEndpoint(clock, (request, init) => (answers[request.url] ?? status(404))(request, init))
  const events: VerifierEvent[] = []
  const onEvent = (event: VerifierEvent): void => void events.push(event)
  const keys = discoveredKeySet(issuer, { fetch: endpoint.fetch, clock, random: () => 0.5, onEvent, ...options })
  const ask = async (kid: string, secondsAgo = 0): Promise<string> =>
    keys.resolve({ alg: 'ES256', kid }, { issuedBefore: clock.now() / 1000 - secondsAgo + 60 }).then(
      () => 'verified',
      (error: unknown) => {
        if (!(error instanceof AuthError)) return String(error)
        const cause = error.cause as { reason?: string } | undefined
        return [error.status, error.code, cause?.reason].filter(Boolean).join(' ')
      },
    )
  const urls = () => endpoint.requests.map(({ url }) => url)
  const refusal = async (kid: string): Promise<string> =>
    keys.resolve({ alg: 'ES256', kid }).then(
      () => 'verified',
      (error: unknown) => String(error),
    )
  return { clock, endpoint, events, keys, ask, refusal, urls, answers }
}

describe('discovery', () => {
  it('finds the keys through OpenID metadata', async () => {
    const { ask, urls } = setUp({ [OIDC]: metadata(), [KEYS]: json({ keys: [a] }) })
    expect(await ask('a')).toBe('verified')
    expect(urls()).toEqual([OIDC, KEYS])
  })

  it.each([
    [OAUTH, [OIDC, OAUTH, KEYS]],
    [OIDC_INSERTED, [OIDC, OAUTH, OIDC_INSERTED, KEYS]],
  ])('continues with %s if there is no earlier metadata', async (place, expected) => {
    const { ask, urls } = setUp({ [place]: metadata(), [KEYS]: json({ keys: [a] }) })
    expect(await ask('a')).toBe('verified')
    expect(urls()).toEqual(expected)
  })

  it('strips the trailing slash of an issuer from the URL, but not from the comparison', async () => {
    const issuer = 'https://issuer.example/'
    const place = 'https://issuer.example/.well-known/openid-configuration'
    const { ask } = setUp({ [place]: metadata({ issuer }), [KEYS]: json({ keys: [a] }) }, { issuer })
    expect(await ask('a')).toBe('verified')
    const without = setUp(
      { [place]: metadata({ issuer: 'https://issuer.example' }), [KEYS]: json({ keys: [a] }) },
      { issuer },
    )
    expect(await without.ask('a')).toBe('503 keys_unavailable issuer_mismatch')
  })

  it.each<[string, Answer, string]>([
    ['names another issuer', metadata({ issuer: 'https://other.example' }), 'issuer_mismatch'],
    ['names an issuer that differs by a slash', metadata({ issuer: `${ISSUER}/` }), 'issuer_mismatch'],
    ['names no issuer', json({ jwks_uri: KEYS }), 'issuer_mismatch'],
    ['is not an object', json([]), 'malformed'],
    ['is null', json('null'), 'malformed'],
    ['is a number', json('7'), 'malformed'],
    ['names a key set that is not text', metadata({ jwks_uri: [KEYS] }), 'malformed'],
    [
      'names a key set over http on its own host',
      metadata({ jwks_uri: KEYS.replace('https', 'http') }),
      'uri_not_allowed',
    ],
    ['is not JSON', json('{'), 'malformed'],
    ['has a member twice', json(`{"issuer":"${ISSUER}","issuer":"${ISSUER}","jwks_uri":"${KEYS}"}`), 'malformed'],
    ['names no key set', json({ issuer: ISSUER }), 'malformed'],
    ['names a key set that is not a URL', metadata({ jwks_uri: '/keys' }), 'malformed'],
    ['names a key set over http', metadata({ jwks_uri: 'http://issuer.example/keys' }), 'uri_not_allowed'],
    ['names a key set on this machine', metadata({ jwks_uri: 'http://127.0.0.1/keys' }), 'uri_not_allowed'],
    ['names a key set with credentials', metadata({ jwks_uri: 'https://a:b@issuer.example/keys' }), 'uri_not_allowed'],
    ['names a key set with a fragment', metadata({ jwks_uri: `${KEYS}#a` }), 'uri_not_allowed'],
    ['names a key set in data', metadata({ jwks_uri: 'data:application/json,{}' }), 'uri_not_allowed'],
    ['names a key set in a file', metadata({ jwks_uri: 'file:///keys' }), 'uri_not_allowed'],
    ['names a key set on another host', metadata({ jwks_uri: 'https://keys.example/keys' }), 'uri_not_allowed'],
    ['names a key set on a subdomain', metadata({ jwks_uri: 'https://keys.issuer.example/keys' }), 'uri_not_allowed'],
    ['fails', status(500), 'status'],
    ['is unreachable', refused, 'network'],
    ['is too large', json(`{"padding":"${'x'.repeat(65_536)}"}`), 'too_large'],
  ])('trusts nothing and requests nothing else if the metadata %s', async (_, answer, reason) => {
    const { ask, urls } = setUp({ [OIDC]: answer, [OAUTH]: metadata(), [KEYS]: json({ keys: [a] }) })
    expect(await ask('a')).toBe(`503 keys_unavailable ${reason}`)
    expect(new Set(urls())).toEqual(new Set([OIDC]))
  })

  it.each([400, 401, 403, 404, 405, 410, 501])('continues with the next place after status %d', async (code) => {
    const { ask } = setUp({ [OIDC]: status(code), [OAUTH]: metadata(), [KEYS]: json({ keys: [a] }) })
    expect(await ask('a')).toBe('verified')
  })

  it.each<[string, Answer]>([
    ['a redirect', status(302, { location: KEYS })],
    ['a web page', json('\n<!doctype html>')],
  ])('continues with the next place after %s', async (_, answer) => {
    const { ask, urls } = setUp({ [OIDC]: answer, [OAUTH]: metadata(), [KEYS]: json({ keys: [a] }) })
    expect(await ask('a')).toBe('verified')
    expect(urls()).toEqual([OIDC, OAUTH, KEYS])
  })

  it.each([402, 406, 408, 409, 429, 500, 502, 503])('requests nothing else after status %d', async (code) => {
    const { ask, urls } = setUp({ [OIDC]: status(code), [OAUTH]: metadata(), [KEYS]: json({ keys: [a] }) })
    expect(await ask('a')).toBe('503 keys_unavailable status')
    expect(urls()).toEqual([OIDC])
  })

  it('reads metadata of 64 KiB however small key sets must be, and of 256 KiB at most', async () => {
    const padded = (bytes: number): Answer => {
      const rest = JSON.stringify({ issuer: ISSUER, jwks_uri: KEYS, padding: '' }).length
      return metadata({ padding: 'x'.repeat(bytes - rest) })
    }
    for (const [maxBytes, bytes, verdict] of [
      [1000, 65_536, 'verified'],
      [1000, 65_537, '503 keys_unavailable too_large'],
      [100_000, 100_000, 'verified'],
      [1_048_576, 262_144, 'verified'],
      [1_048_576, 262_145, '503 keys_unavailable too_large'],
    ] as const) {
      const { ask } = setUp({ [OIDC]: padded(bytes), [KEYS]: json({ keys: [a] }) }, { maxBytes })
      expect([maxBytes, bytes, await ask('a')]).toEqual([maxBytes, bytes, verdict])
    }
  })

  it('reads metadata up to the limits of members and depth', async () => {
    const wide = (members: number) =>
      metadata(Object.fromEntries(Array.from({ length: members - 2 }, (_, index) => [`m${index}`, 0])))
    const deep = (depth: number) =>
      json(`{"issuer":"${ISSUER}","jwks_uri":"${KEYS}","x":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`)
    for (const [answer, verdict] of [
      [wide(1000), 'verified'],
      [wide(1001), '503 keys_unavailable malformed'],
      [deep(16), 'verified'],
      [deep(17), '503 keys_unavailable malformed'],
    ] as const)
      expect(await setUp({ [OIDC]: answer, [KEYS]: json({ keys: [a] }) }).ask('a')).toBe(verdict)
  })

  it('accepts keys over http from this machine only if the issuer is there', async () => {
    const issuer = 'http://127.0.0.1:8080'
    const place = `${issuer}/.well-known/openid-configuration`
    const here = `${issuer}/keys`
    const answers = { [place]: metadata({ issuer, jwks_uri: here }), [here]: json({ keys: [a] }) }
    expect(await setUp(answers, { issuer }).ask('a')).toBe('verified')
    const away = { [place]: metadata({ issuer, jwks_uri: 'http://issuer.example/keys' }) }
    expect(await setUp(away, { issuer }).ask('a')).toBe('503 keys_unavailable uri_not_allowed')
  })

  it('keeps the cause of a metadata error', async () => {
    const { keys } = setUp({ [OIDC]: json('{') })
    await expect(keys.ready()).rejects.toMatchObject({
      cause: { reason: 'malformed', cause: { name: 'StrictJsonError' } },
    })
    const down = setUp({ [OIDC]: status(503, { 'retry-after': '77' }) })
    await expect(down.keys.ready()).rejects.toMatchObject({
      retryAfter: 77,
      cause: { reason: 'status', status: 503, retryAfter: 77, cause: { name: 'FetchError', status: 503 } },
    })
  })

  it('accepts no keys over http from this machine for an issuer on https', async () => {
    const issuer = 'https://localhost'
    const place = `${issuer}/.well-known/openid-configuration`
    const answers = { [place]: metadata({ issuer, jwks_uri: 'http://localhost/keys' }) }
    expect(await setUp(answers, { issuer }).ask('a')).toBe('503 keys_unavailable uri_not_allowed')
  })

  it('drops a URL that is too old to be trusted', async () => {
    const { ask, answers, clock } = setUp({ [OIDC]: metadata(), [KEYS]: json({ keys: [a] }) })
    await ask('a')
    answers[OIDC] = status(500)
    await clock.pass(4201)
    expect(await ask('a')).toBe('503 keys_unavailable status')
  })

  it('accepts keys from another host that is allowed by name', async () => {
    const place = 'https://keys.example/keys'
    const answers = { [OIDC]: metadata({ jwks_uri: place }), [place]: json({ keys: [a] }) }
    expect(await setUp(answers, { allowedKeyHosts: ['keys.example'] }).ask('a')).toBe('verified')
  })

  it('shares one discovery among many requests', async () => {
    const { ask, urls } = setUp({ [OIDC]: metadata(), [KEYS]: json({ keys: [a] }) })
    await Promise.all(Array.from({ length: 1000 }, async () => ask('a')))
    expect(urls()).toEqual([OIDC, KEYS])
  })

  it.each(['promise', 'poll'] as const)('has one deadline for all its steps, sharing by %s', async (sharing) => {
    for (const [seconds, outcome] of [
      [1.6, 'verified'],
      [1.7, '503 keys_unavailable timeout'],
    ] as const) {
      const world = setUp({}, { sharing })
      const { clock, answers } = world
      answers[OIDC] = slow(clock, seconds, status(404))
      answers[OAUTH] = slow(clock, seconds, metadata())
      answers[KEYS] = slow(clock, seconds, json({ keys: [a] }))
      const asked = [world.ask('a'), world.ask('a')]
      const settled: number[] = []
      for (const answer of asked) void answer.then(() => settled.push(clock.monotonic()))
      const start = clock.monotonic()
      await clock.pass(6)
      expect(await Promise.all(asked)).toEqual([outcome, outcome])
      expect(Math.max(...settled) - start).toBeLessThanOrEqual(5020)
      expect(world.urls()).toEqual([OIDC, OAUTH, KEYS])
      expect(clock.timers()).toBe(0)
    }
  })

  it('is taken over once it is lost, also if time passes between its steps', async () => {
    const world = setUp({}, { sharing: 'poll' })
    const { clock, answers } = world
    const { monotonic, setTimeout } = clock
    let drift = 0
    clock.monotonic = () => monotonic() + (drift += 10)
    answers[OIDC] = metadata()
    answers[KEYS] = hanging
    clock.setTimeout = () => () => undefined
    void world.ask('a')
    await settle()
    expect(world.urls()).toEqual([OIDC, KEYS])
    clock.setTimeout = setTimeout
    clock.monotonic = () => monotonic() + drift
    answers[KEYS] = json({ keys: [a] })
    const joined = [world.ask('a'), world.ask('a')]
    await clock.pass(7)
    expect(await Promise.all(joined)).toEqual(['verified', 'verified'])
  })

  it('has one deadline including its retry', async () => {
    const world = setUp({})
    const { clock, answers } = world
    answers[OIDC] = slow(clock, 2, metadata())
    answers[KEYS] = async () => {
      await new Promise<void>((resolve) => void clock.setTimeout(resolve, 2000))
      throw new TypeError('connection refused')
    }
    const answer = world.ask('a')
    await clock.pass(5)
    expect(await answer).toBe('503 keys_unavailable timeout')
    expect(world.urls()).toEqual([OIDC, KEYS, KEYS])
  })

  it('trusts its metadata again once it has led to keys', async () => {
    const brief = { 'cache-control': 'max-age=60' }
    const { ask, answers, clock, urls } = setUp({ [OIDC]: metadata(), [KEYS]: json({ keys: [a] }, brief) })
    await ask('a')
    answers[KEYS] = status(500)
    await clock.pass(61)
    await ask('a')
    answers[KEYS] = json({ keys: [a] }, brief)
    await clock.pass(1)
    await ask('a')
    await clock.pass(61)
    await ask('a')
    expect(urls()).toEqual([OIDC, KEYS, KEYS, OIDC, KEYS, KEYS])
  })

  it('follows metadata with a new key URL', async () => {
    const { ask, answers, clock } = setUp({ [OIDC]: metadata(), [KEYS]: json({ keys: [a] }) })
    await ask('a')
    answers[OIDC] = metadata({ jwks_uri: `${KEYS}/new` })
    answers[`${KEYS}/new`] = json({ keys: [b] })
    await clock.pass(700)
    expect(await ask('b')).toBe('verified')
    expect(await ask('a', 61)).toBe('401 key_not_found')
  })

  it('denies no key that may be at a URL that its metadata has named since', async () => {
    const { ask, answers, clock } = setUp({ [OIDC]: metadata(), [KEYS]: json({ keys: [a] }) })
    await ask('a')
    await clock.pass(10)
    // The keys move: the old URL still answers.
    answers[OIDC] = metadata({ jwks_uri: `${KEYS}/new` })
    answers[`${KEYS}/new`] = json({ keys: [b] })
    await clock.pass(15)
    expect(await ask('b')).toBe('503 keys_unavailable rate_limited')
    expect(await ask('b', 84)).toBe('503 keys_unavailable rate_limited')
    expect(await ask('b', 86)).toBe('401 key_not_found')
    await clock.pass(30)
    expect(await ask('b')).toBe('verified')
  })

  it('denies no key that caches may hide, including those of the metadata', async () => {
    const { ask, clock } = setUp({
      [OIDC]: json({ issuer: ISSUER, jwks_uri: KEYS }, { age: '300' }),
      [KEYS]: json({ keys: [a] }),
    })
    await ask('a')
    await clock.pass(40)
    expect(await ask('b', 359)).toBe('503 keys_unavailable rate_limited')
    expect(await ask('b', 361)).toBe('401 key_not_found')
  })

  it('follows metadata with a new key URL at the first unknown kid, while the old URL still answers', async () => {
    const { ask, answers, clock, urls } = setUp({
      [OIDC]: metadata(),
      [KEYS]: json({ keys: [a] }, { 'cache-control': 'max-age=86400' }),
    })
    await ask('a')
    answers[OIDC] = metadata({ jwks_uri: `${KEYS}/new` })
    answers[`${KEYS}/new`] = json({ keys: [b] })
    await clock.pass(30)
    expect(await ask('b')).toBe('verified')
    expect(urls().slice(2)).toEqual([OIDC, `${KEYS}/new`])
  })

  it('does not fetch metadata at an unknown kid while it is younger than the cool-down', async () => {
    const { ask, clock, urls } = setUp({ [OIDC]: metadata(), [KEYS]: json({ keys: [a] }) })
    await ask('a')
    await clock.pass(29)
    expect(await ask('b', 90)).toBe('401 key_not_found')
    expect(urls().slice(2)).toEqual([KEYS])
  })

  it('also follows metadata with a new key URL after a failed signature', async () => {
    const { keys, answers, clock } = setUp({ [OIDC]: metadata(), [KEYS]: json({ keys: [a] }) })
    const header = { alg: 'ES256', kid: 'a' }
    const failed = await keys.resolve(header)
    answers[OIDC] = metadata({ jwks_uri: `${KEYS}/new` })
    answers[`${KEYS}/new`] = json({ keys: [{ ...b, kid: 'a' }] })
    await clock.pass(60)
    expect(await keys.resolveAgain?.(header, failed)).toBeDefined()
  })

  it('fetches metadata at most twice a minute under a flood of unknown kids', async () => {
    const { ask, clock, endpoint } = setUp({ [OIDC]: metadata(), [KEYS]: json({ keys: [a] }) })
    await ask('a')
    for (let tick = 0; tick < 1200; tick += 1) {
      void ask(`unknown ${tick}`)
      await clock.pass(0.5)
    }
    for (const place of [OIDC, KEYS]) {
      const all = endpoint.requests.filter(({ url }) => url === place).map(({ at }) => at)
      // The cold fetch of the keys does not count.
      const times = place === KEYS ? all.slice(1) : all
      for (const at of times)
        expect(times.filter((other) => other >= at && other < at + 60).length).toBeLessThanOrEqual(2)
      expect(times.length).toBeGreaterThan(10)
    }
    expect(endpoint.mostAtOnce()).toBe(1)
  })

  it.each<[string, Answer, string]>([
    ['fails', status(503, { 'retry-after': '120' }), 'status'],
    ['names another issuer', metadata({ issuer: 'https://other.example' }), 'issuer_mismatch'],
    ['is unreachable', refused, 'network'],
  ])('continues at an unknown kid, and reports it, if the metadata %s', async (_, answer, reason) => {
    const { ask, answers, clock, events } = setUp({ [OIDC]: metadata(), [KEYS]: json({ keys: [a] }) })
    await ask('a')
    events.length = 0
    answers[OIDC] = answer
    answers[KEYS] = json({ keys: [a, b] })
    await clock.pass(60)
    expect(await ask('b')).toBe('verified')
    const retryAfter = reason === 'status' ? 120 : 1
    expect(events.filter(({ type }) => type !== 'fetch.ended')).toEqual([
      { type: 'keys.stale', uri: OIDC, age: 60, reason, retryAfter },
      { type: 'keys.refreshed', uri: ISSUER, keys: 2, skipped: 0, duration: 0 },
    ])
  })

  it('emits no event for metadata that was cancelled because the key set was closed', async () => {
    const { ask, answers, clock, events, keys } = setUp({ [OIDC]: metadata(), [KEYS]: json({ keys: [a] }) })
    await ask('a')
    events.length = 0
    answers[OIDC] = hanging
    await clock.pass(60)
    const answer = ask('b')
    await clock.pass(1)
    keys.close()
    expect(await answer).toBe('503 keys_unavailable network')
    expect(events).toEqual([])
  })

  it('fetches metadata again as soon as keys are unavailable at its URL', async () => {
    const { ask, answers, clock, keys } = setUp({
      [OIDC]: metadata(),
      [KEYS]: json({ keys: [a] }, { 'cache-control': 'max-age=60' }),
    })
    await ask('a')
    answers[KEYS] = status(404)
    answers[OIDC] = metadata({ jwks_uri: `${KEYS}/new` })
    answers[`${KEYS}/new`] = json({ keys: [a, b] })
    await clock.pass(61)
    await ask('a')
    expect(keys.stats().failures).toBe(1)
    await clock.pass(1)
    await ask('a')
    expect(await ask('b')).toBe('verified')
  })

  it.each<[string, Answer]>([
    ['is unreachable', refused],
    ['fails', status(500)],
    ['is not JSON any more', json('<html>')],
    ['names another issuer', metadata({ issuer: 'https://other.example' })],
  ])('continues with the known URL while the metadata %s', async (_, answer) => {
    const { ask, answers, clock } = setUp({ [OIDC]: metadata(), [KEYS]: json({ keys: [a] }) })
    await ask('a')
    answers[OIDC] = answer
    answers[KEYS] = json({ keys: [a, b] })
    await clock.pass(700)
    expect(await ask('b')).toBe('verified')
  })

  it('does not fetch metadata for as long as its server asks, while keys are fetched from the known URL', async () => {
    const { ask, answers, clock, urls } = setUp({
      [OIDC]: metadata(),
      [KEYS]: json({ keys: [a] }, { 'cache-control': 'max-age=60' }),
    })
    await ask('a')
    answers[OIDC] = status(503, { 'retry-after': '300' })
    await clock.pass(700)
    await ask('a')
    await clock.pass(70)
    await ask('a')
    expect(urls()).toEqual([OIDC, KEYS, OIDC, KEYS, KEYS])
    await clock.pass(230)
    await ask('a')
    expect(urls().slice(5)).toEqual([OIDC, KEYS])
  })

  it('also limits metadata requests while everything is down', async () => {
    for (const answer of [refused, hanging, status(500)]) {
      const { ask, clock, endpoint } = setUp({ [OIDC]: answer })
      for (let tick = 0; tick < 1200; tick += 1) {
        void ask('a')
        await clock.pass(0.5)
      }
      const times = endpoint.requests.filter(({ url }) => url === OIDC).map(({ at }) => at)
      const [first = 0] = times
      expect(times.filter((at) => at < first + 60).length).toBeLessThanOrEqual(7)
      const later = times.filter((at) => at >= first + 60)
      for (const at of later)
        expect(later.filter((other) => other >= at && other < at + 60).length).toBeLessThanOrEqual(2)
      expect(later.length).toBeGreaterThan(5)
      expect(endpoint.mostAtOnce()).toBe(1)
    }
  })

  it('needs neither metadata nor keys with a seed', async () => {
    const first = setUp({ [OIDC]: metadata(), [KEYS]: json({ keys: [a] }) })
    await first.keys.ready()
    const seed = first.keys.export()
    expect(seed?.uri).toBe(ISSUER)
    const { ask, urls } = setUp({}, seed && { seed })
    expect(await ask('a')).toBe('verified')
    expect(urls()).toEqual([])
  })

  it('reports what is wrong with the metadata', async () => {
    const faults: readonly Record<string, Answer>[] = [
      {},
      { [OIDC]: status(500) },
      { [OIDC]: metadata({ issuer: `https://other.example/${'x'.repeat(60)}/${'y '.repeat(99)}` }) },
      { [OIDC]: json({}) },
      { [OIDC]: metadata({ jwks_uri: 'https://name:secret@issuer.example:81/keys' }) },
      { [OIDC]: metadata({ jwks_uri: 'http://issuer.example/keys' }) },
      { [OIDC]: metadata({ jwks_uri: 'https://keys.example:444/keys' }) },
      { [OIDC]: json({ issuer: ISSUER }) },
      { [OIDC]: json([]) },
      { [OIDC]: json('{') },
      { [OIDC]: status(401) },
      { [OIDC]: json('<html>'), [OAUTH]: status(403) },
      { [OIDC]: status(302, { location: 'https://name:secret@log-in.example/?state=secret' }) },
      { [OIDC]: status(404), [OAUTH]: status(500) },
    ]
    const told = await Promise.all(faults.map(async (answers) => setUp(answers).refusal('a')))
    const summary = 'AuthError: The keys to verify the token with cannot be fetched. Fetching the keys of '
    expect(told.map((text) => text.replace(summary, ''))).toMatchInlineSnapshot(`
      [
        "https://issuer.example/tenant failed (status): No metadata from https://issuer.example/tenant/.well-known/openid-configuration (404), https://issuer.example/.well-known/oauth-authorization-server/tenant (404), https://issuer.example/.well-known/openid-configuration/tenant (404): The status was 404, not 200",
        "https://issuer.example/tenant failed (status): No metadata from https://issuer.example/tenant/.well-known/openid-configuration: The status was 500, not 200",
        "https://issuer.example/tenant failed (issuer_mismatch): The metadata names another issuer: expected "https://issuer.example/tenant", found "https://other.example/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx/y y y y y y y y y y y y y y y y y y y…"",
        "https://issuer.example/tenant failed (issuer_mismatch): The metadata names another issuer: expected "https://issuer.example/tenant", found nothing",
        "https://issuer.example/tenant failed (uri_not_allowed): The "jwks_uri" of the metadata, on "https://issuer.example:81", must not carry credentials",
        "https://issuer.example/tenant failed (uri_not_allowed): The "jwks_uri" of the metadata, on "http://issuer.example", must be https",
        "https://issuer.example/tenant failed (uri_not_allowed): The "jwks_uri" of the metadata is on "https://keys.example:444": add "keys.example" to "allowedKeyHosts" if it is to be trusted",
        "https://issuer.example/tenant failed (malformed): The metadata has no "jwks_uri" that is a URL",
        "https://issuer.example/tenant failed (malformed): The metadata is not a JSON object",
        "https://issuer.example/tenant failed (malformed): The metadata is not JSON",
        "https://issuer.example/tenant failed (status): No metadata from https://issuer.example/tenant/.well-known/openid-configuration (401), https://issuer.example/.well-known/oauth-authorization-server/tenant (404), https://issuer.example/.well-known/openid-configuration/tenant (404): The status was 401, not 200 (if it wants credentials, keySet.headers can send them)",
        "https://issuer.example/tenant failed (status): No metadata from https://issuer.example/tenant/.well-known/openid-configuration (a web page), https://issuer.example/.well-known/oauth-authorization-server/tenant (403), https://issuer.example/.well-known/openid-configuration/tenant (404): The status was 403, not 200 (if it wants credentials, keySet.headers can send them)",
        "https://issuer.example/tenant failed (redirect): No metadata from https://issuer.example/tenant/.well-known/openid-configuration (302), https://issuer.example/.well-known/oauth-authorization-server/tenant (404), https://issuer.example/.well-known/openid-configuration/tenant (404): Redirects are not followed (status 302 to "https://log-in.example/?state=…")",
        "https://issuer.example/tenant failed (status): No metadata from https://issuer.example/tenant/.well-known/openid-configuration (404), https://issuer.example/.well-known/oauth-authorization-server/tenant (500): The status was 500, not 200",
      ]
    `)
  })

  it.each([
    { allowedKeyHosts: 'keys.example' as never },
    { allowedKeyHosts: [7] as never },
    { allowedKeyHost: [] } as DiscoveredKeySetOptions,
    { coolDown: 5 } as DiscoveredKeySetOptions,
    { allowLoopbackHttp: 'false' as never },
  ])('is rejected at start-up with the options %j', (options) => {
    expect(() => discoveredKeySet(ISSUER, options)).toThrow(TypeError)
  })

  it.each([
    'http://issuer.example',
    'issuer',
    'https://issuer.example?x=1',
    'https://issuer.example#x',
    'https://a@issuer.example',
    'file:///x',
  ])('is rejected at start-up for the issuer %s', (issuer) => {
    expect(() => discoveredKeySet(issuer)).toThrow(/^Cannot discover keys: /)
  })
})
