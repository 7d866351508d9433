import { describe, expect, it } from 'vitest'

import { applySchema, type ClaimsSchema } from './schema.ts'

const schemaOf = (validate: (value: never) => object): ClaimsSchema<object> => ({
  '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value: validate(value as never) }) },
})

describe('a claims schema', () => {
  it('that changes what it is given changes no claim that is checked afterwards', async () => {
    const claims = Object.freeze({ sub: 'ada', cnf: Object.freeze({ jkt: 'x' }), list: Object.freeze([1]) })
    const schema = schemaOf((value: { sub: string; cnf: { jkt?: string }; list: number[] }) => {
      value.sub = 'eve'
      delete value.cnf.jkt
      value.list.push(2)
      return {}
    })
    expect(await applySchema(schema, claims)).toEqual({ sub: 'ada', cnf: { jkt: 'x' }, list: [1] })
  })

  it('gives the values that hold where it names a claim, and leaves the others', async () => {
    const schema = schemaOf(() => ({ sub: 'changed', extra: true }))
    expect(await applySchema(schema, { sub: 'ada', iss: 'i' })).toEqual({ sub: 'changed', iss: 'i', extra: true })
  })
})
