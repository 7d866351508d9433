import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

import { disableNetwork, enableNetwork, endpoint, json, resetNetwork, text } from '../../../support/msw/network.ts'
import {
  goodSet,
  JWKS_URI,
  knownToken,
  unknown,
  unknownToken,
  verification,
} from '../../../support/msw/verification.ts'

beforeAll(enableNetwork)
afterEach(resetNetwork)
afterAll(disableNetwork)

const both = { keys: [...goodSet.keys, unknown.publicJwk] }
const conditions = (requests: readonly Request[]) => requests.map(({ headers }) => headers.get('if-none-match'))

describe('Cache-Control of a JWK Set', () => {
  it.each<[what: string, fields: [string, string][], seconds: number]>([
    ['absent', [], 600],
    ['a lifetime', [['cache-control', 'public, max-age=120, must-revalidate']], 120],
    ['a lifetime in upper case', [['cache-control', 'Max-Age=120']], 120],
    ['a lifetime in quotes', [['cache-control', 'max-age="120"']], 120],
    ['too short a lifetime', [['cache-control', 'max-age=5']], 60],
    ['a lifetime of 0', [['cache-control', 'max-age=0']], 60],
    ['too long a lifetime', [['cache-control', 'max-age=31536000, immutable']], 86_400],
    ['a lifetime beyond the range of numbers', [['cache-control', `max-age=${'9'.repeat(400)}`]], 86_400],
    ['no-store', [['cache-control', 'no-store']], 600],
    ['no-store with a lifetime', [['cache-control', 'max-age=3600, no-store']], 600],
    ['no-cache', [['cache-control', 'no-cache, max-age=3600']], 600],
    ['a lifetime for shared caches only', [['cache-control', 's-maxage=120']], 600],
    ['a directive with a similar name', [['cache-control', 'x-max-age=120']], 600],
    ['a negative lifetime', [['cache-control', 'max-age=-120']], 600],
    ['words', [['cache-control', 'max-age=soon']], 600],
    ['noise', [['cache-control', ';;==,,"']], 600],
    ['two lifetimes', [['cache-control', 'max-age=120, max-age=900']], 120],
    [
      'two fields',
      [
        ['cache-control', 'public'],
        ['cache-control', 'max-age=120'],
      ],
      120,
    ],
    [
      'a lifetime that has partly passed',
      [
        ['cache-control', 'max-age=180'],
        ['age', '60'],
      ],
      120,
    ],
    [
      'a lifetime that has passed',
      [
        ['cache-control', 'max-age=180'],
        ['age', '9000'],
      ],
      60,
    ],
    [
      'a lifetime and an invalid age',
      [
        ['cache-control', 'max-age=120'],
        ['age', 'old'],
      ],
      120,
    ],
    ['Expires, which is ignored', [['expires', 'Thu, 01 Jan 1970 00:00:00 GMT']], 600],
  ])('sets its fresh period, within limits: %s', async (_, fields, seconds) => {
    const { requests } = endpoint(JWKS_URI, json(goodSet, fields))
    const { verify, clock } = verification({ jwksUri: JWKS_URI })
    expect(await verify(knownToken)).toBe('verified')
    // The background refresh starts after 80 % of the lifetime.
    await clock.advanceAsync(seconds * 790)
    expect(await verify(knownToken)).toBe('verified')
    expect(requests).toHaveLength(1)
    await clock.advanceAsync(seconds * 220)
    expect(await verify(knownToken)).toBe('verified')
    expect(requests).toHaveLength(2)
  })

  it('can be longer in a later answer', async () => {
    const { requests } = endpoint(
      JWKS_URI,
      json(goodSet, { 'cache-control': 'max-age=60' }),
      json(goodSet, { 'cache-control': 'max-age=600' }),
    )
    const { verify, clock } = verification({ jwksUri: JWKS_URI })
    for (const seconds of [0, 61, 400]) {
      clock.advance(seconds * 1000)
      expect(await verify(knownToken)).toBe('verified')
    }
    expect(requests).toHaveLength(2)
  })
})

describe('ETag of a JWK Set', () => {
  it.each(['"1"', 'W/"1"', '"with, comma"'])(
    'makes the next request conditional, and 304 a confirmation: %s',
    async (tag) => {
      const { requests } = endpoint(JWKS_URI, json(goodSet, { etag: tag }), text(null, 304))
      const { verify, clock, keyEvents } = verification({ jwksUri: JWKS_URI, keySet: { freshFor: 60 } })
      for (const seconds of [0, 61, 61]) {
        clock.advance(seconds * 1000)
        expect(await verify(knownToken)).toBe('verified')
      }
      expect(conditions(requests)).toEqual([null, tag, tag])
      expect(keyEvents.map(({ type }) => type)).toEqual(['keys.refreshed', 'keys.refreshed', 'keys.refreshed'])
    },
  )

  it('is that of the last answer, including a 304', async () => {
    const { requests } = endpoint(
      JWKS_URI,
      json(goodSet, { etag: '"1"' }),
      text(null, 304, { etag: '"2"' }),
      json(goodSet, { etag: '"3"' }),
      json(goodSet),
    )
    const { verify, clock } = verification({ jwksUri: JWKS_URI, keySet: { freshFor: 60 } })
    for (const seconds of [0, 61, 61, 61, 61]) {
      clock.advance(seconds * 1000)
      expect(await verify(knownToken)).toBe('verified')
    }
    expect(conditions(requests)).toEqual([null, '"1"', '"2"', '"3"', null])
  })

  it('allows a 304 to set the fresh period from then on', async () => {
    const { requests } = endpoint(
      JWKS_URI,
      json(goodSet, { etag: '"1"', 'cache-control': 'max-age=60' }),
      text(null, 304, { 'cache-control': 'max-age=600' }),
    )
    const { verify, clock } = verification({ jwksUri: JWKS_URI })
    for (const seconds of [0, 61, 400]) {
      clock.advance(seconds * 1000)
      expect(await verify(knownToken)).toBe('verified')
    }
    expect(requests).toHaveLength(2)
  })

  it('does not delay a changed set', async () => {
    endpoint(JWKS_URI, json(goodSet, { etag: '"1"' }), json(both, { etag: '"2"' }))
    const { verify } = verification({ jwksUri: JWKS_URI })
    expect(await verify(knownToken)).toBe('verified')
    expect(await verify(unknownToken)).toBe('verified')
  })

  it('allows a 304 to confirm that a key is unknown', async () => {
    const { requests } = endpoint(JWKS_URI, json(goodSet, { etag: '"1"' }), text(null, 304))
    const { verify } = verification({ jwksUri: JWKS_URI })
    expect(await verify(knownToken)).toBe('verified')
    expect(await verify(unknownToken)).toBe('401 key_not_found')
    expect(requests).toHaveLength(2)
  })
})
