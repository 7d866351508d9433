import { createVerifier } from '@claimgate/core'
import { readOptions } from '@claimgate/core/adapter'
import { describe, expect, it } from 'vitest'
import { clockOption } from '../../../packages/core/src/pipeline/options.ts'
import type { Clock } from '../../../packages/core/src/model/runtime.ts'

const NOW = 1_800_000_000_000
const clockOf = (clock: unknown): Clock =>
  (readOptions('create verifier', { clock }, { clock: clockOption }) as { readonly clock: Clock }).clock

describe('a clock', () => {
  it.each<readonly [string, unknown, string]>([
    ['null', null, '"clock" must not be null'],
    ['without now', {}, '"clock" must be an object with a "now" that gives milliseconds'],
    [
      'with seconds',
      { now: () => 1e9 },
      '"clock.now" must return milliseconds since the epoch, as Date.now does, found 1000000000',
    ],
    ['with the last seconds', { now: () => 1e10 - 1 }, '"clock.now" must return milliseconds'],
    ['with text', { now: () => '1800000000000' }, '"clock.now" must return milliseconds'],
    ['with NaN', { now: () => Number.NaN }, '"clock.now" must return milliseconds'],
    ['with Infinity', { now: () => Infinity }, '"clock.now" must return milliseconds'],
    ['with a promise', { now: async () => NOW }, '"clock.now" must return milliseconds'],
    ['whose monotonic is a number', { now: () => NOW, monotonic: 5 }, '"clock.monotonic" must be a function, found 5'],
    [
      'whose setTimeout is true',
      { now: () => NOW, setTimeout: true },
      '"clock.setTimeout" must be a function, found true',
    ],
  ])('%s is refused at start-up', (_, clock, message) => {
    expect(() => clockOf(clock)).toThrow(`Cannot create verifier: ${message}`)
  })

  it.each([0, 1e9 - 1, 1e10, NOW])('may be at %d', (now) => {
    expect(clockOf({ now: () => now }).now()).toBe(now)
  })

  it('that fails later makes the call fail, instead of accepting every token', async () => {
    for (const wrong of [Number.NaN, undefined, '5', Promise.reject(new Error('late'))]) {
      let time: unknown = NOW
      const clock = clockOf({ now: () => time, monotonic: () => time })
      time = wrong
      expect(() => clock.now()).toThrow(
        new TypeError('"clock.now" must return milliseconds as a number, not a promise'),
      )
      if (wrong !== undefined) expect(() => clock.monotonic()).toThrow('"clock.monotonic" must return milliseconds')
    }
    await new Promise(setImmediate)
  })

  it('may lack parts, which the runtime has', async () => {
    for (const clock of [clockOf({ now: () => NOW }), clockOf({ now: () => NOW, monotonic: () => undefined })])
      expect(clock.monotonic()).toBeCloseTo(performance.now(), -6)
    const fired = new Promise<void>((resolve) => void clockOf({ now: () => NOW }).setTimeout(resolve, 0))
    await expect(fired).resolves.toBeUndefined()
    expect(clockOf(undefined).now()).toBeCloseTo(Date.now(), -5)
  })

  it('may have its own parts', () => {
    const calls: unknown[] = []
    const setTimeout = (...call: readonly unknown[]) => {
      calls.push(call)
      return () => calls.push('cancelled')
    }
    const clock = clockOf({ now: () => NOW, monotonic: () => 7, setTimeout })
    const fire = (): void => {}
    clock.setTimeout(fire, 5)()
    expect([clock.monotonic(), calls]).toEqual([7, [[fire, 5], 'cancelled']])
  })

  it('may have timers that cannot be cancelled', () => {
    const clock = clockOf({ now: () => NOW, setTimeout: () => 5 })
    expect(() => clock.setTimeout(() => {}, 5)()).not.toThrow()
  })
})

describe('the context of a verification', () => {
  const verifier = createVerifier({
    issuer: 'https://issuer.example',
    audience: 'a',
    keys: { resolve: () => Promise.reject(new Error('no key')) },
    clock: { now: () => NOW },
  })

  it.each<readonly [unknown, string]>([
    [null, 'the context must be an object, such as { asOf }, found null'],
    ['now', 'the context must be an object, such as { asOf }, found "now"'],
    [{ confirmations: 'jkt' }, '"confirmations" must be a list, such as ["jkt"], found "jkt"'],
    [{ asOf: 5 }, '"asOf" must be an object { time, maxLag }, found 5'],
    [{ asOf: { time: 1, maxLag: -1 } }, '"asOf.maxLag" must be a number of seconds from 0, found -1'],
    [{ asOf: { time: 1, maxLag: '5' } }, '"asOf.maxLag" must be a number of seconds from 0, found "5"'],
    [{ asOf: { time: NOW, maxLag: 5 } }, '"asOf.time" must be seconds since the epoch, such as Date.now() / 1000'],
    [{ asOf: { time: 1e11, maxLag: 5 } }, '"asOf.time" must be seconds since the epoch'],
    [{ asOf: { time: Number.NaN, maxLag: 5 } }, '"asOf.time" must be seconds since the epoch'],
  ])('cannot be %j', async (context, message) => {
    await expect(verifier.verify('a.b.c', context as never)).rejects.toThrow(`Cannot verify token: ${message}`)
    const { accepted, steps } = await verifier.explain('a.b.c', context as never)
    expect([accepted, steps[0]]).toMatchObject([false, { step: 'time', result: 'failed' }])
  })

  it.each([
    [-100, 100, 'token_malformed'],
    [-101, 100, 'verification_time'],
    [5, 0, 'token_malformed'],
    [6, 0, 'verification_time'],
    [0, 0, 'token_malformed'],
  ])('may be as of %i s from now, with a maxLag of %i s: %s', async (ahead, maxLag, code) => {
    const asOf = { time: NOW / 1000 + ahead, maxLag }
    await expect(verifier.verify('abc', { asOf })).rejects.toMatchObject({ code })
  })
})
