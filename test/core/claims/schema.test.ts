import { describe, expect, it } from 'vitest'

import { applySchema, type ClaimsSchema } from '../../../packages/core/src/claims/application-checks.ts'
import { schemaValidator } from '../../../packages/core/src/options/option-rules.ts'

const schemaOf = (validate: (value: never) => object): ClaimsSchema<object> => ({
  '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value: validate(value as never) }) },
})

describe('a claims schema', () => {
  it('that changes its input does not affect later claim checks', async () => {
    const claims = Object.freeze({ sub: 'ada', cnf: Object.freeze({ jkt: 'x' }), list: Object.freeze([1]) })
    const schema = schemaOf((value: { sub: string; cnf: { jkt?: string }; list: number[] }) => {
      value.sub = 'eve'
      delete value.cnf.jkt
      value.list.push(2)
      return {}
    })
    expect(await applySchema(schema, claims)).toEqual({ sub: 'ada', cnf: { jkt: 'x' }, list: [1] })
  })

  it('replaces the claims in its output, and keeps the others', async () => {
    const schema = schemaOf(() => ({ sub: 'changed', extra: true }))
    expect(await applySchema(schema, { sub: 'ada', iss: 'i' })).toEqual({ sub: 'changed', iss: 'i', extra: true })
  })

  it('leaves instances of classes unchanged, and treats objects without a prototype as plain', async () => {
    const date = new Date(0)
    const bare = Object.assign(Object.create(null) as object, { inner: { list: [{ a: 1 }] } })
    const given = { date, bare, none: null, list: [null, 1] }
    const completed = (await applySchema(
      schemaOf(() => given),
      {},
    )) as typeof given
    expect(completed.date).toBe(date)
    expect(completed.bare).not.toBe(bare)
    expect(completed).toEqual({ date, bare: { inner: { list: [{ a: 1 }] } }, none: null, list: [null, 1] })
    expect(
      await applySchema(
        schemaOf(() => bare),
        {},
      ),
    ).toEqual({ inner: { list: [{ a: 1 }] } })
  })
})

describe('an answer of a schema', () => {
  const answering = (answer: unknown): Promise<unknown> =>
    applySchema({ '~standard': { version: 1, vendor: 'test', validate: () => answer as never } }, { sub: 'ada' })

  it.each<readonly [string, unknown, string]>([
    ['the path and the message', [{ message: 'is short', path: ['a', 0, { key: 'b' }] }], '"a.0.b: is short"'],
    ['only a message', [{ message: 'no' }, { message: 'never', path: [] }], '"no; never"'],
    ['three of them at most', ['a', 'b', 'c', 'd'].map((message) => ({ message })), '"a; b; c"'],
    ['what is no list', 'a', '"not said"'],
  ])('with issues refuses, and the log has %s', async (_, issues, actual) => {
    await expect(answering({ issues, value: {} })).rejects.toMatchObject({ code: 'claims_schema', actual })
  })

  it.each([[undefined], [null], ['text'], [[]]])('whose value is %j is a bug', async (value) => {
    await expect(answering({ value })).rejects.toThrow(new TypeError('The schema of "claims" must return an object'))
  })

  it('has no prototype', async () => {
    expect(Object.getPrototypeOf(await answering({ value: { a: 1 } }))).toBeNull()
  })
})

describe('a valid schema', () => {
  it('is an object or a function with a validator', () => {
    const standard = schemaOf(() => ({}))
    expect(schemaValidator.fits(standard)).toBe(true)
    expect(schemaValidator.fits(Object.assign(() => true, standard))).toBe(true)
    for (const value of [null, undefined, 5, 'text', {}, () => true, { '~standard': {} }, { '~standard': null }])
      expect(schemaValidator.fits(value), typeof value).toBe(false)
  })
})
