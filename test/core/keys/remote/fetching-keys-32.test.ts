import { createVerifier } from '@claimgate/core'
import { remoteKeySet } from '@claimgate/core/extend'
import { startTestIssuer } from '@claimgate/testing'
import { describe, expect, it } from 'vitest'

import { shiftedClock } from '../../../support/resilience/shifted-clock.ts'
import { verdict } from '../../../support/resilience/verdict.ts'
import { startWorld } from '../../../support/resilience/world.ts'

const DAY = 86_400
const steps = [
  ['forward', DAY],
  ['back', -DAY],
] as const

describe('section D: a wall clock that is stepped by a day', () => {
  it.each(steps)('32. %s: keys are fetched at the same time as without the step', async (_, step) => {
    const world = await startWorld()
    expect(await world.ask('a')).toBe('verified')
    const fetchesAfter = async (seconds: number): Promise<number> => {
      world.clock.pass(seconds)
      expect(await world.ask('a')).toBe('verified')
      await world.server.idle()
      return world.server.stats().requests.length
    }
    world.clock.stepWall(step)
    expect(world.keys.stats().freshness).toBe('fresh')
    expect(await fetchesAfter(0)).toBe(1)
    expect(await fetchesAfter(470)).toBe(1)
    expect(await fetchesAfter(140)).toBe(2)
    // The cool-down is not longer or shorter either.
    world.clock.pass(61)
    expect(await world.ask('unknown')).toBe('401 key_not_found')
    world.clock.stepWall(-step)
    world.clock.pass(20)
    expect(await world.ask('unknown', 81)).toBe('401 key_not_found')
    expect(await world.ask('unknown', 79)).toBe('503 keys_unavailable')
    expect(world.server.stats().requests).toHaveLength(3)
    world.clock.pass(20)
    expect(await world.ask('unknown')).toBe('401 key_not_found')
    expect(world.server.stats().requests).toHaveLength(4)
    await world.close()
  })

  it.each(steps)(
    '32. %s, during an outage: a stale set is used as long as it would have been, and so is back-off',
    async (_, step) => {
      const world = await startWorld()
      expect(await world.ask('a')).toBe('verified')
      await world.server.behave({ kind: 'status', status: 503, retryAfter: 60 })
      world.clock.pass(700)
      expect(await world.ask('a')).toBe('verified')
      world.clock.stepWall(step)
      world.clock.pass(50)
      expect(await world.ask('a')).toBe('verified')
      expect(world.server.stats().requests).toHaveLength(2)
      world.clock.pass(11)
      expect(await world.ask('a')).toBe('verified')
      expect(world.server.stats().requests).toHaveLength(3)
      world.clock.pass(4190 - 761)
      expect(await world.ask('a')).toBe('verified')
      world.clock.pass(20)
      expect(await world.ask('a')).toBe('503 keys_unavailable')
      await world.close()
    },
  )

  it('32. tokens expire by wall time, and nbf also follows it', async () => {
    const { issuer, close } = await startTestIssuer({ audience: 'api', ttl: 600 })
    const clock = shiftedClock()
    const verifier = createVerifier({ issuer: issuer.issuer, audience: 'api', clock })
    const token = await issuer.issue({ sub: 'someone' })
    const ask = async (): Promise<string> => verdict(verifier.verify(token))
    expect(await ask()).toBe('verified')
    clock.stepWall(DAY)
    expect(await ask()).toBe('401 token_expired')
    clock.stepWall(-2 * DAY)
    expect(await ask()).toMatch(/^401 token_(not_yet_valid|issued_in_future)/)
    clock.stepWall(DAY)
    expect(await ask()).toBe('verified')
    verifier.close()
    await close()
  })

  it('32. a seed is as old as wall time says, the only clock that two programs share, and not older than possible', async () => {
    const world = await startWorld()
    await world.keys.ready()
    const seed = world.keys.export()
    if (!seed) throw new Error('no seed')
    await world.server.behave({ kind: 'refuse' })
    const ask = async (step: number): Promise<string> => {
      const clock = shiftedClock()
      clock.stepWall(step)
      return verdict(remoteKeySet(world.server.url, { clock, seed }).resolve({ alg: 'ES256', kid: 'a' }))
    }
    expect([await ask(0), await ask(2000), await ask(DAY), await ask(-DAY)]).toEqual([
      'verified',
      'verified',
      '503 keys_unavailable',
      '503 keys_unavailable',
    ])
    await world.close()
  })
})
