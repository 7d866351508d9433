import { AuthError, createAuthenticator, type ErrorCode, type Refused } from '@claimgate/core'
import { untilExpiry } from '@claimgate/core/calls'
import { createTestClock } from '@claimgate/testing'
import { describe, expect, it } from 'vitest'
import { failedCall, refusedCall } from '../../../packages/core/src/calls/refused-call.ts'
import { optionsWith, request } from '../../support/core/refusal.ts'

const refusalOf = async (code: ErrorCode): Promise<Refused> => {
  const authenticator = createAuthenticator(
    optionsWith({
      secret: 'x'.repeat(32),
      extractToken: () => {
        throw new AuthError(code)
      },
    }),
  )
  const outcome = await authenticator.authenticate(request())
  return outcome.kind === 'refused' ? outcome : expect.unreachable()
}

describe('the words of a refused call', () => {
  it.each<readonly [ErrorCode, number, string, number, string, string]>([
    [
      'credential_malformed',
      400,
      'BAD_REQUEST',
      3,
      'BAD_REQUEST',
      'The request does not carry exactly one well-formed access token',
    ],
    ['token_expired', 401, 'UNAUTHORIZED', 16, 'UNAUTHENTICATED', 'This call needs a valid access token'],
    ['insufficient_scope', 403, 'FORBIDDEN', 7, 'FORBIDDEN', 'The access token does not grant what this call needs'],
    ['form_timeout', 408, 'TIMEOUT', 4, 'TIMEOUT', 'The form did not arrive in time to look for an access token'],
    [
      'form_too_large',
      413,
      'PAYLOAD_TOO_LARGE',
      8,
      'PAYLOAD_TOO_LARGE',
      'The form is too large to look for an access token',
    ],
    [
      'check_unavailable',
      503,
      'SERVICE_UNAVAILABLE',
      14,
      'SERVICE_UNAVAILABLE',
      'Access tokens cannot be verified at the moment',
    ],
  ])('for %s are those of status %i', async (code, status, trpcCode, grpcCode, graphqlCode, message) => {
    const refused = await refusalOf(code)
    const call = refusedCall(refused)
    const { headers } = call
    expect(call).toMatchObject({
      name: 'RefusedCall',
      message,
      status,
      trpcCode,
      grpcCode,
      extensions: { code: graphqlCode, http: { status, headers } },
      cause: { code },
    })
    expect(headers['www-authenticate']).toBe(refused.response.headers['www-authenticate'])
    expect(call.message).not.toContain(code)
  })

  it('for a bug, or a status that no call has, do not repeat it', async () => {
    const bug = new Error('a secret')
    const words = {
      message: 'The call could not be authorized',
      status: 500,
      trpcCode: 'INTERNAL_SERVER_ERROR',
      grpcCode: 13,
      extensions: { code: 'INTERNAL_SERVER_ERROR', http: { status: 500 } },
    }
    expect(failedCall(bug)).toMatchObject({ ...words, headers: {}, cause: bug })
    expect(failedCall('text').cause).toBeInstanceOf(TypeError)
    const refused = await refusalOf('token_expired')
    const odd = { ...refused, response: { ...refused.response, status: 418 as 401 } }
    const { status } = refusedCall(odd)
    expect([401, 500]).toContain(status)
  })
})

describe('a stream until the expiry of its token', () => {
  const clock = createTestClock({ wall: 1_700_000_000_000 })
  const token = { claims: { exp: 1_700_000_010 } }

  it('is its own iterator, and hides what its source returns', async () => {
    const source = { next: async () => ({ done: true as const, value: 'last' }) }
    const stream = untilExpiry(token, { [Symbol.asyncIterator]: () => source as never }, clock)
    expect(stream[Symbol.asyncIterator]()).toBe(stream)
    expect(await stream.next()).toEqual({ done: true, value: undefined })
    expect(await stream.return?.()).toEqual({ done: true, value: undefined })
    expect(clock.pending()).toBe(0)
  })

  it('ends for everyone who waits', async () => {
    const source = { next: () => new Promise(() => {}) }
    const stream = untilExpiry(token, { [Symbol.asyncIterator]: () => source as never }, clock)
    const waiting = Promise.all([stream.next(), stream.next()])
    clock.advance(9999)
    expect(clock.pending()).toBe(1)
    clock.advance(1)
    expect(await waiting).toEqual(Array.from({ length: 2 }, () => ({ done: true, value: undefined })))
  })

  it('without an expiry ends only with its source, on the clock of the runtime', async () => {
    async function* one() {
      yield 1
    }
    const seen: number[] = []
    for await (const value of untilExpiry({ claims: {} }, one())) seen.push(value)
    expect(seen).toEqual([1])
  })
})
