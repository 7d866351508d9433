import { describe, expect, it } from 'vitest'

import { deepFreeze } from '../../../packages/core/src/model/values.ts'

describe('deepFreeze', () => {
  it('freezes objects and arrays at every depth, including those without a prototype', () => {
    const inner = Object.assign(Object.create(null) as object, { list: [{ a: 1 }] })
    const value = deepFreeze({ inner })
    expect([value, inner, inner.list, inner.list[0]].every((item) => Object.isFrozen(item))).toBe(true)
  })

  it('ends for a cyclic value', () => {
    const value: { self?: object } = {}
    value.self = value
    expect(Object.isFrozen(deepFreeze(value))).toBe(true)
  })

  it.each([
    ['bytes', new Uint8Array(1)],
    ['a map', new Map()],
    ['a date', new Date(0)],
    ['an instance', new URL('https://api.example')],
  ])('does not freeze values that are not plain: %s', (_, item) => {
    expect(Object.isFrozen(deepFreeze({ item }))).toBe(true)
    expect(Object.isFrozen(item)).toBe(false)
  })

  it.each([null, undefined, 'text', 1])('returns primitive values: %j', (value) => {
    expect(deepFreeze(value)).toBe(value)
  })
})
