import type { JWK } from 'jose'
import { describe, expect, it } from 'vitest'

import {
  type JwkSetSeed,
  type RemoteKeySetOptions,
  resolveKeySetOptions,
} from '../../../../packages/core/src/keys/remote/options.ts'
import { publicJwk } from '../../../support/core/test-jwks.ts'
import { checkSeed, seedOf, setFromSeed } from '../../../../packages/core/src/keys/remote/seed.ts'
import { lifetime } from '../../../../packages/core/src/keys/remote/refresh-policy.ts'
import { keepAlive } from '../../../../packages/core/src/keys/remote/shared-fetch.ts'
import { retrySeconds } from '../../../../packages/core/src/keys/fetch/fetch-error.ts'
import { manualClock } from '../../../support/core/manual-clock.ts'
import { discoveredKeySet, metadataUris } from '../../../../packages/core/src/keys/remote/discovery.ts'

const ID = 'https://issuer.example/keys'
const ec: JWK = await publicJwk({ kid: 'a' })
const clock = manualClock()
const now = clock.now()
const options = resolveKeySetOptions({ clock, random: () => 0, freshFor: 600, staleFor: 3600 })
const seed = (change: object = {}): JwkSetSeed => ({ uri: ID, jwks: { keys: [ec] }, fetchedAt: now, ...change })

describe('a set from a seed', () => {
  it.each<[string, object, boolean]>([
    ['made just now', {}, true],
    ['of another URL', { uri: `${ID}/` }, false],
    ['that has the maximum age', { fetchedAt: now - 4_199_999 }, true],
    ['that is too old', { fetchedAt: now - 4_200_000 }, false],
    ['from a clock a little ahead', { fetchedAt: now + 5000 }, true],
    ['from the future', { fetchedAt: now + 5001 }, false],
    ['without a time', { fetchedAt: undefined }, false],
    ['with a time that is text', { fetchedAt: `${now}` }, false],
    ['with an invalid time', { fetchedAt: Number.NaN }, false],
    ['of any age with a longer max-age', { fetchedAt: now - 4_200_000, maxAge: 700 }, true],
    ['with a shorter max-age', { fetchedAt: now - 3_700_000, maxAge: 60 }, false],
    ['with a max-age that is text', { fetchedAt: now - 4_200_000, maxAge: '7000' }, false],
    ['with an infinite max-age', { fetchedAt: now - 4_200_000, maxAge: Infinity }, false],
    ['with no usable key', { jwks: { keys: [{ ...ec, use: 'enc' }] } }, false],
  ])('%s', (_, change, taken) => {
    expect(setFromSeed(seed(change), ID, options) !== undefined).toBe(taken)
  })

  it('has its original age on the monotonic clock', () => {
    const held = setFromSeed(seed({ fetchedAt: now - 10_000, etag: '"1"', maxAge: 120 }), ID, options)
    expect(held).toMatchObject({
      confirmedAt: clock.monotonic() - 10_000,
      refreshAt: clock.monotonic() + 86_000,
      freshUntil: clock.monotonic() + 110_000,
      usableUntil: clock.monotonic() + 3_710_000,
      url: ID,
      text: undefined,
      etag: '"1"',
      fetchedAt: now - 10_000,
      maxAge: 120,
    })
    expect(setFromSeed(seed({ fetchedAt: now + 4000 }), ID, options)?.confirmedAt).toBe(clock.monotonic())
    expect(setFromSeed(seed({ maxAge: 5 }), ID, options)?.maxAge).toBe(60)
  })

  it('contains no more keys than a fetched one', () => {
    const jwks = { keys: Array.from({ length: 65 }, () => ec) }
    expect(() => setFromSeed(seed({ jwks }), ID, options)).toThrow('at most 64 are read')
  })

  it('is exported again as a seed', () => {
    const brought = (change: object): JwkSetSeed | undefined => {
      const held = setFromSeed(seed(change), ID, options)
      return held && seedOf(held, ID)
    }
    const jwks = { keys: [{ ...ec, use: 'sig' }] }
    expect(brought({})).toStrictEqual({ uri: ID, jwks, fetchedAt: now })
    expect(brought({ etag: '"1"', maxAge: 100 })).toStrictEqual({
      uri: ID,
      jwks,
      fetchedAt: now,
      etag: '"1"',
      maxAge: 100,
    })
  })
})

describe('a seed in the configuration', () => {
  it('must belong to its key set, and contain a JWK Set', () => {
    expect(checkSeed(seed(), { id: ID })).toEqual(seed())
    expect(checkSeed(seed({ jwks: { keys: Array.from({ length: 1000 }, () => ec) } }), { id: ID })).toBeDefined()
    expect(() => checkSeed(seed({ uri: 'https://other.example/' }), { id: ID })).toThrow(
      new TypeError(`Cannot use remote key set: "seed" must be of ${ID}, found "https://other.example/"`),
    )
    for (const jwks of [null, {}, { keys: Array.from({ length: 1001 }, () => ec) }])
      expect(() => checkSeed(seed({ jwks }), { id: ID })).toThrow(
        new TypeError('Cannot use remote key set: "seed" must hold a JWK Set'),
      )
  })
})

