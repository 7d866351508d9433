import { createTestClock } from '@claimgate/testing'
import { describe, expect, it } from 'vitest'
import { answerCache, cacheKey, memoryCache } from '../../../packages/core/src/introspection/answer-cache.ts'

const NOW = 1_700_000_000
const ACTIVE = { active: true, sub: 'ada', exp: NOW + 600 }
const INACTIVE = { active: false, note: 'x' }

const cacheWith = (options: object = {}) => {
  const clock = createTestClock({ wall: NOW * 1000 })
  const kept: unknown[] = []
  const store = {
    get: async (): Promise<unknown> => undefined,
    set: async (...given: readonly unknown[]) => void kept.push(given),
  }
  const made = { maxAge: 30, negativeMaxAge: 5, store, ...options }
  const cache = answerCache({ options: made as never, maxEntries: 2, clock, storeTimeout: 2 })
  return { cache, clock, kept, store }
}

describe('43. A cache of answers', () => {
  it.each<readonly [string, object, object, number | undefined]>([
    ['for maxAge', ACTIVE, {}, 30],
    ['until exp, if that is earlier', { ...ACTIVE, exp: NOW + 29.5 }, {}, 29.5],
    ['not if exp is now', { ...ACTIVE, exp: NOW }, {}, undefined],
    ['not if exp is over', { ...ACTIVE, exp: NOW - 1 }, {}, undefined],
    ['not without exp', { active: true }, {}, undefined],
    ['not with exp as text', { ...ACTIVE, exp: String(NOW + 600) }, {}, undefined],
    ['about an inactive token for negativeMaxAge', INACTIVE, {}, 5],
    ['about an inactive token for negativeMaxAge, whatever exp is', { ...INACTIVE, exp: NOW - 1 }, {}, 5],
    ['about an inactive token not with a negativeMaxAge of 0', INACTIVE, { negativeMaxAge: 0 }, undefined],
  ])('keeps an answer %s', async (_, answer, options, seconds) => {
    const { cache, kept } = cacheWith(options)
    await cache.set('key', answer as never)
    expect(kept).toEqual(seconds === undefined ? [] : [['key', answer, seconds]])
  })

  it('that is off keeps nothing', async () => {
    const off = answerCache({ options: false, maxEntries: 2, clock: createTestClock(), storeTimeout: 2 })
    await off.set('key', ACTIVE)
    expect(await off.get('key')).toBeUndefined()
  })

  it.each(['get', 'set'] as const)('waits for a store so long, and no longer: %s', async (method) => {
    const { cache, clock, store } = cacheWith()
    Object.assign(store, { [method]: async () => new Promise(() => {}) })
    const log: string[] = []
    const asked = (method === 'get' ? cache.get('key') : cache.set('key', ACTIVE)).then(() => log.push('ended'))
    await clock.advanceAsync(1999)
    expect(log).toEqual([])
    await clock.advanceAsync(1)
    await asked
    expect(log).toEqual(['ended'])
  })

  it('uses what its store has, as a copy', async () => {
    const { cache, store } = cacheWith()
    const stored = { ...ACTIVE, nested: { a: 1 } }
    store.get = async () => stored
    const found = (await cache.get('key')) as typeof stored
    expect(found).toEqual(stored)
    expect([found === stored, found.nested === stored.nested]).toEqual([false, false])
  })
})

describe('43. Answers in memory', () => {
  it('count until their time, and not at it', async () => {
    const clock = createTestClock()
    const cache = memoryCache(2, clock)
    await cache.set('key', ACTIVE, 2)
    clock.advance(1999)
    expect(await cache.get('key')).toBe(ACTIVE)
    clock.advance(1)
    expect(await cache.get('key')).toBeUndefined()
  })

  it('are replaced by later ones about the same token', async () => {
    const cache = memoryCache(2, createTestClock())
    for (const answer of [ACTIVE, INACTIVE, ACTIVE]) {
      await cache.set('key', answer, 9)
      expect((await cache.get('key'))?.active).toBe(answer.active)
    }
  })

  it('keep of an inactive token only that it is inactive', async () => {
    const cache = memoryCache(2, createTestClock())
    await cache.set('key', INACTIVE, 9)
    expect(await cache.get('key')).toEqual({ active: false })
  })

  it('have room for so many active and so many inactive tokens', async () => {
    const cache = memoryCache(2, createTestClock())
    for (const key of ['a', 'b', 'c']) await cache.set(key, ACTIVE, 9)
    for (const key of ['x', 'y', 'z']) await cache.set(key, INACTIVE, 9)
    const known = await Promise.all(['a', 'b', 'c', 'x', 'y', 'z'].map(async (key) => (await cache.get(key))?.active))
    expect(known).toEqual([undefined, true, true, undefined, false, false])
  })

  it('have no room for an active token with an answer that is too large', async () => {
    const cache = memoryCache(2, createTestClock())
    await cache.set('small', ACTIVE, 9)
    await cache.set('large', { ...ACTIVE, note: 'x'.repeat(17_000_000) }, 9)
    expect(await cache.get('large')).toBeUndefined()
  })
})

it('43. the key of an answer depends on each of its parts', async () => {
  const keys = await Promise.all(
    [
      ['a', 'b'],
      ['ab', ''],
      [null, 'b'],
      ['null', 'b'],
      ['a"', 'b'],
    ].map(cacheKey),
  )
  expect(new Set(keys).size).toBe(5)
  for (const key of keys) expect(key).toMatch(/^[\da-f]{64}$/)
})
