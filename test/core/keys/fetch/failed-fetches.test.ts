import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'

import { TransportError } from '../../../../packages/core/src/errors/auth-error.ts'
import { fetchDocument, type FetchDocumentOptions } from '../../../../packages/core/src/keys/fetch/fetch-document.ts'
import type { VerifierEvent } from '../../../../packages/core/src/model/events.ts'
import { manualClock } from '../../../support/core/manual-clock.ts'

const URI = 'https://issuer.example/keys'
const get = async (fetch: () => Promise<unknown>, options: Partial<FetchDocumentOptions> = {}) =>
  fetchDocument(new URL(URI), {
    fetch: fetch as FetchDocumentOptions['fetch'],
    clock: manualClock(),
    timeout: 5,
    maxBytes: 1000,
    ...options,
  })
const coded = (code: string, cause?: Error): Error => Object.assign(new Error('coded', { cause }), { code })
const tooLong = (type: string) => async () => new Response('x'.repeat(1001), { headers: { 'content-type': type } })

describe('a fetch that fails', () => {
  it.each<[string, Error, string]>([
    ['its error before the cause of that', coded('ECONNRESET', coded('EPIPE')), 'The request failed (ECONNRESET)'],
    ['the cause of an error without a code', new Error('x', { cause: coded('EPIPE') }), 'The request failed (EPIPE)'],
    ['a code of the runtime with its message', coded('ERR_TLS'), 'The request failed (ERR_TLS: "coded")'],
    ['a code of undici with its message', coded('UND_ERR_X'), 'The request failed (UND_ERR_X: "coded")'],
    ['a code that only contains such a prefix', coded('MY_ERR_X'), 'The request failed (MY_ERR_X)'],
  ])('names %s', async (_, error, message) => {
    await expect(get(async () => Promise.reject(error))).rejects.toMatchObject({ reason: 'network', message })
  })

  it.each<[string, () => Promise<Response>, object]>([
    ['is a web page', async () => new Response('<html>'), { reason: 'malformed', content: 'web_page' }],
    ['is a long web page', tooLong('text/html;charset=utf-8'), { reason: 'too_large', content: 'web_page' }],
  ])('says that its answer %s', async (_, fetch, details) => {
    const message = 'The answer is a web page, not JSON'
    await expect(get(fetch)).rejects.toMatchObject({ ...details, message })
  })

  it.each(['text/htmlx', 'application/text/html', 'application/json; was=text/html'])(
    'says the limit for a long answer of the type %s',
    async (type) => {
      await expect(get(tooLong(type))).rejects.toMatchObject({
        reason: 'too_large',
        content: undefined,
        message: 'The body has more than 1000 bytes; "maxBytes" of the key set sets this limit',
      })
    },
  )

  it('has the error of its transport as its cause', async () => {
    const cause = new TransportError('does not load')
    const error = await get(async () => Promise.reject(cause)).catch((thrown: unknown) => thrown)
    expect((error as Error).cause).toBe(cause)
  })

  it('is reported if its clock cannot start a timer, which is not hidden', async () => {
    const events: VerifierEvent[] = []
    const broken = new Error('no timers')
    const clock = {
      ...manualClock(),
      setTimeout: () => {
        throw broken
      },
    }
    const onEvent = (event: VerifierEvent): void => void events.push(event)
    await expect(get(async () => new Response('{}'), { clock, onEvent })).rejects.toBe(broken)
    expect(events).toEqual([{ type: 'fetch.ended', uri: URI, method: 'GET', duration: 0, reason: 'network' }])
  })
})

describe('an event about a fetch', () => {
  it.each<[string, () => Promise<Response>, object]>([
    ['status of a success', async () => new Response('{}'), { status: 200 }],
    ['status of a refusal', async () => new Response(null, { status: 500 }), { status: 500, reason: 'status' }],
    ['reason without an answer', async () => Promise.reject(new Error('x')), { reason: 'network' }],
  ])('has only the %s', async (_, fetch, known) => {
    const events: VerifierEvent[] = []
    await get(fetch, { onEvent: (event) => void events.push({ ...event }) }).catch(() => undefined)
    expect(events).toStrictEqual([{ type: 'fetch.ended', uri: URI, method: 'GET', duration: 0, ...known }])
  })
})

describe('a fetch that has ended', () => {
  it.each<[string, () => Promise<Response>]>([
    ['with success', async () => new Response('{}')],
    ['with a failure', async () => new Response(null, { status: 500 })],
  ])('%s does not listen to the signal any more', async (_, fetch) => {
    const { signal } = new AbortController()
    let during = 0
    await get(
      async () => {
        during = getEventListeners(signal, 'abort').length
        return fetch()
      },
      { signal },
    ).catch(() => undefined)
    expect([during, getEventListeners(signal, 'abort').length]).toEqual([1, 0])
  })

  it.each([
    [1000, 0],
    [1001, 1],
  ])('with a body of %d bytes has cancelled it %d times', async (bytes, times) => {
    let cancelled = 0
    const chunks = [new Uint8Array(bytes).fill(32)]
    const reader = {
      read: async () => ({ done: chunks.length === 0, value: chunks.pop() }),
      cancel: async () => void (cancelled += 1),
    }
    const response = { status: 200, type: 'basic', headers: new Headers(), body: { getReader: () => reader } }
    await get(async () => response).catch(() => undefined)
    expect(cancelled).toBe(times)
  })

  it('refuses a body of texts, whose bytes it cannot count', async () => {
    const chunks = ['{"keys":', '[]}']
    const reader = {
      read: async () => ({ done: chunks.length === 0, value: chunks.shift() as never }),
      cancel: async () => {},
    }
    const response = { status: 200, type: 'basic', headers: new Headers(), body: { getReader: () => reader } }
    await expect(get(async () => response)).rejects.toMatchObject({
      reason: 'malformed',
      message: 'The body is not bytes',
    })
  })
})
