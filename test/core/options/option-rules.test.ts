import { describe, expect, it } from 'vitest'
import * as rules from '../../../packages/core/src/options/option-rules.ts'

const { isOptions, isRecord, kindOf, misconfigured, numberIn, objectWith, schemaValidator } = rules

class Settings {
  readonly secret = 'hunter2'
}
const tagged = Object.assign(() => 1, { [Symbol.toStringTag]: 'Object' })

describe('the message about a wrong option', () => {
  it.each<readonly [string, unknown, string]>([
    ['a number', 1.5, '1.5'],
    ['no number', Number.NaN, 'NaN'],
    ['a bigint', 1n, '1'],
    ['a text', 'a', '"a"'],
    ['a boolean', false, 'false'],
    ['undefined', undefined, 'nothing'],
    ['null', null, 'null'],
    ['a list of plain values', ['a', 1, null], '["a",1,null]'],
    ['an empty list', [], '[]'],
    ['a list with an object', ['a', { secret: 1 }], 'a list'],
    ['a list with a function', ['a', () => 1], 'a list'],
    ['a list of lists', [[1]], 'a list'],
    ['an object', { secret: 1 }, 'an object'],
    ['an instance', new Settings(), 'an object'],
    ['a function', () => 1, 'a function'],
    ['a date', new Date(0), 'a Date'],
    ['bytes', new Uint8Array(1), 'a Uint8Array'],
    ['a buffer', new ArrayBuffer(1), 'an ArrayBuffer'],
    ['an error', new Error('secret'), 'an Error'],
  ])('shows %s, and nothing inside an object', (_, value, found) => {
    expect(misconfigured('do it', '"a" must be b', value)).toEqual(
      new TypeError(`Cannot do it: "a" must be b, found ${found}`),
    )
  })

  it('is only the rule if no value is to blame', () => {
    expect(misconfigured('do it', '"a" is missing').message).toBe('Cannot do it: "a" is missing')
  })

  it.each<readonly [unknown, string]>([
    [undefined, 'undefined'],
    [null, 'null'],
    ['secret', 'a string'],
    [1, 'a number'],
    [[1], 'a list'],
    [{}, 'an object'],
    [new Set(), 'a Set'],
    [() => 1, 'a function'],
  ])('shows only the kind of a value that may be secret: %o is %s', (value, kind) => {
    expect(kindOf(value)).toBe(kind)
  })
})

describe('a value', () => {
  it('holds options if it is an object, an instance or a module', () => {
    expect([{}, Object.create(null), new Settings(), rules].filter((value) => !isOptions(value))).toEqual([])
    const others = [undefined, null, 'object', 1, [], new Map(), new Date(), () => 1, tagged]
    expect(others.filter(isOptions)).toEqual([])
  })

  it('is a record only if it is an object literal', () => {
    expect([{}, Object.create(null)].filter((value) => !isRecord(value))).toEqual([])
    expect([new Settings(), null, [], new Map(), () => 1].filter(isRecord)).toEqual([])
  })

  it('is a schema validator if it has the interface of Standard Schema', () => {
    const standard = { validate: () => ({ value: 1 }) }
    const validators = [{ '~standard': standard }, Object.assign(() => 1, { '~standard': standard })]
    expect(validators.filter((value) => !schemaValidator.fits(value))).toEqual([])
    const others = [undefined, null, 'a', {}, standard, () => 1]
    const halves = [undefined, null, 1, {}, { validate: 1 }, Object.assign(() => 1, standard)]
    const all = [...others, ...halves.map((half) => ({ '~standard': half }))]
    expect(all.filter((value) => schemaValidator.fits(value))).toEqual([])
  })

  it('is an object with methods if it has all of them', () => {
    const { fits } = objectWith('a store', 'get', 'set')
    const get = (): number => 1
    expect([{ get, set: get }, { get }, { get, set: 1 }, null, undefined, 'a'].map(fits)).toEqual([
      true,
      ...Array.from({ length: 5 }, () => false),
    ])
    expect([null, undefined, () => 1, {}].map(objectWith('anything').fits)).toEqual([false, false, false, true])
  })
})

describe('a number', () => {
  it.each<readonly [string, rules.NumberRange, readonly unknown[], readonly unknown[]]>([
    ['of seconds from 1 to 5', { least: 1, most: 5 }, [1, 1.5, 5], [0.999, 5.001, Number.NaN, '1', null, 1n]],
    ['of seconds from 0', { least: 0 }, [0, 0.1, Number.MAX_SAFE_INTEGER], [-0.1, 2 ** 53, Infinity]],
  ])('%s is accepted within its limits', (name, range, fitting, others) => {
    const row = numberIn(range)
    expect(row.be).toBe(`a number ${name}`)
    expect(fitting.filter((value) => !row.fits(value))).toEqual([])
    expect(others.filter((value) => row.fits(value))).toEqual([])
  })

  it('that must be whole is accepted only without a fraction', () => {
    const row = numberIn({ least: 1, most: 3, whole: true, default: 2 })
    expect([row.be, row.default]).toEqual(['a whole number from 1 to 3', 2])
    expect([0, 1, 1.5, 3, 4].filter((value) => row.fits(value))).toEqual([1, 3])
  })
})
