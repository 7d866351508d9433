import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

import { disableNetwork, enableNetwork, endpoint, json, resetNetwork, text } from '../../../support/msw/network.ts'
import { goodSet, JWKS_URI, known, knownToken, unknownToken, verification } from '../../../support/msw/verification.ts'

beforeAll(enableNetwork)
afterEach(resetNetwork)
afterAll(disableNetwork)

const ELSEWHERE = 'https://elsewhere.example/keys'
const good = JSON.stringify(goodSet)
const to = (status: number) => text(null, status, { location: ELSEWHERE })
const encryptionKey = { ...known.publicJwk, use: 'enc' }
const secret = { kty: 'oct', kid: 'known', k: 'c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA' }

/** Answers without usable keys, and the reasons. */
const failures: readonly (readonly [what: string, answer: () => Response, reason: string])[] = [
  [
    'an HTML page with 200',
    text('<!doctype html><title>Sign in</title>', 200, { 'content-type': 'text/html' }),
    'malformed',
  ],
  ['an HTML page labelled as JSON', text('<html></html>', 200, { 'content-type': 'application/json' }), 'malformed'],
  ['201', text(good, 201), 'status'],
  ['204', text(null, 204), 'status'],
  ['206', text(good, 206), 'status'],
  ['304 to a request without conditions', text(null, 304), 'status'],
  ['301', to(301), 'redirect'],
  ['302', to(302), 'redirect'],
  ['303', to(303), 'redirect'],
  ['307', to(307), 'redirect'],
  ['308', to(308), 'redirect'],
  ['302 with keys', text(good, 302, { location: ELSEWHERE }), 'redirect'],
  ['400', text(good, 400), 'status'],
  ['401', text(good, 401, { 'www-authenticate': 'Basic realm="proxy"' }), 'status'],
  ['403', text(good, 403), 'status'],
  ['404', text(good, 404), 'status'],
  ['429', text(good, 429), 'status'],
  ['500', text(good, 500), 'status'],
  ['503', text(good, 503), 'status'],
  ['an empty body', text(''), 'malformed'],
  ['no body', text(null), 'malformed'],
  ['truncated JSON', text(good.slice(0, -3)), 'malformed'],
  ['JSON with trailing text', text(`${good}}`), 'malformed'],
  ['a byte order mark', text(`\uFEFF${good}`), 'malformed'],
  [
    'UTF-16',
    text(Buffer.from(good, 'utf16le'), 200, { 'content-type': 'application/json; charset=utf-16le' }),
    'malformed',
  ],
  ['bytes that are not UTF-8', text(Buffer.from(good.replace('ES256', '\u00E9'), 'latin1')), 'malformed'],
  ['null', json(null), 'malformed'],
  ['an array', json([known.publicJwk]), 'malformed'],
  ['a single key without a set', json(known.publicJwk), 'malformed'],
  ['an object without keys', json({}), 'malformed'],
  ['keys that are an object', json({ keys: { known: known.publicJwk } }), 'malformed'],
  ['keys that are a string', json({ keys: good }), 'malformed'],
  ['keys that are null', json({ keys: null }), 'malformed'],
  ['keys twice', text(`{"keys":[],${good.slice(1)}`), 'malformed'],
  ['an error in JSON with 200', json({ error: 'temporarily_unavailable' }), 'malformed'],
  ['an empty set', json({ keys: [] }), 'no_usable_key'],
  ['members that are not objects', json({ keys: [null, 1, 'key', []] }), 'no_usable_key'],
  ['members of unknown kinds', json({ keys: [{ kty: 'XYZ', kid: 'known' }, {}] }), 'no_usable_key'],
  ['keys for encryption', json({ keys: [encryptionKey] }), 'no_usable_key'],
  ['a secret', json({ keys: [secret] }), 'no_usable_key'],
  ['a private key', json({ keys: [known.privateJwk] }), 'no_usable_key'],
  ['more members than are read', json({ keys: Array.from({ length: 65 }, () => known.publicJwk) }), 'too_large'],
  ['more bytes than are read', text(`${good}${' '.repeat(70_000)}`), 'too_large'],
]

describe('the default transport', () => {
  it('is intercepted by msw here, and sends correct requests', async () => {
    const { requests } = endpoint(JWKS_URI, json(goodSet))
    expect(await verification({ jwksUri: JWKS_URI }).verify(knownToken)).toBe('verified')
    expect(requests.map(({ method, url }) => `${method} ${url}`)).toEqual([`GET ${JWKS_URI}`])
    const headers = Object.fromEntries(requests[0]?.headers ?? [])
    // The runtime's own fetch requests compression; the transport on undici does not.
    expect(headers).toMatchObject({ 'accept-encoding': 'identity', accept: expect.stringContaining('jwk-set+json') })
    expect(headers).not.toHaveProperty('authorization')
    expect(headers).not.toHaveProperty('if-none-match')
  })
})

