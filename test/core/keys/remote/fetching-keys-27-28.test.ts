import { setDefaultCACertificates, getCACertificates } from 'node:tls'

import { remoteKeySet, type JwkSetSeed } from '@claimgate/core/extend'
import { expiredCertificate, startFaultyJwksServer, unresolvable, validCertificate } from '@claimgate/testing'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'

import { startChild } from '../../../support/resilience/child/run-child.ts'
import { garbage } from '../../../support/resilience/faults.ts'
import { report } from '../../../support/resilience/report.ts'
import { shiftedClock } from '../../../support/resilience/shifted-clock.ts'
import { verdict } from '../../../support/resilience/verdict.ts'
import { a, b, causeOf, publicJwks, quick, startWorld } from '../../../support/resilience/world.ts'

const MEGABYTE = 1_048_576

beforeAll(async () => {
  // The first fetch loads the transport, which takes longer than the short deadlines below.
  const world = await startWorld()
  await world.keys.ready()
  await world.close()
})

describe('section D: one deadline and one size limit', () => {
  it.each([
    { kind: 'hang', at: 'start' },
    { kind: 'hang', at: 'headers' },
    { kind: 'hang', at: 'body' },
    { kind: 'drip', part: 'headers', every: 25 },
    { kind: 'drip', part: 'body', every: 25 },
    { kind: 'ok', delay: 60_000 },
  ] as const)('27. %o exceeds the one deadline, and the connection is closed', async (fault) => {
    const world = await startWorld({ timeout: 0.4 })
    await world.server.behave(fault)
    const began = performance.now()
    expect(await world.ask('a')).toBe('503 keys_unavailable')
    const took = performance.now() - began
    expect(await world.whyNot()).toBe('timeout')
    // Coarse: a deadline for each part, or for each byte, would take seconds.
    expect(took).toBeGreaterThan(350)
    expect(took).toBeLessThan(5000)
    await world.server.idle()
    expect(world.server.stats()).toMatchObject({ aborted: 1, inFlight: 0 })
    await world.close()
  })

  it('27. a gzip bomb of 50 MB uses less than 10 MB of memory, and keeps none', async () => {
    const [bomb, ordinary] = [await startWorld(), await startWorld()]
    await bomb.server.behave({ kind: 'gzip-bomb', size: 50 * MEGABYTE })
    const child = startChild('gzip-bomb.ts', [bomb.server.url, ordinary.server.url], { flags: ['--expose-gc'] })
    const { code, output, errors } = await child.ended
    expect([code, errors]).toEqual([0, ''])
    const { outcomes, grown, kept } = JSON.parse(output) as { outcomes: string[]; grown: number; kept: number }
    report(
      `5 gzip bombs of 50 MB: ${(grown / MEGABYTE).toFixed(1)} MB more at most, ${(kept / MEGABYTE).toFixed(1)} MB afterwards`,
    )
    expect(outcomes).toEqual(['fetched', 'fetched', ...Array.from({ length: 5 }, () => 'too_large')])
    expect(grown).toBeLessThan(10 * MEGABYTE)
    expect(kept).toBeLessThan(3 * MEGABYTE)
    await Promise.all([bomb.close(), ordinary.close()])
  })

  it('27. the size limit counts decoded bytes: a small body that becomes too large is rejected, and one that fits is not', async () => {
    const set = JSON.stringify({ keys: publicJwks.slice(0, 1) })
    for (const [size, outcome] of [
      [65_536, 'verified'],
      [65_537, '503 keys_unavailable'],
    ] as const) {
      const world = await startWorld()
      await world.server.behave({ kind: 'gzip-bomb', size })
      expect([size, set.length < size, await world.ask('a')]).toEqual([size, true, outcome])
      await world.close()
    }
  })

  it('27. an endless body is rejected at the size limit, long before the deadline', async () => {
    const world = await startWorld({ timeout: 30 })
    await world.server.behave({ kind: 'endless' })
    expect(await world.ask('a')).toBe('503 keys_unavailable')
    expect(await world.whyNot()).toBe('too_large')
    await world.server.idle()
    await world.close()
  })

  it.each(['text/html', 'application/octet-stream', 'image/png', '', 'application/json; charset=utf-16'])(
    '27. the content type %j is ignored: a set is a set',
    async (type) => {
      const world = await startWorld()
      await world.server.behave({ kind: 'ok', headers: { 'content-type': type } })
      expect(await world.ask('a')).toBe('verified')
      await world.close()
    },
  )
})

