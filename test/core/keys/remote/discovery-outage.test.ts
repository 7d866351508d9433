import { createVerifier, type Verifier } from '@claimgate/core'
import {
  startTestIssuer,
  startFaultyJwksServer,
  type Fault,
  type FaultyAnswer,
  type FaultyJwksServer,
  type TestIssuer,
} from '@claimgate/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { shiftedClock, type ShiftedClock } from '../../../support/resilience/shifted-clock.ts'
import { verdict } from '../../../support/resilience/verdict.ts'

const METADATA = '/.well-known/openid-configuration'
const KEYS = '/.well-known/jwks.json'

let started: TestIssuer
let elsewhere: FaultyJwksServer
let clock: ShiftedClock
let verifier: Verifier
let token: string
beforeEach(async () => {
  clock = shiftedClock()
  started = await startTestIssuer({ audience: 'api', ttl: 86_400, clock })
  elsewhere = await startFaultyJwksServer()
  verifier = createVerifier({
    issuer: started.issuer.issuer,
    audience: 'api',
    clock,
    keySet: { timeout: 2, softWait: 2 },
  })
  token = await started.issuer.issue({ sub: 'someone' })
})
afterEach(async () => {
  verifier.close()
  await Promise.all([started.close(), elsewhere.close()])
})

const ask = async (of = token): Promise<string> => verdict(verifier.verify(of))
const asked = (path: string): number =>
  started.server.stats().requests.filter((request) => request.path === path).length
/** The metadata from now on. */
const announce = (change: object, headers: Readonly<Record<string, string>> = {}): void => {
  started.server.at(METADATA).behave({ kind: 'ok', body: () => ({ ...started.issuer.metadata(), ...change }), headers })
}
const breakMetadata = (fault: FaultyAnswer): void => started.server.at(METADATA).behave(fault)

describe('metadata with the rules of key sets', () => {
  it.each<[string, FaultyAnswer]>([
    ['is reset', { kind: 'reset', at: 'start' }],
    ['is 500', { kind: 'status', status: 500 }],
    ['is gone', { kind: 'status', status: 404 }],
    ['is a page', { kind: 'html' }],
    ['is cut', { kind: 'truncated' }],
    ['redirects', { kind: 'redirect', location: '/elsewhere' }],
    ['is endless', { kind: 'endless' }],
    ['is a gzip bomb', { kind: 'gzip-bomb', size: 5_000_000 }],
    [
      'names another issuer',
      { kind: 'ok', body: { issuer: 'https://attacker.example', jwks_uri: 'https://attacker.example/jwks' } },
    ],
    ['names no keys', { kind: 'ok', body: {} }],
    ['names keys on another host', { kind: 'ok', body: { jwks_uri: 'https://attacker.example/jwks' } }],
  ])(
    'that %s after being good removes no key: known and new keys are verified for as long as their URL was known',
    async (_, fault) => {
      expect(await ask()).toBe('verified')
      breakMetadata(fault)
      // Keys are still refreshed from the known URL, and metadata is requested repeatedly.
      for (let minutes = 0; minutes < 60; minutes += 5) {
        clock.pass(300)
        expect([minutes, await ask()]).toEqual([minutes, 'verified'])
      }
      await started.issuer.rotate({ publishAhead: 0 })
      clock.pass(61)
      expect(await ask(await started.issuer.issue({ sub: 'someone' }))).toBe('verified')
      expect(asked(METADATA)).toBeGreaterThan(2)
      expect(asked(METADATA)).toBeLessThan(40)
      // Recovery is automatic.
      announce({})
      clock.pass(700)
      expect(await ask()).toBe('verified')
    },
  )

  it('that fails on a cold start is requested no more often than keys would be, with 503 as the answer', async () => {
    breakMetadata({ kind: 'status', status: 503 })
    const times: number[] = []
    const begun = clock.monotonic()
    for (let seconds = 0; seconds < 600; seconds += 2) {
      const before = asked(METADATA)
      expect(await ask()).toBe('503 keys_unavailable')
      if (asked(METADATA) > before) times.push(clock.monotonic() - begun)
      clock.pass(2)
    }
    expect(asked(METADATA)).toBe(times.length)
    expect(asked(KEYS)).toBe(0)
    expect(times.filter((at) => at < 60_000).length).toBeLessThanOrEqual(7)
    const later = times.filter((at) => at >= 60_000)
    expect(later.length).toBeGreaterThan(5)
    for (const [index, at] of later.entries())
      expect(at - (later[index - 2] ?? -Infinity)).toBeGreaterThanOrEqual(60_000)
    announce({})
    clock.pass(61)
    expect(await ask()).toBe('verified')
  })

  it('that moves the keys is followed: by the next refresh, or immediately if the old URL fails', async () => {
    expect(await ask()).toBe('verified')
    elsewhere.publish(started.issuer.jwks())
    // From here on the metadata may be cached for a day: only a failure causes another request.
    announce({ jwks_uri: elsewhere.urlOf('/new') }, { 'cache-control': 'max-age=86400' })
    clock.pass(700)
    expect(await ask()).toBe('verified')
    expect(elsewhere.stats().requests.map(({ path }) => path)).toEqual(['/new'])
    announce({ jwks_uri: elsewhere.urlOf('/newer') })
    elsewhere.at('/new').behave({ kind: 'status', status: 410 })
    for (let seconds = 0; seconds < 900; seconds += 100) {
      clock.pass(100)
      expect(await ask()).toBe('verified')
    }
    expect(elsewhere.stats().requests.some(({ path }) => path === '/newer')).toBe(true)
  })

  it('that an attacker changed for a while has no permanent effect: the keys return with the metadata', async () => {
    expect(await ask()).toBe('verified')
    // An attacker who can change the metadata for ten minutes points it at their own keys, cached for a day.
    const attacker = await startTestIssuer({ audience: 'api' })
    await elsewhere.behave({
      kind: 'ok',
      body: attacker.issuer.jwks(),
      headers: { 'cache-control': 'max-age=99999999' },
    })
    started.server.at(METADATA).behave({
      kind: 'ok',
      body: { ...started.issuer.metadata(), jwks_uri: elsewhere.url },
      headers: { 'cache-control': 'max-age=99999999' },
    })
    clock.pass(700)
    expect(await ask()).toBe('401 key_not_found')
    announce({})
    // A day is the longest cache time; a failed signature or an unknown kid requests keys, not metadata.
    clock.pass(86_401)
    token = await started.issuer.issue({ sub: 'someone' })
    expect(await ask()).toBe('verified')
    await attacker.close()
  })

  it.each<[string, Fault]>([
    ['is slow', { kind: 'ok', delay: 150 }],
    ['is fast', { kind: 'ok' }],
  ])('is fetched once for many concurrent requests on a cold start, if the endpoint %s', async (_, fault) => {
    await started.server.behave({ ...fault, body: () => started.issuer.jwks() } as Fault)
    expect(new Set(await Promise.all(Array.from({ length: 500 }, async () => ask())))).toEqual(new Set(['verified']))
    expect([asked(METADATA), asked(KEYS)]).toEqual([1, 1])
  })
})
