import {
  allOf,
  anyOf,
  anyScope,
  AuthError,
  claim,
  type ErrorCode,
  not,
  type Outcome,
  type Requirement,
  scope,
  type VerifiedToken,
  type VerifierEvent,
} from '@claimgate/core'
import { describe, expect, expectTypeOf, it } from 'vitest'

describe('an outcome', () => {
  it('has a token only if it is authenticated, and a response only if it is refused', () => {
    const read = (outcome: Outcome<{ tenant: string }>): string => {
      // @ts-expect-error not before its kind is checked
      void outcome.token
      switch (outcome.kind) {
        case 'authenticated':
          expectTypeOf(outcome.token).toEqualTypeOf<VerifiedToken<{ tenant: string }>>()
          return outcome.token.claims.tenant
        case 'refused':
          expectTypeOf(outcome.error).toEqualTypeOf<AuthError>()
          expectTypeOf(outcome.response.status).toEqualTypeOf<number>()
          return outcome.response.body
        case 'anonymous':
          expectTypeOf(outcome).not.toHaveProperty('token')
          return 'anonymous'
      }
    }
    expect(read({ kind: 'anonymous' })).toBe('anonymous')
  })
})

describe('an AuthError', () => {
  it('has a code of a list, and a fixed status', () => {
    const error = new AuthError('token_expired')
    expectTypeOf(error.code).toEqualTypeOf<ErrorCode>()
    expectTypeOf(error.status).toEqualTypeOf<400 | 401 | 403 | 408 | 413 | 503>()
    expectTypeOf(error.hint).toEqualTypeOf<string | undefined>()
    // @ts-expect-error an unknown code
    expect(() => new AuthError('token_stale')).toThrow(TypeError)
    // @ts-expect-error codes are compared with codes
    expect(error.code === 'expired').toBe(false)
  })
})

describe('a requirement', () => {
  it('can be combined from others', () => {
    expectTypeOf<ReturnType<typeof scope>>().toEqualTypeOf<Requirement>()
    expectTypeOf<ReturnType<typeof anyScope>>().toEqualTypeOf<Requirement>()
    expectTypeOf<ReturnType<typeof claim>>().toExtend<Requirement>()
    const nested = allOf(scope('orders:read'), anyOf(claim('role', ['admin', 'auditor']), not(anyScope('guest'))))
    expectTypeOf(nested).toEqualTypeOf<Requirement>()
    expect(nested.scopes).toContain('orders:read')
  })

  it('accepts plain values and synchronous predicates', () => {
    expectTypeOf<string | number | boolean | readonly string[]>().toExtend<Parameters<typeof claim>[1]>()
    expectTypeOf((value: unknown) => value === 'acme').toExtend<Parameters<typeof claim>[1]>()
    expectTypeOf<RegExp>().not.toExtend<Parameters<typeof claim>[1]>()
    expectTypeOf<(value: unknown) => Promise<boolean>>().not.toExtend<Parameters<typeof claim>[1]>()
    expectTypeOf<(value: unknown) => unknown>().not.toExtend<Parameters<typeof claim>[1]>()
    // @ts-expect-error a regular expression
    expect(() => claim('tenant', /acme/)).toThrow(TypeError)
    // @ts-expect-error a list in place of names
    expect(() => scope(['orders:read'])).toThrow(TypeError)
    // @ts-expect-error a name in place of a requirement
    expect(() => not('guest')).toThrow(TypeError)
    // @ts-expect-error a list in place of requirements
    expect(() => anyOf([scope('orders:read')])).toThrow(TypeError)
  })
})

describe('an event', () => {
  it('is distinguished by its type, and contains no token', () => {
    const rejected = (event: VerifierEvent): ErrorCode | undefined =>
      event.type === 'token.rejected' ? event.code : undefined
    expectTypeOf<Extract<VerifierEvent, { type: 'token.verified' }>>().toEqualTypeOf<{
      readonly type: 'token.verified'
      readonly duration: number
      readonly cached: boolean
    }>()
    expect(rejected({ type: 'token.verified', duration: 1, cached: false })).toBeUndefined()
  })
})
