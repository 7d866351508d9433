import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { asError, asRefusal } from '../../../packages/core/src/errors/auth-error.ts'

describe('a value that application code throws', () => {
  it('is kept if it is an error of another realm', () => {
    const foreign: unknown = runInNewContext('new RangeError("x")')
    expect(foreign).not.toBeInstanceOf(Error)
    expect(asError(foreign)).toBe(foreign)
    expect(asRefusal(foreign)).toBeUndefined()
  })

  const hostile = (): never => {
    throw new Error('do not look')
  }

  it.each<readonly [string, unknown, string]>([
    ['a proxy that throws when its prototype is read', new Proxy({}, { getPrototypeOf: hostile }), 'object'],
    ['a proxy that throws when a member is read', new Proxy({}, { get: hostile }), 'object'],
    [
      'a function that calls itself an error',
      Object.assign(() => 1, { [Symbol.toStringTag]: 'Error', status: 401 }),
      'function',
    ],
  ])('is no error if it is %s, and becomes the cause of one', (_, thrown, kind) => {
    const error = asError(thrown)
    expect(error.message).toBe(`Application code threw a value that is not an Error, of type ${kind}`)
    expect(error.cause === thrown).toBe(true)
    expect(asRefusal(thrown)).toBeUndefined()
  })
})