describe('section D: garbage', () => {
  it.each(garbage)(
    '28. an endpoint that %s keeps a good set in place, and never makes a token bad',
    async (_name, fault) => {
      const world = await startWorld(quick)
      expect(await world.untilVerified('a')).toBe('verified')
      // A token with an unknown kid triggers a fetch of a fresh set; the answer is undecided, not bad.
      await world.server.behave(fault)
      world.clock.pass(40)
      expect(await world.ask('b')).toBe('503 keys_unavailable')
      expect(await world.ask('a')).toBe('verified')
      // A set past its fresh period triggers a fetch itself.
      world.clock.pass(700)
      expect(await world.ask('a')).toBe('verified')
      expect(await world.ask('a')).toBe('verified')
      expect(world.keys.stats()).toMatchObject({ keys: 1, freshness: 'stale', generation: 1 })
      const { keys } = world.keys.export()?.jwks ?? { keys: [] }
      expect(keys.map(({ kid, x }) => [kid, x])).toEqual([['a', a?.x]])
      // It is over as soon as the endpoint works again.
      await world.server.behave({ kind: 'ok' })
      world.server.publish(...publicJwks)
      world.clock.pass(400)
      expect(await world.untilVerified('b')).toBe('verified')
      await world.close()
    },
  )

  it.each(garbage)('28. an endpoint that %s from the start causes 503, never 401', async (_name, fault) => {
    const world = await startWorld(quick)
    await world.server.behave(fault)
    expect(await world.ask('a')).toBe('503 keys_unavailable')
    expect(await world.ask('b')).toBe('503 keys_unavailable')
    expect(world.keys.stats()).toMatchObject({ keys: 0, freshness: 'cold' })
    await world.server.behave({ kind: 'ok' })
    world.clock.pass(400)
    expect(await world.untilVerified('a')).toBe('verified')
    await world.close()
  })

  const staleSeed = (uri: string, now: number): JwkSetSeed => ({
    uri,
    jwks: { keys: publicJwks.slice(0, 1) },
    fetchedAt: now - 700_000,
  })

  it('28. so does a host name that does not resolve', async () => {
    const uri = unresolvable()
    const clock = shiftedClock()
    const seeded = remoteKeySet(uri, { clock, ...quick, timeout: 2, seed: staleSeed(uri, clock.now()) })
    expect(await verdict(seeded.resolve({ alg: 'ES256', kid: 'a' }))).toBe('verified')
    const cold = remoteKeySet(uri, { clock, timeout: 2 })
    expect(await verdict(cold.resolve({ alg: 'ES256', kid: 'a' }))).toBe('503 keys_unavailable')
    seeded.close()
    cold.close()
  })

  describe('with certificates that this program trusts', () => {
    const before = getCACertificates('default')
    afterEach(() => setDefaultCACertificates(before))

    it('28. so does an expired certificate, and a good one is accepted', async () => {
      setDefaultCACertificates([...before, expiredCertificate.cert, validCertificate.cert])
      for (const [certificate, cold] of [
        [expiredCertificate, 'CERT_HAS_EXPIRED'],
        [validCertificate, 'fetched'],
      ] as const) {
        const server = await startFaultyJwksServer({ jwks: { keys: publicJwks.slice(0, 1) }, certificate })
        const clock = shiftedClock()
        const seeded = remoteKeySet(server.url, { clock, seed: staleSeed(server.url, clock.now()) })
        expect(await verdict(seeded.resolve({ alg: 'ES256', kid: 'a' }))).toBe('verified')
        const outcome = await remoteKeySet(server.url, { clock })
          .ready()
          .then(
            () => 'fetched',
            (error: unknown) => (causeOf(error).cause as { code?: string }).code,
          )
        expect(outcome).toBe(cold)
        await server.close()
      }
    })
  })

  it('28. valid sets replace the previous one: duplicate key IDs are refused, and alternating answers are accepted', async () => {
    const world = await startWorld()
    expect(await world.ask('a')).toBe('verified')
    await world.server.behave({ kind: 'duplicate-kids' })
    world.clock.pass(700)
    expect(await world.ask('a')).toBe('401 key_ambiguous')
    const [one, two] = [a, b].map((jwk) => ({ keys: jwk ? [jwk] : [] }))
    if (!one || !two) throw new Error('no sets')
    await world.server.behave({ kind: 'alternate', sets: [one, two] })
    world.clock.pass(700)
    expect(await world.ask('a')).toBe('verified')
    world.clock.pass(700)
    expect(await world.ask('b')).toBe('verified')
    await world.close()
  })
})
