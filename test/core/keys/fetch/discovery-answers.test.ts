import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

import { disableNetwork, enableNetwork, endpoint, json, resetNetwork, text } from '../../../support/msw/network.ts'
import {
  goodSet,
  ISSUER,
  JWKS_URI,
  knownToken,
  unknown,
  unknownToken,
  verification,
} from '../../../support/msw/verification.ts'

beforeAll(enableNetwork)
afterEach(resetNetwork)
afterAll(disableNetwork)

const OPENID = `${ISSUER}/.well-known/openid-configuration`
const OAUTH = `${ISSUER}/.well-known/oauth-authorization-server`
const OTHER_HOST = 'https://keys.example/keys'
const metadata = { issuer: ISSUER, jwks_uri: JWKS_URI }
const good = JSON.stringify(metadata)

/** Answers of the first metadata URL that end the search. */
const failures: readonly (readonly [what: string, answer: () => Response, reason: string])[] = [
  ['another issuer', json({ ...metadata, issuer: 'https://other.example' }), 'issuer_mismatch'],
  ['the issuer with a slash', json({ ...metadata, issuer: `${ISSUER}/` }), 'issuer_mismatch'],
  ['the issuer in upper case', json({ ...metadata, issuer: 'https://ISSUER.example' }), 'issuer_mismatch'],
  ['the issuer in an array', json({ ...metadata, issuer: [ISSUER] }), 'issuer_mismatch'],
  ['no issuer', json({ jwks_uri: JWKS_URI }), 'issuer_mismatch'],
  ['keys on another host', json({ ...metadata, jwks_uri: OTHER_HOST }), 'uri_not_allowed'],
  [
    'keys on a host with the same prefix',
    json({ ...metadata, jwks_uri: `${ISSUER}.evil.example/keys` }),
    'uri_not_allowed',
  ],
  ['keys on a subdomain', json({ ...metadata, jwks_uri: 'https://keys.issuer.example/keys' }), 'uri_not_allowed'],
  ['keys over http', json({ ...metadata, jwks_uri: 'http://issuer.example/keys' }), 'uri_not_allowed'],
  ['keys on this machine', json({ ...metadata, jwks_uri: 'http://127.0.0.1:9/keys' }), 'uri_not_allowed'],
  [
    'keys with credentials',
    json({ ...metadata, jwks_uri: 'https://me:secret@issuer.example/keys' }),
    'uri_not_allowed',
  ],
  [
    'the issuer as credentials',
    json({ ...metadata, jwks_uri: 'https://issuer.example@keys.example/' }),
    'uri_not_allowed',
  ],
  ['keys with a fragment', json({ ...metadata, jwks_uri: `${JWKS_URI}#fragment` }), 'uri_not_allowed'],
  [
    'keys in a data URL',
    json({ ...metadata, jwks_uri: `data:application/json,${JSON.stringify(goodSet)}` }),
    'uri_not_allowed',
  ],
  ['keys in a file', json({ ...metadata, jwks_uri: 'file:///etc/keys.json' }), 'uri_not_allowed'],
  ['keys at a relative URL', json({ ...metadata, jwks_uri: '/keys' }), 'malformed'],
  ['keys without a URL', json({ issuer: ISSUER }), 'malformed'],
  ['a list of URLs', json({ ...metadata, jwks_uri: [JWKS_URI] }), 'malformed'],
  ['keys in place of a URL', json({ issuer: ISSUER, jwks: goodSet }), 'malformed'],
  ['the URL of the keys twice', text(`{"jwks_uri":"${OTHER_HOST}",${good.slice(1)}`), 'malformed'],
  ['an empty body', text(''), 'malformed'],
  ['truncated JSON', text(good.slice(0, -2)), 'malformed'],
  ['a byte order mark', text(`\uFEFF${good}`), 'malformed'],
  ['an array', json([metadata]), 'malformed'],
  ['204', text(null, 204), 'status'],
  ['304', text(null, 304), 'status'],
  ['429', text(good, 429), 'status'],
  ['500', text(good, 500), 'status'],
]

/** Answers of a server that has no metadata at a URL, and does not answer with a 404. */
const absences: readonly (readonly [what: string, answer: () => Response, reason: string])[] = [
  ['an HTML page', text('<!doctype html>', 200, { 'content-type': 'text/html' }), 'malformed'],
  ['an HTML page labelled as JSON', text('\uFEFF \n<html>', 200, { 'content-type': 'application/json' }), 'malformed'],
  [
    'an HTML page over the size limit',
    text(` ${'x'.repeat(70_000)}`, 200, { 'content-type': 'Text/HTML; charset=utf-8' }),
    'too_large',
  ],
  ['301', text(null, 301, { location: `${ISSUER}/log-in` }), 'redirect'],
  ['302', text(good, 302, { location: OTHER_HOST }), 'redirect'],
]

