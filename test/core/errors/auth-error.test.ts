import { describe, expect, it } from 'vitest'
import {
  asError,
  asRefusal,
  AuthError,
  type AuthErrorDetails,
  keepClaims,
  orThrow,
  overLimit,
  reportNotAccepted,
  TransportError,
} from '../../../packages/core/src/errors/auth-error.ts'

describe('an AuthError', () => {
  it.each(['orders:read', Object.freeze(new Set(['orders:read'])), { length: 1 }])(
    'rejects scopes that are not a list: %o',
    (scopes) => {
      expect(() => new AuthError('insufficient_scope', { scopes: scopes as never })).toThrow(
        'Cannot create AuthError: "scopes" must be a list',
      )
    },
  )

  it('copies and freezes the scopes to name', () => {
    const scopes = ['a']
    const error = new AuthError('insufficient_scope', { scopes })
    scopes.push('b')
    expect([error.scopes, Object.isFrozen(error.scopes), new AuthError('token_expired').scopes]).toEqual([
      ['a'],
      true,
      [],
    ])
  })

  it('keeps the claims of a token that only its times refuse', () => {
    const error = new AuthError('token_expired')
    expect(error.claims).toBeUndefined()
    keepClaims(error, { sub: 'ada' })
    expect(error.claims).toEqual({ sub: 'ada' })
  })

  it('copies and freezes headers and parameters', () => {
    const headers = { 'dpop-nonce': 'a' }
    const parameters = { max_age: '5' }
    const refusal = { status: 401, error: 'x', parameters, description: 'Words' } as never
    const error = new AuthError('binding_failed', { headers, refusal })
    headers['dpop-nonce'] = 'b'
    parameters.max_age = '6'
    expect([{ ...error.headers }, { ...error.parameters }, error.description]).toEqual([
      { 'dpop-nonce': 'a' },
      { max_age: '5' },
      'Words',
    ])
    for (const copy of [error.headers, error.parameters])
      expect([Object.isFrozen(copy), Object.getPrototypeOf(copy)]).toEqual([true, null])
    expect([{ ...new AuthError('token_expired').headers }, new AuthError('token_expired').description]).toEqual([
      {},
      undefined,
    ])
  })

  it.each([[{ headers: 'a' }], [{ headers: new Map() }], [{ refusal: { status: 401, error: 'x', parameters: [] } }]])(
    'is not made from %j',
    (details) => {
      expect(() => new AuthError('binding_failed', details as never)).toThrow(
        new TypeError('Cannot create AuthError: "headers" and "parameters" must be plain objects'),
      )
    },
  )

  it.each<readonly [string, AuthErrorDetails, string]>([
    ['nothing', {}, ''],
    ['what was expected', { expected: 'a' }, ': expected "a"'],
    ['what was found', { actual: 'b' }, ': found "b"'],
    ['that nothing was found', { actual: undefined }, ': found nothing'],
    ['both', { expected: 'a', actual: 'b' }, ': expected "a", found "b"'],
    ['a hint', { hint: 'Do it' }, '. Do it'],
    ['an empty hint', { hint: '' }, ''],
    ['everything', { expected: 'a', actual: 'b', hint: 'Do it' }, ': expected "a", found "b". Do it'],
  ])('has a message with %s', (_, details, text) => {
    expect(new AuthError('claim_missing', details).message).toBe(`The token lacks a claim that is required${text}`)
  })

  it.each([
    [5, 5],
    [0, 0],
    [undefined, 1],
    [-1, 1],
    [Number.NaN, 1],
    [Infinity, 1],
  ])('of status 503 with retryAfter %j waits %j s', (retryAfter, expected) => {
    const details = retryAfter === undefined ? {} : { retryAfter }
    expect(new AuthError('check_unavailable', details).retryAfter).toBe(expected)
    expect(new AuthError('token_expired', details).retryAfter).toBeUndefined()
  })

  it('is told to a listener by its code, and every other error without details', () => {
    const events: unknown[] = []
    const listen = (event: unknown): void => void events.push(event)
    reportNotAccepted(listen, new AuthError('token_expired'), 3)
    reportNotAccepted(listen, new Error('a secret'), 4)
    expect(events).toEqual([
      { type: 'token.rejected', code: 'token_expired', duration: 3 },
      { type: 'token.failed', duration: 4 },
    ])
    expect(() => reportNotAccepted(undefined, new Error('x'), 1)).not.toThrow()
  })

  it.each([
    [undefined, 'undefined'],
    [null, 'null'],
    ['a secret', 'string'],
    [{}, 'object'],
  ])('is distinguished from the thrown value %j, which becomes the cause of an error', (thrown, kind) => {
    const error = asError(thrown)
    expect([error.message, error.cause]).toEqual([
      `Application code threw a value that is not an Error, of type ${kind}`,
      thrown,
    ])
    expect(asRefusal(thrown)).toBeUndefined()
  })

  it('is recognized by its class and its status', () => {
    const [refusal, other] = [new AuthError('token_expired'), new Error('x')]
    expect([asRefusal(refusal), asRefusal(other), asError(other)]).toEqual([refusal, undefined, other])
    expect(asRefusal(Object.assign(new AuthError('token_expired'), { status: 200 }))).toBeUndefined()
    expect(asRefusal(Object.assign(new Error('x'), { status: 401 }))).toBeUndefined()
  })

  it('names the limit to raise', () => {
    expect(overLimit('claim_too_long', { limit: 'scopes', most: 3, unit: 'scopes', actual: 4 })).toMatchObject({
      code: 'claim_too_long',
      expected: '"at most 3 scopes"',
      actual: '4',
      hint: expect.stringContaining('raise "limits.scopes"') as string,
    })
    expect(new TransportError('x').name).toBe('TransportError')
  })

  it('is thrown by orThrow, which returns anything else', () => {
    const refusal = new AuthError('token_expired')
    expect(() => orThrow(refusal)).toThrow(refusal)
    expect(['x', undefined, 0].map((result) => orThrow(result))).toEqual(['x', undefined, 0])
  })

  it.each([
    ['a bigint', 1n, 'a value of type bigint'],
    ['what throws', { toJSON: () => orThrow(new AuthError('token_expired')) }, 'a value of type object'],
  ])('names only the type of %s, which JSON cannot show', (_, actual, shown) => {
    expect(new AuthError('token_refused', { actual }).actual).toBe(shown)
  })
})
