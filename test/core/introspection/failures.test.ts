import { AuthError } from '@claimgate/core'
import { describe, expect, it } from 'vitest'
import { withoutSecrets } from '../../../packages/core/src/introspection/endpoint-requests.ts'
import {
  badAnswer,
  failureOf,
  type IntrospectionError,
  tooLate,
  unavailable,
} from '../../../packages/core/src/introspection/failure.ts'
import { TransportError } from '../../../packages/core/src/errors/auth-error.ts'
import { FetchError } from '../../../packages/core/src/keys/fetch/fetch-error.ts'

const membersOf = ({ message, reason, scope, status, retryAfter }: IntrospectionError): readonly unknown[] => [
  message,
  reason,
  scope,
  status,
  retryAfter,
]
const systemError = (code: unknown): Error => Object.assign(new Error('secret'), { code })

describe('43. The failure of a request', () => {
  it.each<readonly [string, unknown, readonly unknown[]]>([
    ['an unknown one', undefined, ['The request could not be made', 'network', 'endpoint', undefined, undefined]],
    ['a text', 'secret', ['The request could not be made', 'network', 'endpoint', undefined, undefined]],
    [
      'a system error',
      systemError('ECONNRESET'),
      ['The request could not be made (ECONNRESET)', 'network', 'endpoint', undefined, undefined],
    ],
    [
      'a refusal',
      new AuthError('keys_unavailable'),
      ['The request could not be made (keys_unavailable)', 'network', 'endpoint', undefined, undefined],
    ],
    [
      'status 401',
      new FetchError('status', 'secret', { status: 401, retryAfter: 5 }),
      ['The endpoint refused the credentials of this API with status 401', 'client_refused', 'endpoint', 401, 5],
    ],
    [
      'status 403',
      new FetchError('status', 'secret', { status: 403 }),
      [
        'The endpoint refused the credentials of this API with status 403',
        'client_refused',
        'endpoint',
        403,
        undefined,
      ],
    ],
    ...[400, 413, 414, 422, 431].map((status): readonly [string, unknown, readonly unknown[]] => [
      `status ${status}, perhaps because of the token`,
      new FetchError('status', 'answer', { status }),
      ['answer', 'status', 'token', status, undefined],
    ]),
    ...[404, 429, 500].map((status): readonly [string, unknown, readonly unknown[]] => [
      `status ${status}`,
      new FetchError('status', 'answer', { status, retryAfter: 7 }),
      ['answer', 'status', 'endpoint', status, 7],
    ]),
    [
      'an answer that is too large',
      new FetchError('too_large', 'secret', {}),
      ['The answer is too large', 'too_large', 'token', undefined, undefined],
    ],
    [
      'a malformed answer',
      new FetchError('malformed', 'no JSON', {}),
      ['no JSON', 'malformed', 'token', undefined, undefined],
    ],
    ['a network failure', new FetchError('network', 'down'), ['down', 'network', 'endpoint', undefined, undefined]],
  ])('after %s tells whether the endpoint or the token is to blame, and no cause', (_, error, members) => {
    const failure = failureOf(error)
    expect(membersOf(failure)).toEqual(members)
    expect([failure.name, failure.cause]).toEqual(['IntrospectionError', undefined])
  })

  it('that is known stays the same', () => {
    const known = badAnswer('x')
    expect(failureOf(known)).toBe(known)
    expect(membersOf(known)).toEqual(['x', 'answer', 'token', undefined, undefined])
    expect(membersOf(tooLate('It', 'endpoint'))).toEqual([
      'It has not answered in time',
      'timeout',
      'endpoint',
      undefined,
      undefined,
    ])
  })

  it('makes requests fail with 503, whose log says why', () => {
    const client = failureOf(new FetchError('status', 'x', { status: 401 }))
    expect(unavailable(client, 1500)).toMatchObject({
      code: 'check_unavailable',
      actual: '"introspection: client_refused, status 401"',
      hint: 'The authorization server refused the credentials of this API: check "client"',
      retryAfter: 2,
      cause: client,
    })
    expect(unavailable(badAnswer('x'), 0)).toMatchObject({
      actual: '"introspection: answer"',
      hint: undefined,
      retryAfter: 1,
    })
  })
})

describe('43. A fetch for the endpoint', () => {
  const thrownBy = async (thrown: unknown): Promise<Error> => {
    const fetch = withoutSecrets(async () => {
      throw thrown as Error
    })
    return fetch('https://a.example', {} as never).then(
      () => expect.unreachable(),
      (error: Error) => error,
    )
  }

  it.each<readonly [string, unknown, string | undefined]>([
    ['a system error', systemError('ECONNREFUSED'), 'ECONNREFUSED'],
    ['an error caused by one', new Error('secret', { cause: systemError('ENOTFOUND') }), 'ENOTFOUND'],
    ['an error with another code', systemError('the secret'), undefined],
    ['an error', new Error('secret'), undefined],
    ['nothing', undefined, undefined],
    ['an object with a cause', { cause: systemError('ENOTFOUND') }, undefined],
  ])('keeps only the code of %s', async (_, thrown, code) => {
    const error = (await thrownBy(thrown)) as Error & { code?: string }
    expect([error.message, error.cause, error.code, 'code' in error]).toEqual([
      'The connection failed',
      undefined,
      code,
      code !== undefined,
    ])
  })

  it('keeps the error of a transport that cannot work', async () => {
    const error = new TransportError('install undici')
    expect(await thrownBy(error)).toBe(error)
  })
})
