import { setTimeout as wait } from 'node:timers/promises'

import { createTestClock, startTestIssuer, type TestIssuer } from '@claimgate/testing'
import { remoteKeySet } from '@claimgate/core/extend'
import { afterEach, describe, expect, it } from 'vitest'

import { startChild, type RunningChild } from '../../../support/resilience/child/run-child.ts'
import { publicJwks, startWorld } from '../../../support/resilience/world.ts'

const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one.close()
})

interface Api {
  readonly child: RunningChild
  ask(): Promise<string>
  /** Advances its clock. */
  pass(seconds: number): Promise<void>
}

/** A separate program with an API, strict about unhandled rejections. */
async function startApi({ issuer }: TestIssuer): Promise<Api> {
  const child = startChild('api-server.ts', [issuer.issuer])
  open.push({ close: child.kill })
  await child.says('\n')
  const [, port] = /port (\d+)/.exec(child.output()) ?? []
  const token = await issuer.issue({ sub: 'someone' }, { ttl: 86_400 })
  return {
    child,
    ask: async () => {
      const response = await fetch(`http://127.0.0.1:${port}/`, { headers: { authorization: `Bearer ${token}` } })
      return `${response.status} ${await response.text()}`
    },
    pass: async (seconds) => {
      child.tell(String(seconds))
      await child.says(`passed ${seconds}\n`)
    },
  }
}

const startIssuer = async (): Promise<TestIssuer> => {
  const started = await startTestIssuer({ audience: 'api', ttl: 86_400 })
  open.push(started)
  return started
}

describe('section D: background failures', () => {
  it('31. with the endpoint down from the start the program keeps running, answers 503, recovers, and exits when its server closes', async () => {
    const issuer = await startIssuer()
    await issuer.server.behave({ kind: 'refuse' })
    const api = await startApi(issuer)
    for (let count = 0; count < 20; count += 1) expect(await api.ask()).toBe('503 keys_unavailable')
    await api.pass(61)
    expect(await api.ask()).toBe('503 keys_unavailable')
    await issuer.server.behave({ kind: 'ok', body: () => issuer.issuer.jwks() })
    await api.pass(120)
    expect(await api.ask()).toBe('200 verified')
    api.child.tell('close')
    expect(await api.child.ended).toMatchObject({ code: 0, errors: '' })
  })

  it('31. so it does if refreshes in the background fail', async () => {
    const issuer = await startIssuer()
    const api = await startApi(issuer)
    expect(await api.ask()).toBe('200 verified')
    for (const [index, fault] of (
      [
        { kind: 'reset', at: 'start' },
        { kind: 'reset', at: 'headers' },
        { kind: 'reset', at: 'body' },
        { kind: 'truncated' },
        { kind: 'endless' },
        { kind: 'gzip-bomb' },
        { kind: 'redirect', location: 'http://127.0.0.1:1/' },
        { kind: 'status', status: 500 },
        { kind: 'refuse' },
      ] as const
    ).entries()) {
      await issuer.server.behave(fault)
      // First in the background of a set that is still fresh, then of one that is stale.
      await api.pass(index === 0 ? 560 : 130 + index)
      expect(await api.ask()).toBe('200 verified')
    }
    api.child.tell('close')
    expect(await api.child.ended).toMatchObject({ code: 0, errors: '' })
  })

  it('31. it exits even if a fetch hangs, and even if the next attempt is due later', async () => {
    const issuer = await startIssuer()
    const api = await startApi(issuer)
    expect(await api.ask()).toBe('200 verified')
    await issuer.server.behave({ kind: 'hang' })
    await api.pass(560)
    issuer.server.forget()
    expect(await api.ask()).toBe('200 verified')
    // The metadata is also old, and is requested first.
    await issuer.server.received(2)
    expect(issuer.server.stats().inFlight).toBe(1)
    api.child.tell('close')
    // The verifier is not closed: the fetch reaches its deadline, and no other follows.
    expect(await api.child.ended).toMatchObject({ code: 0, errors: '' })
    expect(issuer.server.stats().requests).toHaveLength(2)
  })
})

describe('section D: timers', () => {
  it('31. of a fetch in progress, and of requests that wait for it, do not keep a program alive', async () => {
    const began = performance.now()
    const { ended } = startChild('pending-fetch.ts', [])
    expect(await ended).toEqual({ code: 0, output: 'asked\n', errors: '' })
    // The deadline is 30 s.
    expect(performance.now() - began).toBeLessThan(25_000)
  })
})

describe('section D: after close()', () => {
  it('31. nothing is fetched, and the fetch in progress is cancelled; cached keys work for as long as they would have', async () => {
    const world = await startWorld()
    expect(await world.ask('a')).toBe('verified')
    await world.server.behave({ kind: 'hang' })
    world.clock.pass(560)
    expect(await world.ask('a')).toBe('verified')
    await world.server.received(2)
    const events = world.events.length
    world.keys.close()
    await world.server.idle()
    expect(world.server.stats()).toMatchObject({ aborted: 1, inFlight: 0 })
    await world.server.behave({ kind: 'ok' })
    for (const seconds of [0, 100, 1000, 2000]) {
      world.clock.pass(seconds)
      expect(await world.ask('a')).toBe('verified')
      expect(await world.ask('b')).toMatch(/^503/)
    }
    world.clock.pass(1000)
    expect(await world.ask('a')).toBe('503 keys_unavailable')
    await expect(world.keys.ready()).rejects.toMatchObject({ status: 503 })
    await wait(20)
    expect(world.server.stats().requests).toHaveLength(2)
    expect(world.events).toHaveLength(events)
    await world.close()
  })

  it('31. a key set that was closed before its first use never fetches', async () => {
    const world = await startWorld()
    world.keys.close()
    expect(await world.ask('a')).toBe('503 keys_unavailable')
    expect(world.server.stats().connections).toBe(0)
    await world.close()
  })

  it('31. no timer is left, neither after close nor after any answer', async () => {
    const clock = createTestClock()
    const answers: (() => Promise<Response>)[] = [
      async () => Response.json({ keys: publicJwks }),
      async () => Promise.reject(new TypeError('refused')),
      async () => new Response('<html>'),
      async () => new Promise(() => undefined),
    ]
    for (const sharing of ['promise', 'poll'] as const) {
      let next = 0
      const keys = remoteKeySet('https://issuer.example/keys', {
        clock,
        sharing,
        fetch: async () => answers[next]?.() ?? new Response(),
      })
      for (; next < answers.length; next += 1) {
        const asked = ['a', 'a', 'unknown'].map(async (kid) =>
          keys.resolve({ alg: 'ES256', kid }).catch(() => undefined),
        )
        await clock.advanceAsync(700_000)
        await Promise.all(asked)
        expect(clock.pending()).toBe(0)
      }
      next = 3
      const asked = keys.resolve({ alg: 'ES256', kid: 'a' }).catch(() => undefined)
      await clock.advanceAsync(0)
      keys.close()
      await clock.advanceAsync(1000)
      await asked
      expect(clock.pending()).toBe(0)
    }
  })
})
