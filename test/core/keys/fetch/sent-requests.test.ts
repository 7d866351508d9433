import { afterEach, describe, expect, it, vi } from 'vitest'
import { TransportError } from '../../../../packages/core/src/errors/auth-error.ts'
import {
  fetchDocument,
  type FetchDocumentOptions,
  USER_AGENT,
} from '../../../../packages/core/src/keys/fetch/fetch-document.ts'
import { firstMetadata } from '../../../../packages/core/src/keys/remote/discovery.ts'
import type { VerifierEvent } from '../../../../packages/core/src/model/events.ts'
import { manualClock } from '../../../support/core/manual-clock.ts'

const URL_OF_KEYS = new URL('https://issuer.example/keys')
const JWK_SET = 'application/jwk-set+json, application/json;q=0.9'

afterEach(() => {
  vi.unstubAllGlobals()
})

const setUp = (answer: () => Response | Promise<Response> = () => new Response('{}')) => {
  const clock = manualClock()
  const sent: [string, Record<string, unknown>][] = []
  const events: VerifierEvent[] = []
  const fetch = async (url: string, init: object): Promise<Response> => {
    const { signal: _, ...rest } = { ...init } as { readonly signal: unknown }
    sent.push([url, rest])
    return answer()
  }
  const get = (options: Partial<FetchDocumentOptions> = {}) =>
    fetchDocument(URL_OF_KEYS, {
      fetch,
      clock,
      timeout: 5,
      maxBytes: 10,
      onEvent: (event) => void events.push(event),
      ...options,
    })
  return { clock, sent, events, get }
}
const ended = { type: 'fetch.ended', uri: 'https://issuer.example/keys' }

describe('a request for a document', () => {
  it('asks for keys by default, and follows no redirects', async () => {
    const { sent, events, get } = setUp()
    await get()
    const headers = { accept: JWK_SET, 'user-agent': USER_AGENT }
    expect(sent).toEqual([[URL_OF_KEYS.href, { method: 'GET', redirect: 'manual', headers }]])
    expect(Object.keys(sent[0]?.[1] ?? {}).toSorted()).toEqual(['headers', 'method', 'redirect'])
    expect(events).toEqual([{ ...ended, method: 'GET', duration: 0, status: 200 }])
    expect(Object.keys(events[0] ?? {})).not.toContain('reason')
  })

  it('has the fields, the entity tag and the body that it is given', async () => {
    const { sent, events, get } = setUp()
    await get({
      accept: 'application/json',
      etag: '"a"',
      headers: { 'x-api-key': 'b' },
      post: { contentType: 'text/plain', body: 'c=d' },
    })
    expect(sent[0]?.[1]).toEqual({
      method: 'POST',
      redirect: 'manual',
      body: 'c=d',
      headers: {
        accept: 'application/json',
        'user-agent': USER_AGENT,
        'x-api-key': 'b',
        'if-none-match': '"a"',
        'content-type': 'text/plain',
      },
    })
    expect(events).toMatchObject([{ method: 'POST' }])
  })

  it.each([
    ['Mozilla/5.0', false],
    ['Node.js/24', true],
    ['not Mozilla/5.0', true],
    [undefined, true],
  ])('in "%s" names Claimgate: %s', async (userAgent, named) => {
    vi.stubGlobal('navigator', { userAgent })
    const { sent, get } = setUp()
    await get()
    const headers = sent[0]?.[1]['headers'] as Readonly<Record<string, string>>
    expect(headers['user-agent']).toBe(named ? USER_AGENT : undefined)
  })

  it.each<readonly [string, () => Response | Promise<Response>, object]>([
    ['a status', () => new Response('', { status: 503 }), { status: 503, reason: 'status' }],
    ['a body that is too large', () => new Response('x'.repeat(11)), { reason: 'too_large' }],
    ['a broken connection', async () => Promise.reject(new Error('down')), { reason: 'network' }],
    ['no transport', async () => Promise.reject(new TransportError('no https')), { reason: 'transport' }],
  ])('is reported if it ends with %s', async (_, answer, expected) => {
    const { events, get } = setUp(answer)
    await expect(get()).rejects.toMatchObject({ name: 'FetchError' })
    expect(events).toEqual([{ ...ended, method: 'GET', duration: 0, ...expected }])
  })

  it('that is given up is not reported, and not sent if that was before', async () => {
    const closing = new AbortController()
    const { events, sent, get } = setUp(() => new Promise(() => {}))
    const asked = get({ signal: closing.signal })
    closing.abort()
    await expect(asked).rejects.toMatchObject({ reason: 'network', message: 'The fetch was given up' })
    await expect(get({ signal: closing.signal })).rejects.toThrow('The fetch was given up')
    expect([events, sent.length]).toEqual([[], 1])
  })

  it.each([
    [{}, 5],
    [{ left: 1500 }, 1.5],
  ])('ends in time with %o', async (options, seconds) => {
    const { clock, events, get } = setUp(() => new Promise(() => {}))
    const failures: unknown[] = []
    const asked = get(options).catch((error: unknown) => failures.push(error))
    await clock.pass(seconds - 0.001)
    expect(failures).toEqual([])
    await clock.pass(0.001)
    await asked
    expect(failures).toMatchObject([{ reason: 'timeout', message: 'No complete answer within 5 s' }])
    expect(events).toEqual([{ ...ended, method: 'GET', duration: seconds * 1000, reason: 'timeout' }])
    expect(clock.timers()).toBe(0)
  })

  it('may be answered with as many bytes as allowed', async () => {
    expect(await setUp(() => new Response('x'.repeat(10))).get()).toMatchObject({ status: 200, text: 'x'.repeat(10) })
  })

  it.each<readonly [string, number, object, string]>([
    ['401', 401, {}, 'The status was 401, not 200 (if it wants credentials, keySet.headers can send them)'],
    ['403, with header fields', 403, { headers: { a: 'b' } }, 'The status was 403, not 200'],
    ['403, with other advice', 403, { ifRefused: 'look here' }, 'The status was 403, not 200 (look here)'],
    ['404', 404, { ifRefused: 'look here' }, 'The status was 404, not 200'],
    ['201', 201, {}, 'The status was 201, not 200'],
    ['304 without an entity tag', 304, {}, 'The status was 304, not 200'],
    ['300', 300, {}, 'Redirects are not followed (status 300)'],
    ['399', 399, {}, 'Redirects are not followed (status 399)'],
    ['400', 400, {}, 'The status was 400, not 200'],
    ['299', 299, {}, 'The status was 299, not 200'],
  ])('that is answered with %s says so', async (_, status, options, message) => {
    const { get } = setUp(() => new Response(null, { status }))
    await expect(get(options)).rejects.toThrow(new RegExp(`^${message.replaceAll(/[()]/g, String.raw`\$&`)}$`))
  })
})

it('metadata without an address says so', async () => {
  await expect(firstMetadata([], 10, async () => expect.unreachable())).rejects.toThrow('it has no address')
})
