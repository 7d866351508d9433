import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { recentMap } from '../../../packages/core/src/model/memory.ts'

describe('a map with least-recently-used eviction', () => {
  it('evicts the least recently used entry, and a look-up is a use', () => {
    const map = recentMap<string, number>(2)
    map.set('a', 1)
    map.set('b', 2)
    expect(map.get('a')).toBe(1)
    map.set('c', 3)
    expect([map.get('a'), map.get('b'), map.get('c')]).toEqual([1, undefined, 3])
    expect([...map.values()]).toEqual([1, 3])
  })

  it('respects its limit, and does not store an entry that exceeds it', () => {
    const map = recentMap<string, number>(10, 10)
    map.set('a', 4, 4)
    map.set('b', 5, 5)
    map.set('c', 2, 2)
    expect([...map.values()]).toEqual([5, 2])
    map.set('c', 11, 11)
    expect([...map.values()]).toEqual([5])
    map.set('d', 1, Number.NaN)
    expect([...map.values()]).toEqual([5])
    map.set('e', 3, 0)
    expect([...map.values()]).toEqual([5, 3])
  })

  it('behaves like a list in order of use, after any operations', () => {
    const key = fc.constantFrom('a', 'b', 'c', 'd', 'e')
    const step = fc.oneof(
      fc.record({ kind: fc.constant('get' as const), key }),
      fc.record({ kind: fc.constant('delete' as const), key }),
      fc.record({ kind: fc.constant('set' as const), key, size: fc.integer({ min: 1, max: 9 }) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const map = recentMap<string, { readonly size: number }>(3, 8)
        let model: { readonly key: string; readonly value: { readonly size: number } }[] = []
        for (const each of steps) {
          const held = model.find((entry) => entry.key === each.key)
          if (each.kind === 'get') expect(map.get(each.key)).toBe(held?.value)
          else if (each.kind === 'delete') map.delete(each.key)
          model = model.filter((entry) => entry !== held)
          if (each.kind === 'get' && held !== undefined) model.push(held)
          if (each.kind === 'set') {
            const value = { size: each.size }
            map.set(each.key, value, each.size)
            if (each.size <= 8) model.push({ key: each.key, value })
            while (model.length > 3 || model.reduce((sum, entry) => sum + entry.value.size, 0) > 8) model.shift()
          }
          expect([...map.values()]).toEqual(model.map(({ value }) => value))
        }
      }),
    )
  })
})
