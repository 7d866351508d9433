import { afterEach, describe, expect, it } from 'vitest'
import { AuthError, type AuthErrorDetails } from '../../../packages/core/src/errors/auth-error.ts'

const before = Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit')

afterEach(() => {
  Object.defineProperty(Error, 'stackTraceLimit', { ...before })
})

describe('a refusal', () => {
  it('has no stack trace, and does not affect those of other errors', () => {
    expect(new AuthError('token_expired').stack).not.toContain('\n    at ')
    expect(Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit')).toEqual(before)
    expect(new Error('of the program').stack).toContain('\n    at ')
  })

  it('does not affect the stack traces of other errors if its creation fails', () => {
    const hint = Symbol('no text') as unknown as string
    expect(() => new AuthError('token_refused', { hint })).not.toThrow()
    expect(Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit')).toEqual(before)

    const details: AuthErrorDetails = {
      get cause(): never {
        throw new RangeError('a getter')
      },
    }
    expect(() => new AuthError('token_refused', details)).toThrow(RangeError)
    expect(Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit')).toEqual(before)
  })

  it('can be created if the application has frozen Error.stackTraceLimit', () => {
    Object.defineProperty(Error, 'stackTraceLimit', { ...before, writable: false })
    expect(new AuthError('token_expired').code).toBe('token_expired')
  })
  it('does not give Error.stackTraceLimit back to an application that has deleted it', () => {
    Reflect.deleteProperty(Error, 'stackTraceLimit')
    expect(new AuthError('token_expired').code).toBe('token_expired')
    expect(Object.hasOwn(Error, 'stackTraceLimit')).toBe(false)
  })
})