describe('the message about a seed of another key set', () => {
  const said = (uri: string, id: string): string => {
    try {
      checkSeed(seed({ uri }), { id })
      return ''
    } catch (error) {
      return (error as Error).message
    }
  }

  it('shows no values of a query', () => {
    const message = said('https://a.example/k?key=secret-1', 'https://a.example/k?key=secret-2')
    expect(message).toContain('"seed" must be of https://a.example/k?key=…')
    expect(message).not.toContain('secret')
  })

  it('names the address of the metadata where that identifies the key set', () => {
    const issuer = 'https://as.example'
    const metadataUri = 'https://as.example/metadata.json'
    const given = { metadataUri, seed: { uri: issuer, jwks: { keys: [] }, fetchedAt: 0 } }
    expect(() => discoveredKeySet(issuer, given)).toThrow(`"seed" must be of ${metadataUri}, found "${issuer}/"`)
  })
})

describe('the lifetime of a set', () => {
  it('starts when the set was confirmed', () => {
    expect(lifetime(7, 100, options)).toEqual({
      confirmedAt: 7,
      refreshAt: 80_007,
      freshUntil: 100_007,
      usableUntil: 3_700_007,
    })
  })
})

describe('seconds for Retry-After', () => {
  it('are whole, at least one', () => {
    expect([-5, 0, 1, 1000, 1001, 59_999, Infinity, Number.NaN].map(retrySeconds)).toEqual([1, 1, 1, 1, 2, 60, 1, 1])
  })
})

describe('waitUntil', () => {
  it('receives the work, and its errors have no effect', () => {
    const given: unknown[] = []
    const work = Promise.resolve()
    keepAlive((promise) => given.push(promise), work)
    keepAlive(undefined, work)
    expect(given).toEqual([work])
    expect(() => {
      keepAlive(() => {
        throw new Error('no request')
      }, work)
    }).not.toThrow()
  })
})

describe('metadata of an issuer', () => {
  it.each([
    ['https://issuer.example', ['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server']],
    ['https://issuer.example/', ['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server']],
    [
      'https://issuer.example/a/b/',
      [
        '/a/b/.well-known/openid-configuration',
        '/.well-known/oauth-authorization-server/a/b',
        '/.well-known/openid-configuration/a/b',
      ],
    ],
  ])('of %s is requested at %j', (issuer, paths) => {
    expect(metadataUris(new URL(issuer)).map(({ href }) => href)).toEqual(
      paths.map((path) => `https://issuer.example${path}`),
    )
  })
})

describe('options of a remote key set', () => {
  const complaint = (given: object): string => {
    try {
      resolveKeySetOptions(given)
      return 'taken'
    } catch (error) {
      return String(error).replace('TypeError: Cannot use remote key set: ', '')
    }
  }

  it.each<[keyof RemoteKeySetOptions, number, number, boolean]>([
    ['freshFor', 1, 86_400, false],
    ['staleFor', 0, 86_400, false],
    ['cooldown', 1, 3600, false],
    ['timeout', 0.01, 30, false],
    ['softWait', 0, 30, false],
    ['fetchesPerMinute', 1, 60, true],
    ['maxBytes', 1, 1_048_576, true],
    ['maxKeys', 1, 1000, true],
  ])('hold %s between %d and %d', (name, least, most, whole) => {
    const told = `"${name}" must be a ${whole ? 'whole number' : 'number of seconds'} from ${least} to ${most}, found `
    expect([complaint({ [name]: least }), complaint({ [name]: most })]).toEqual(['taken', 'taken'])
    expect(complaint({ [name]: least - 0.001 })).toBe(`${told}${least - 0.001}`)
    expect(complaint({ [name]: most + 1 })).toBe(`${told}${most + 1}`)
    expect(complaint({ [name]: `${most}` })).toBe(`${told}"${most}"`)
    expect(complaint({ [name]: least + 0.5 })).toBe(whole ? `${told}${least + 0.5}` : 'taken')
  })

  it('say what must be a function, a word or a boolean', () => {
    for (const name of ['fetch', 'random', 'onEvent', 'waitUntil'])
      expect(complaint({ [name]: 'x' })).toBe(`"${name}" must be a function, found "x"`)
    expect(complaint({ sharing: 'both' })).toBe('"sharing" must be "promise" or "poll", found "both"')
    for (const hosts of [
      'keycloak:8080',
      new Set(['keycloak:8080']),
      ['http://keycloak:8080'],
      ['*'],
      [''],
      [7],
      [null],
    ])
      expect(complaint({ allowHttpHosts: hosts })).toMatch(
        /^"allowHttpHosts" must be a list of hosts with their port, such as \["keycloak:8080"\], found /,
      )
    expect(complaint({ allowLoopbackHttp: 'false' })).toBe('"allowLoopbackHttp" must be true or false, found "false"')
  })

  it('have defaults', () => {
    const { freshFor, staleFor, cooldown, timeout, softWait, fetchesPerMinute, maxBytes, maxKeys, plainHttp, sharing } =
      resolveKeySetOptions({})
    expect({
      freshFor,
      staleFor,
      cooldown,
      timeout,
      softWait,
      fetchesPerMinute,
      maxBytes,
      maxKeys,
      plainHttp,
      sharing,
    }).toEqual({
      freshFor: 600,
      staleFor: 3600,
      cooldown: 30,
      timeout: 5,
      softWait: 1,
      fetchesPerMinute: 10,
      maxBytes: 65_536,
      maxKeys: 64,
      plainHttp: { loopback: 'allowed', hosts: [] },
      sharing: 'promise',
    })
    expect(
      resolveKeySetOptions({ allowLoopbackHttp: false, allowHttpHosts: ['Keycloak:8080', 'auth:80'] }).plainHttp,
    ).toEqual({ loopback: 'refused', hosts: ['keycloak:8080', 'auth'] })
    expect(Object.isFrozen(resolveKeySetOptions({}))).toBe(true)
  })
})
