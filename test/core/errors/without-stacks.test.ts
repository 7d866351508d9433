import { afterEach, describe, expect, it } from 'vitest'
import { AuthError, type AuthErrorDetails } from '../../../packages/core/src/errors/auth-error.ts'

const before = Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit')

afterEach(() => {
  Object.defineProperty(Error, 'stackTraceLimit', { ...before })
})

describe('a refusal', () => {
  it('has no stack trace, and leaves those of other errors as they are', () => {
    expect(new AuthError('token_expired').stack).not.toContain('\n    at ')
    expect(Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit')).toEqual(before)
    expect(new Error('of the program').stack).toContain('\n    at ')
  })

  it('leaves the stack traces of other errors as they are when it cannot be made of its details', () => {
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

  it('is made where the application has frozen how long stack traces are', () => {
    Object.defineProperty(Error, 'stackTraceLimit', { ...before, writable: false })
    expect(new AuthError('token_expired').code).toBe('token_expired')
  })
})
