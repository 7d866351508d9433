import { describe, expect, it } from 'vitest'
import { flag, narrowing, type OptionTable, required } from '../../../packages/core/src/options/option-rules.ts'
import { knownOptions, readOptions } from '../../../packages/core/src/options/read-options.ts'

const table: OptionTable = { a: flag, b: { ...flag, default: true }, c: narrowing(flag) }
const read = (given: unknown, rows: OptionTable = table) => readOptions('do it', given as object, rows)
const said = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    if (error instanceof TypeError) return error.message.replace('Cannot do it: ', '')
  }
  return expect.unreachable()
}

describe('options', () => {
  it('are a frozen copy with defaults, and inherit nothing', () => {
    const options = read({ a: false })
    expect({ ...options }).toEqual({ a: false, b: true })
    expect([Object.isFrozen(options), Object.getPrototypeOf(options)]).toEqual([true, null])
  })

  it.each<[string, unknown, string, OptionTable?]>([
    ['a wrong value', { a: 1 }, '"a" must be true or false, found 1'],
    ['null where there is a default', { a: null }, '"a" must not be null: leave it out for its default'],
    ['null for a required one', { a: null }, '"a" must be true or false, found null', { a: required(flag) }],
    ['a wrong required one', { a: 1 }, '"a" must be true or false, found 1', { a: required(flag) }],
    ['no required one', {}, '"a" must be true or false, found nothing', { a: required(flag) }],
    ['undefined that narrows', { c: undefined }, '"c" must not be undefined: give it a value, or leave it out'],
    ['no object', 'a', 'give an object with options, found "a"'],
    ['a typo', { aa: true }, 'there is no option "aa"; the options are a, b, c'],
  ])('are refused with %s', (_, given, message, rows) => {
    expect(said(() => read(given, rows))).toBe(message)
  })

  it('that are checked elsewhere are refused if a name is unknown', () => {
    expect({ ...knownOptions('do it', { a: 1 }, ['a']) }).toEqual({ a: 1 })
    expect(said(() => knownOptions('do it', { x: 1 }, ['a']))).toBe('there is no option "x"; the options are a')
    expect(said(() => knownOptions('do it', { x: 1 }, ['a'], 'in.'))).toBe(
      'there is no option "in.x"; the options are a',
    )
    expect(said(() => knownOptions('do it', [] as object, ['a'], '', 'give a thing'))).toBe('give a thing, found []')
  })
})

describe('an environment in place of options', () => {
  it.each([['JWT_ISSUER'], ['jwt_issuer'], ['PATH'], ['Path']])('is recognised by its variable %s', (name) => {
    expect(said(() => read({ HOME: '/', [name]: 'x' }))).toBe(
      'an environment is not an options object: wrap it in optionsFromEnv(), as in optionsFromEnv(process.env)',
    )
  })

  it.each([['MY_JWT_ISSUER'], ['JWT_'], ['PATHS'], ['MYPATH'], ['JWT_A-B']])('is not recognised by %s', (name) => {
    expect(said(() => read({ [name]: 'x' }))).toMatch(`there is no option "${name}"`)
  })
})
