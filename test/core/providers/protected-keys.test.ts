// Keys behind an authenticated address: where the token is sent, and what errors say of it.
import type { KeySourcePlan } from '@claimgate/core'
import { describe, expect, it } from 'vitest'
import { TransportError } from '../../../packages/core/src/errors/auth-error.ts'
import { keysWithHeaders, keysWithToken } from '../../../packages/core/src/providers/key-forms.ts'
import { manualClock } from '../../support/core/manual-clock.ts'

type CreateOptions = Parameters<KeySourcePlan['create']>[0]
type Fetch = NonNullable<CreateOptions['fetch']>

describe('A source behind a token', () => {
  /** A transport that answers every request alike, and the addresses and tokens it was sent. */
  const answering = (status: number, body = ''): { readonly fetch: Fetch; readonly seen: unknown[] } => {
    const seen: unknown[] = []
    const fetch: Fetch = async (url, { headers }) => {
      seen.push([url, headers['authorization']])
      return new Response(body, { status })
    }
    return { fetch, seen }
  }
  const uri = 'https://cluster.example/keys'
  const resolve = async (given: Partial<Parameters<typeof keysWithToken>[0]>, options: CreateOptions = {}) =>
    keysWithToken({ uri, ...given })
      .create({ clock: manualClock(), ...options })
      .resolve({ alg: 'RS256', kid: 'a' })
  const failing = (error: unknown): Fetch => {
    return async () => {
      throw error as Error
    }
  }

  it('uses the fetch that it was given, also without a token', async () => {
    const { fetch, seen } = answering(401)
    await expect(resolve({ fetch }, { fetch: failing(new Error('unused')) })).rejects.toThrow(
      'The status was 401, not 200 (if it wants a token, give "token")',
    )
    expect(seen).toEqual([[uri, undefined]])
  })

  it.each([[undefined], [5], [''], ['a b'], [['a']], ['a\u{7f}']])(
    'sends nothing if the token is %j',
    async (token) => {
      const { fetch, seen } = answering(200, '{"keys":[]}')
      await expect(resolve({ token: () => token as string, fetch })).rejects.toThrow('must give the text of a token')
      expect(seen).toEqual([])
    },
  )

  it('trims the token', async () => {
    const { fetch, seen } = answering(401)
    await expect(resolve({ token: async () => ' abc\n', fetch })).rejects.toThrow('it refuses the token')
    expect(seen).toEqual([[uri, 'Bearer abc']])
  })

  it.each<readonly [string, unknown, string, unknown]>([
    ['of the transport itself', new TransportError('There is no transport'), 'There is no transport', undefined],
    ['with a code', Object.assign(new Error('Bearer abc'), { code: 'ECONNRESET' }), '(ECONNRESET)', 'ECONNRESET'],
    [
      'with a code below it',
      new TypeError('Bearer abc', { cause: Object.assign(new Error('Bearer abc'), { code: 'ENOTFOUND' }) }),
      '(ENOTFOUND)',
      'ENOTFOUND',
    ],
    ['without a code', new Error('Bearer abc'), 'The request failed: "The transport failed"', undefined],
    ['that is a text', 'Bearer abc', 'The request failed: "The transport failed"', undefined],
  ])('says what failed, without the token, for an error %s', async (_, error, says, code) => {
    const refused: unknown = await resolve({ token: () => 'abc', fetch: failing(error) }).catch(
      (reason: unknown) => reason,
    )
    const { message, cause } = refused as { message: string; cause: { cause?: { code?: unknown } } }
    expect(message).toContain(says)
    expect([message.includes('abc'), cause.cause?.code]).toEqual([false, code])
    expect(Object.hasOwn(cause.cause ?? {}, 'code')).toBe(code !== undefined)
  })

  it('has a name that tells tokens, transports and addresses apart', () => {
    const [token, other] = [() => 'a', () => 'a']
    const { fetch } = answering(200)
    const nameOf = (given: Partial<Parameters<typeof keysWithToken>[0]>): string =>
      keysWithToken({ uri, ...given }).name
    expect(nameOf({ token, fetch })).toBe(nameOf({ token, fetch }))
    const names = [
      nameOf({}),
      nameOf({ token }),
      nameOf({ token: other }),
      nameOf({ token, fetch }),
      nameOf({ fetch }),
      nameOf({ uri: `${uri}/` }),
      keysWithHeaders(uri, { a: 'b' }).name,
      keysWithHeaders(uri, { a: 'c' }).name,
    ]
    expect(new Set(names).size).toBe(names.length)
  })
})
