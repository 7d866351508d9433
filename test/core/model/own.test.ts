import { runInNewContext } from 'node:vm'
import { afterEach, describe, expect, it } from 'vitest'
import { bare, bareThrough, has, own, ownOptions } from '../../../packages/core/src/model/values.ts'

const root = Object.prototype as unknown as Record<string, unknown>

afterEach(() => {
  delete root['polluted']
})

class Settings {
  readonly field = 'field'
  #reads = 0

  get computed(): number {
    this.#reads += 1
    return this.#reads
  }

  method(): string {
    return this.field
  }
}
class Derived extends Settings {}

describe('own members', () => {
  it('are those of the object and of its classes', () => {
    const settings = new Derived()
    expect([own(settings, 'field'), own(settings, 'computed'), own(settings, 'polluted')]).toEqual([
      'field',
      1,
      undefined,
    ])
    expect(has(settings, 'method')).toBe(true)
    expect(own(Object.create({ polluted: 1 }) as object, 'polluted')).toBe(1)
    expect(own(Object.create(bare({ polluted: 1 })) as object, 'polluted')).toBe(1)
  })

  it('are not those of Object.prototype, of this realm or another', () => {
    root['polluted'] = 1
    const foreign = runInNewContext('Object.prototype.polluted = 1; ({ a: 1, get b() { return 2 } })') as object
    for (const object of [{}, new Derived(), Object.create({}) as object, foreign, bare({}), [], () => 1]) {
      expect(own(object, 'polluted')).toBeUndefined()
      expect(has(object, 'polluted')).toBe(false)
    }
    expect([own(foreign, 'a'), own(foreign, 'b'), has({}, 'toString')]).toEqual([1, 2, false])
  })

  it('are not those of Function.prototype or of the base of a class', () => {
    class Base extends Settings {
      static readonly polluted = 1
    }
    class Named extends Base {}
    expect([own(Named, 'polluted'), own(() => 1, 'call'), own(Base, 'polluted')]).toEqual([undefined, undefined, 1])
  })

  it('are those of a class that defines a member of Object.prototype', () => {
    class Place {
      readonly #inner = [this]

      isPrototypeOf(other: object): boolean {
        return this.#inner.includes(other as this)
      }
    }
    expect(has(new Place(), 'isPrototypeOf')).toBe(true)
  })

  it('may be undefined', () => {
    expect([has({ a: undefined }, 'a'), has({}, 'a')]).toEqual([true, false])
  })
})

describe('a copy of options', () => {
  it("has the object's own and its class's members of these names, read once, and inherits nothing", () => {
    root['polluted'] = 1
    const settings = new Derived()
    const copy = ownOptions(settings, ['computed', 'method', 'polluted', 'absent'])
    expect(Object.keys(copy).toSorted()).toEqual(['computed', 'field', 'method'])
    expect([copy.computed, copy.computed, (copy as { polluted?: unknown }).polluted]).toEqual([1, 1, undefined])
  })

  it('keeps unlisted names, so that they can be rejected, and undefined ones', () => {
    expect(Object.keys(ownOptions({ unknown: 1, absent: undefined }, ['absent']))).toEqual(['unknown', 'absent'])
  })

  it('has members that are not enumerable', () => {
    const options = Object.defineProperty({}, 'hidden', { value: 1 }) as { hidden?: number }
    expect(ownOptions(options, ['hidden']).hidden).toBe(1)
  })
})

describe('an object without prototype', () => {
  it('is the same object, at every depth if requested', () => {
    root['polluted'] = 1
    const value = { a: [{ b: {} }] }
    expect(bareThrough(value)).toBe(value)
    const objects: readonly object[] = [value, value.a[0] ?? {}, value.a[0]?.b ?? {}]
    expect(objects.map((object) => 'polluted' in object)).toEqual([false, false, false])
    expect(Array.isArray(value.a)).toBe(true)
    expect([bareThrough(null), bareThrough('text'), bareThrough(1)]).toEqual([null, 'text', 1])
  })
})