describe('metadata', () => {
  it.each(absences)(
    'is requested at the URL of RFC 8414 after %s, and a redirect is not followed',
    async (_, answer) => {
      const first = endpoint(OPENID, answer)
      const second = endpoint(OAUTH, json(metadata))
      const keys = endpoint(JWKS_URI, json(goodSet))
      const elsewhere = [OTHER_HOST, `${ISSUER}/log-in`].map((url) => endpoint(url, json(metadata)))
      expect(await verification().verify(knownToken)).toBe('verified')
      expect([first, second, keys].map(({ requests }) => requests.length)).toEqual([1, 1, 1])
      expect(elsewhere.flatMap(({ requests }) => requests)).toEqual([])
    },
  )

  it.each(absences)('may not exist, and all URLs answer with %s', async (_, answer, reason) => {
    const addresses = [OPENID, OAUTH].map((url) => endpoint(url, answer))
    const { verify, keyEvents } = verification()
    expect(await verify(knownToken)).toBe('503 keys_unavailable retry after 1')
    expect(keyEvents).toEqual([{ type: 'keys.unavailable', uri: ISSUER, reason, retryAfter: 1 }])
    expect(addresses.map(({ requests }) => requests.length)).toEqual([1, 1])
  })

  it.each(failures)('is rejected, and nothing else is requested: %s', async (_, answer, reason) => {
    const first = endpoint(OPENID, answer)
    const others = [OAUTH, JWKS_URI, OTHER_HOST].map((url) => endpoint(url, json(metadata)))
    const { verify, keyEvents } = verification()
    expect(await verify(knownToken)).toBe('503 keys_unavailable retry after 1')
    expect(keyEvents).toEqual([{ type: 'keys.unavailable', uri: ISSUER, reason, retryAfter: 1 }])
    expect(first.requests).toHaveLength(1)
    expect(others.flatMap(({ requests }) => requests)).toEqual([])
  })

  it.each([400, 401, 403, 404, 405, 410, 501])('is requested at the URL of RFC 8414 after a %i', async (status) => {
    const first = endpoint(OPENID, text('nothing here', status))
    const second = endpoint(OAUTH, json(metadata))
    const keys = endpoint(JWKS_URI, json(goodSet))
    expect(await verification().verify(knownToken)).toBe('verified')
    expect([first, second, keys].map(({ requests }) => requests.length)).toEqual([1, 1, 1])
  })

  it('may not exist', async () => {
    const addresses = [OPENID, OAUTH].map((url) => endpoint(url, text(null, 404)))
    const { verify, keyEvents } = verification()
    expect(await verify(knownToken)).toBe('503 keys_unavailable retry after 1')
    expect(keyEvents).toEqual([{ type: 'keys.unavailable', uri: ISSUER, reason: 'status', retryAfter: 1 }])
    expect(addresses.map(({ requests }) => requests.length)).toEqual([1, 1])
  })

  it('passes Retry-After on', async () => {
    endpoint(OPENID, text(null, 503, { 'retry-after': '90' }))
    expect(await verification().verify(knownToken)).toBe('503 keys_unavailable retry after 90')
  })

  it.each([
    ['any content type', text(good, 200, { 'content-type': 'text/html' })],
    ['unneeded members', json({ ...metadata, token_endpoint: 'http://elsewhere.example', jwks: {} })],
    ['another port of the same host', json({ ...metadata, jwks_uri: 'https://issuer.example:8443/keys' })],
  ])('is accepted with %s', async (_, answer) => {
    endpoint(OPENID, answer)
    endpoint(JWKS_URI, json(goodSet))
    endpoint('https://issuer.example:8443/keys', json(goodSet))
    expect(await verification().verify(knownToken)).toBe('verified')
  })

  it.each([
    [['keys.example'], 'verified'],
    [['example'], '503 keys_unavailable retry after 1'],
    [[], '503 keys_unavailable retry after 1'],
  ])('can name keys on another host that the configuration allows: %j', async (allowedKeyHosts, expected) => {
    endpoint(OPENID, json({ ...metadata, jwks_uri: OTHER_HOST }))
    endpoint(OTHER_HOST, json(goodSet))
    expect(await verification({ allowedKeyHosts }).verify(knownToken)).toBe(expected)
  })
})

describe('known metadata', () => {
  it('is not requested again because of an unknown key', async () => {
    const first = endpoint(OPENID, json(metadata))
    const keys = endpoint(JWKS_URI, json(goodSet))
    const { verify } = verification()
    expect(await verify(knownToken)).toBe('verified')
    expect(await verify(unknownToken)).toBe('401 key_not_found')
    expect([first, keys].map(({ requests }) => requests.length)).toEqual([1, 2])
  })

  it('is refreshed, so that keys can move', async () => {
    const first = endpoint(OPENID, json(metadata), json({ ...metadata, jwks_uri: `${ISSUER}/new-keys` }))
    const oldKeys = endpoint(JWKS_URI, json(goodSet))
    const newKeys = endpoint(`${ISSUER}/new-keys`, json({ keys: [unknown.publicJwk] }))
    const { verify, clock } = verification({ keySet: { freshFor: 60 } })
    expect(await verify(knownToken)).toBe('verified')
    clock.advance(61_000)
    expect(await verify(unknownToken)).toBe('verified')
    // The token is too young for the new set to deny its key.
    expect(await verify(knownToken)).toBe('503 keys_unavailable retry after 30')
    expect([first, oldKeys, newKeys].map(({ requests }) => requests.length)).toEqual([2, 1, 1])
    clock.advance(30_000)
    expect(await verify(knownToken)).toBe('401 key_not_found')
  })

  it.each(failures)('remains in use with its keys if the next answer is rejected: %s', async (_, answer) => {
    const first = endpoint(OPENID, json(metadata), answer)
    const keys = endpoint(JWKS_URI, json(goodSet))
    const others = [OAUTH, OTHER_HOST].map((url) => endpoint(url, json(metadata)))
    const { verify, clock, keyEvents } = verification({ keySet: { freshFor: 60 } })
    expect(await verify(knownToken)).toBe('verified')
    clock.advance(61_000)
    expect(await verify(knownToken)).toBe('verified')
    expect([first, keys].map(({ requests }) => requests.length)).toEqual([2, 2])
    expect(others.flatMap(({ requests }) => requests)).toEqual([])
    expect(keyEvents.map(({ type }) => type)).toEqual(['keys.refreshed', 'keys.stale', 'keys.refreshed'])
  })
})