describe('the first answer of a JWK Set URL', () => {
  it.each(failures)('means 503 and one request: %s', async (_, answer, reason) => {
    const { requests } = endpoint(JWKS_URI, answer)
    const elsewhere = endpoint(ELSEWHERE, json(goodSet))
    const { verify, verifier, keyEvents } = verification({ jwksUri: JWKS_URI })
    expect(await verify(knownToken)).toBe('503 keys_unavailable retry after 1')
    expect(keyEvents).toEqual([{ type: 'keys.unavailable', uri: JWKS_URI, reason, retryAfter: 1 }])
    expect((await verifier.explain(knownToken)).summary).toContain(`(${reason})`)
    expect(requests).toHaveLength(1)
    expect(elsewhere.requests).toEqual([])
  })

  it('is requested again after the back-off, and then accepted', async () => {
    const { requests } = endpoint(JWKS_URI, text('', 500), json(goodSet))
    const { verify, clock, keyEvents } = verification({ jwksUri: JWKS_URI })
    expect(await verify(knownToken)).toBe('503 keys_unavailable retry after 1')
    clock.advance(1000)
    expect(await verify(knownToken)).toBe('verified')
    expect(requests).toHaveLength(2)
    expect(keyEvents.at(-1)).toMatchObject({ type: 'keys.refreshed', keys: 1, skipped: 0 })
  })

  it('is requested again immediately if the connection failed', async () => {
    const { requests } = endpoint(JWKS_URI, () => Response.error(), json(goodSet))
    expect(await verification({ jwksUri: JWKS_URI }).verify(knownToken)).toBe('verified')
    expect(requests).toHaveLength(2)
  })

  it.each([
    ['another type of text', 'text/html'],
    ['bytes', 'application/octet-stream'],
    ['a JWK Set', 'application/jwk-set+json'],
    ['a JWK Set in UTF-8', 'application/jwk-set+json; charset=UTF-8'],
    ['JSON with a quoted charset', 'application/json;charset="utf-8"'],
    ['text in another charset', 'text/plain; charset=iso-8859-1'],
    ['something broken', ';;'],
    ['nothing', undefined],
  ])('is accepted for its content, not for its content type: %s', async (_, type) => {
    const body = Buffer.from(good)
    endpoint(JWKS_URI, text(body, 200, type === undefined ? {} : { 'content-type': type }))
    expect(await verification({ jwksUri: JWKS_URI }).verify(knownToken)).toBe('verified')
  })

  it('can contain members that cannot be used and one that can', async () => {
    endpoint(
      JWKS_URI,
      json({ keys: [null, { ...secret, kid: 'other' }, encryptionKey, { kty: 'XYZ' }, known.publicJwk] }),
    )
    const { verify, keyEvents } = verification({ jwksUri: JWKS_URI })
    expect(await verify(knownToken)).toBe('verified')
    expect(keyEvents.flatMap((event) => (event.type === 'key.skipped' ? [event.reason] : []))).toEqual([
      'malformed',
      'symmetric',
      'wrong_use',
      'unsupported_type',
    ])
    expect(keyEvents.at(-1)).toMatchObject({ type: 'keys.refreshed', keys: 1, skipped: 4 })
  })
})

describe('a bad answer while there is a good set', () => {
  it.each(failures)('keeps the set in use, and denies no other keys: %s', async (_, answer, reason) => {
    const keys = endpoint(JWKS_URI, json(goodSet))
    const { verify, clock, keyEvents } = verification({ jwksUri: JWKS_URI, keySet: { freshFor: 60 } })
    expect(await verify(knownToken)).toBe('verified')
    keys.answer(answer)
    clock.advance(61_000)
    expect(await verify(knownToken)).toBe('verified')
    expect(await verify(unknownToken)).toMatch(/^503 keys_unavailable/)
    expect(keyEvents.at(-1)).toEqual({ type: 'keys.stale', uri: JWKS_URI, age: 61, reason, retryAfter: 1 })
    expect(keys.requests).toHaveLength(2)
  })

  it('does not confirm that a key is unknown, unlike a good one', async () => {
    const keys = endpoint(JWKS_URI, json(goodSet), text('', 500), json(goodSet))
    const { verify, clock } = verification({ jwksUri: JWKS_URI })
    expect(await verify(knownToken)).toBe('verified')
    expect(await verify(unknownToken)).toMatch(/^503 keys_unavailable/)
    clock.advance(60_000)
    expect(await verify(unknownToken)).toBe('401 key_not_found')
    expect(keys.requests).toHaveLength(3)
  })
})

describe('Retry-After', () => {
  // The clock of these tests is at Tue, 14 Nov 2023 22:13:20 GMT.
  it.each([
    ['seconds', '120', 120],
    ['seconds with white space', ' 120 ', 120],
    ['a date', 'Tue, 14 Nov 2023 22:15:20 GMT', 120],
    ['a date in the past', 'Tue, 14 Nov 2023 22:00:00 GMT', 1],
    ['zero', '0', 1],
    ['far too long', '86400', 300],
    ['longer than any number', '9'.repeat(40), 1],
    ['a date far away', 'Fri, 31 Dec 2199 23:59:59 GMT', 300],
    ['words', 'later', 1],
    ['a negative number', '-5', 1],
    ['a fraction', '1.5', 1],
    ['nothing', '', 1],
  ])('is passed on and respected, within limits: %s', async (_, value, seconds) => {
    const { requests } = endpoint(JWKS_URI, text('slow down', 429, { 'retry-after': value }), json(goodSet))
    const { verify, clock, keyEvents } = verification({ jwksUri: JWKS_URI })
    expect(await verify(knownToken)).toBe(`503 keys_unavailable retry after ${seconds}`)
    expect(keyEvents).toEqual([expect.objectContaining({ reason: 'status', retryAfter: seconds })])
    if (seconds > 1) {
      clock.advance((seconds - 1) * 1000)
      expect(await verify(knownToken)).toBe('503 keys_unavailable retry after 1')
      expect(requests).toHaveLength(1)
    }
    clock.advance(1000)
    expect(await verify(knownToken)).toBe('verified')
    expect(requests).toHaveLength(2)
  })
})
