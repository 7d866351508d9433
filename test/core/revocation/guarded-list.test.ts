import { AuthError } from '@claimgate/core'
import { createTestClock } from '@claimgate/testing'
import { describe, expect, it } from 'vitest'
import { guardedList, revocationEndpoint } from '../../../packages/core/src/revocation/endpoint.ts'
import type { RevocationList } from '../../../packages/core/src/revocation/options.ts'
import { request } from '../../support/core/refusal.ts'

const METHODS = ['check', 'denyToken', 'denySubject', 'denySession'] as const
const callOf = (list: RevocationList, method: (typeof METHODS)[number]): Promise<void> =>
  (list[method] as (...given: readonly unknown[]) => Promise<void>)('a', 'b')
const listWith = (answer: (...given: readonly unknown[]) => unknown): RevocationList =>
  Object.fromEntries(METHODS.map((method) => [method, answer])) as never
const thrownBy = async (asked: Promise<unknown>): Promise<unknown> =>
  asked.then(
    () => expect.unreachable(),
    (error: unknown) => error,
  )

describe.each(METHODS)('44. A denylist whose method %s', (method) => {
  const clock = createTestClock()
  const guarded = (answer: (...given: readonly unknown[]) => unknown): Promise<void> =>
    callOf(guardedList(listWith(answer), 2, clock), method)

  it('answers, is asked once and with the same values', async () => {
    const asked: unknown[] = []
    await guarded(async (...given) => void asked.push(given))
    expect(asked).toEqual([method === 'denySubject' || method === 'denySession' ? ['a', 'b'] : ['a']])
  })

  it.each<readonly [string, () => unknown, string]>([
    ['answers with something', async () => true, 'A denylist must answer with nothing'],
    ['answers without a promise', () => undefined, 'An answer was given without a promise'],
    ['fails', async () => Promise.reject(new Error('down')), 'down'],
    [
      'throws',
      () => {
        throw new Error('down')
      },
      'down',
    ],
    ['is not available', async () => Promise.reject(new AuthError('keys_unavailable')), 'Keys'],
  ])('%s, cannot decide', async (_, answer, cause) => {
    const error = await thrownBy(guarded(answer))
    expect(error).toMatchObject({ code: 'check_unavailable', actual: '"the denylist"', status: 503 })
    expect(String((error as Error).cause)).toMatch(new RegExp(cause, 'i'))
  })

  it('does not answer in time, cannot decide', async () => {
    const asked = thrownBy(guarded(() => new Promise(() => {})))
    await clock.advanceAsync(2000)
    expect(await asked).toMatchObject({
      code: 'check_unavailable',
      cause: { message: 'The denylist has not answered within 2 s' },
    })
  })

  it('refuses, refuses only as a check', async () => {
    const refusal = new AuthError('token_refused')
    const error = await thrownBy(guarded(async () => Promise.reject(refusal)))
    if (method === 'check') expect(error).toBe(refusal)
    else expect(error).toMatchObject({ code: 'check_unavailable', cause: refusal })
  })
})

describe('44. An endpoint', () => {
  const send = async (
    thrown: unknown,
    { method = 'POST', log }: { method?: string; log?: { warn(line: string): void } | false } = {},
  ) =>
    revocationEndpoint({
      clock: createTestClock(),
      log,
      accepted: 202,
      refusal: ({ code }) => ({ code }),
      accept: async () => {
        if (thrown !== undefined) throw thrown as Error
      },
    }).receive(request({}, { method }), { parsed: '' })

  it.each<readonly [string, unknown, object]>([
    ['202', undefined, { headers: {}, body: '' }],
    [
      '400',
      new AuthError('token_expired'),
      { headers: { 'content-type': 'application/json' }, body: '{"code":"token_expired"}' },
    ],
    ['408', new AuthError('form_timeout'), { headers: {}, body: '' }],
    ['413', new AuthError('form_too_large'), { headers: {}, body: '' }],
    ['503', new AuthError('keys_unavailable', { retryAfter: 2.5 }), { headers: { 'retry-after': '3' }, body: '' }],
    ['503', new AuthError('keys_unavailable', { retryAfter: 0 }), { headers: { 'retry-after': '1' }, body: '' }],
    ['503', new Error('a bug'), { headers: { 'retry-after': '1' }, body: '' }],
  ])('answers with %s', async (status, thrown, { headers, body }: { headers?: object; body?: string }) => {
    expect(await send(thrown)).toEqual({
      status: Number(status),
      headers: { 'cache-control': 'no-store', ...headers },
      body,
    })
  })

  it('accepts only POST', async () => {
    expect(await send(undefined, { method: 'GET' })).toEqual({
      status: 405,
      headers: { 'cache-control': 'no-store', allow: 'POST' },
      body: '',
    })
  })

  it('logs what failed, and nothing that it accepted or if there is no log', async () => {
    const lines: string[] = []
    const log = { warn: (line: string): void => void lines.push(line) }
    await send(undefined, { log })
    await send(new Error('a secret'), { log: false })
    expect(lines).toEqual([])
    await send(new Error('a secret'), { log })
    expect(lines).toEqual([expect.stringContaining('found "the request"')])
    expect(lines.join()).not.toContain('a secret')
  })
})
