import { describe, expect, it } from 'vitest'

import { deepFreeze } from '../../../packages/core/src/model/values.ts'

describe('deepFreeze', () => {
  it('freezes objects and arrays at every depth, those without a prototype too', () => {
    const inner = Object.assign(Object.create(null) as object, { list: [{ a: 1 }] })
    const value = deepFreeze({ inner })
    expect([value, inner, inner.list, inner.list[0]].every((item) => Object.isFrozen(item))).toBe(true)
  })

  it('ends for a value that holds itself', () => {
    const value: { self?: object } = {}
    value.self = value
    expect(Object.isFrozen(deepFreeze(value))).toBe(true)
  })

  it.each([
    ['bytes', new Uint8Array(1)],
    ['a map', new Map()],
    ['a date', new Date(0)],
    ['an instance', new URL('https://api.example')],
  ])('leaves alone what is not plain: %s', (_, item) => {
    expect(Object.isFrozen(deepFreeze({ item }))).toBe(true)
    expect(Object.isFrozen(item)).toBe(false)
  })

  it.each([null, undefined, 'text', 1])('gives back what needs no freezing: %j', (value) => {
    expect(deepFreeze(value)).toBe(value)
  })
})
