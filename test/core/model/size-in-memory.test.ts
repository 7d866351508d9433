import { describe, expect, it } from 'vitest'
import { detached, sizeInMemory } from '../../../packages/core/src/model/memory.ts'

describe('the size of a value in memory', () => {
  it('grows with texts, and twice as fast with those of two bytes per character', () => {
    const grown = (text: string): number => sizeInMemory(text.repeat(200)) - sizeInMemory(text.repeat(100))
    expect(grown('a')).toBe(100)
    expect(grown('é')).toBe(100)
    expect(grown('漢')).toBe(200)
    expect(sizeInMemory(`${'a'.repeat(99)}漢`)).toBe(sizeInMemory('漢'.repeat(100)))
  })

  it('counts a text of up to 16 characters without looking at them', () => {
    expect(['漢'.repeat(16), '漢'.repeat(17)].map(sizeInMemory)).toEqual([24 + 16, 24 + 34])
  })

  it('counts every value at every depth, and names', () => {
    expect(sizeInMemory([1, 2])).toBeGreaterThan(sizeInMemory([1]))
    expect(sizeInMemory({ a: { b: [{}] } })).toBeGreaterThan(sizeInMemory({ a: { b: [] } }))
    expect(sizeInMemory({ ['a'.repeat(50)]: 1 }) - sizeInMemory({ ['a'.repeat(20)]: 1 })).toBe(30)
    expect(sizeInMemory({ a: 1 }) - sizeInMemory({})).toBeGreaterThan(100)
    expect([sizeInMemory(1), sizeInMemory(-0.5), sizeInMemory([]), sizeInMemory([1])]).toEqual([16, 16, 48, 72])
    for (const nothing of [null, undefined, true, false]) expect(sizeInMemory(nothing)).toBe(0)
  })
})

describe('a detached text', () => {
  it('is the same text', () => {
    for (const text of ['', 'a', 'eyJhbGciOiJFUzI1NiJ9.e30.', 'a-_=.', 'x'.repeat(20_000)])
      expect(detached(text)).toBe(text)
  })
})
