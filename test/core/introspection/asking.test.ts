import { createHash } from 'node:crypto'
import type { AuthError } from '@claimgate/core'
import { clientSecretBasic, createIntrospectionVerifier } from '@claimgate/core/introspection'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { manualClock, settle } from '../../support/core/manual-clock.ts'
import { active, AUDIENCE } from '../../support/introspection/server.ts'
import { ISSUER, settledIn, setUp } from '../../support/introspection/still-endpoint.ts'

afterEach(() => vi.restoreAllMocks())

const errorOf = async (asked: Promise<unknown>): Promise<AuthError> =>
  asked.then(
    () => expect.unreachable(),
    (error: unknown) => error as AuthError,
  )
const hangs = async (): Promise<never> => new Promise(() => {})
const failing = (): Response => new Response('', { status: 500 })

describe('43. A request to the endpoint', () => {
  it('is sent after half of the timeout, if a store of answers hangs', async () => {
    const get = vi.fn<() => Promise<never>>(hangs)
    const { clock, endpoint, outcome } = setUp({ timeout: 4, cache: { store: { get, set: async () => {} } } })
    const asked = outcome('good')
    await vi.waitFor(() => expect(get).toHaveBeenCalledOnce())
    await clock.pass(1.9)
    expect(endpoint.tokens).toEqual([])
    await clock.pass(0.2)
    expect(await asked).toBe('200')
    expect(endpoint.tokens).toEqual(['good'])
  })

  it('that waited while another one failed is not sent, and reported once', async () => {
    const { clock, endpoint, events, outcome } = setUp({ maxInFlight: 1 })
    const replies: ((response: Response) => void)[] = []
    endpoint.reply = async () => new Promise((resolve) => replies.push(resolve))
    const first = outcome('a')
    await vi.waitFor(() => expect(replies).toHaveLength(1))
    const second = outcome('b')
    await new Promise((resolve) => {
      setTimeout(resolve, 20)
    })
    await settle()
    replies[0]?.(failing())
    expect(await settledIn(clock, Promise.all([first, second]))).toEqual([
      '503 check_unavailable',
      '503 check_unavailable',
    ])
    expect(endpoint.tokens).toEqual(['a'])
    expect(events.filter(({ type }) => type === 'introspection.failed')).toHaveLength(1)
  })

  it('whose answer is bad only for its token ends a pause', async () => {
    const { clock, endpoint, outcome } = setUp()
    endpoint.reply = failing
    expect(await outcome('a')).toBe('503 check_unavailable')
    await clock.pass(90)
    endpoint.reply = () => new Response('', { status: 400 })
    expect(await outcome('b')).toBe('503 check_unavailable')
    endpoint.reply = () => Response.json({ active: false })
    expect(await Promise.all([outcome('c'), outcome('d')])).toEqual(['401 token_refused', '401 token_refused'])
    // Two requests at once may hash their tokens in any order.
    expect(endpoint.tokens.toSorted()).toEqual(['a', 'b', 'c', 'd'])
  })

  it('that fails is reported with its status, and until when requests pause', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(1)
    const { endpoint, events, outcome, verifier } = setUp()
    endpoint.reply = failing
    const error = await errorOf(verifier.verify('a'))
    const failed = { type: 'introspection.failed', uri: `${ISSUER}/introspect`, retryAfter: 1 }
    const found = events.filter(({ type }) => type === 'introspection.failed')
    expect(found).toEqual([{ ...failed, reason: 'status', status: 500 }])
    expect(error.retryAfter).toBe(1)
    endpoint.reply = () => {
      throw new Error('down')
    }
    const other = setUp()
    other.endpoint.reply = endpoint.reply
    await other.outcome('a')
    const [event] = other.events.filter(({ type }) => type === 'introspection.failed')
    expect(event).toEqual({ ...failed, reason: 'network' })
    expect(Object.keys(event ?? {})).not.toContain('status')
    expect(await outcome('b')).toBe('503 check_unavailable')
  })

  it.each([
    ['of client authentication', { client: { clientId: 'api', authenticate: hangs } }, '"authenticate" of the client'],
    ['of a connection', { fetch: hangs }, ''],
  ])('ends with the timeout %s', async (_, options, who) => {
    const { clock, verifier } = setUp({ timeout: 4, ...options })
    const asked = errorOf(verifier.verify('good'))
    const { status, cause } = await settledIn(clock, asked)
    expect(status).toBe(503)
    expect((cause as Error).message).toContain(who === '' ? '' : `${who} has not answered in time`)
  })

  it('takes no longer than the timeout, together with client authentication', async () => {
    const clock = manualClock()
    const seen: unknown[] = []
    const authenticate = async (request: object): Promise<object> => {
      seen.push(request)
      return new Promise((resolve) => void clock.setTimeout(() => resolve({}), 3000))
    }
    const fetch = vi.fn<() => Promise<never>>(hangs)
    const { outcome } = setUp({ timeout: 4, fetch, client: { clientId: 'api', authenticate } }, clock)
    const log: string[] = []
    const asked = outcome('good').then((status) => log.push(status))
    await vi.waitFor(() => expect(seen).toHaveLength(1))
    expect(seen).toEqual([{ issuer: ISSUER, endpoint: `${ISSUER}/introspect`, now: clock.now() / 1000 }])
    await clock.pass(3.9)
    expect([fetch.mock.calls.length, log]).toEqual([1, []])
    await clock.pass(0.2)
    await asked
    expect(log).toEqual(['503 check_unavailable'])
  })

  it.each(['application/json ; charset=utf-8', ' application/json', 'APPLICATION/JSON'])(
    'may be answered with the content type "%s"',
    async (type) => {
      const { endpoint, outcome, now } = setUp()
      const body = JSON.stringify(active(ISSUER, { exp: now() + 60 }))
      endpoint.reply = () => new Response(body, { headers: { 'content-type': type } })
      expect(await outcome('good')).toBe('200')
    },
  )
})

describe('43. A signed answer', () => {
  const reply = (): Response =>
    new Response('e30.e30.e30', { headers: { 'content-type': 'application/token-introspection+jwt' } })

  it('whose check hangs ends with the timeout', async () => {
    const { clock, verifier, endpoint } = setUp({ timeout: 4, answers: 'signed', decrypt: hangs } as never)
    endpoint.reply = reply
    const { status, cause } = await settledIn(clock, errorOf(verifier.verify('good')))
    expect([status, (cause as Error).message]).toEqual([503, 'The check of the signed answer has not answered in time'])
  })
})

describe('43. A token', () => {
  it('may have as many characters as the limit, and not more', async () => {
    const { endpoint, outcome } = setUp({ limits: { tokenLength: 100 } })
    expect(await outcome(`good${'a'.repeat(96)}`)).toBe('200')
    expect(await outcome(`good${'a'.repeat(97)}`)).toBe('401 token_too_long')
    expect(endpoint.tokens).toHaveLength(1)
  })
})

describe('43. An endpoint that the issuer names', () => {
  const named = () => {
    const clock = manualClock()
    const paths: string[] = []
    const keys: string[] = []
    let status = 200
    const verifier = createIntrospectionVerifier({
      issuer: ISSUER,
      audience: AUDIENCE,
      client: clientSecretBasic('api', 'secret'),
      clock,
      cache: { store: { get: async (key) => void keys.push(key), set: async () => {} } },
      fetch: async (url) => {
        const { pathname } = new URL(url)
        paths.push(pathname)
        if (pathname !== '/introspect')
          return Response.json({ issuer: ISSUER, introspection_endpoint: `${ISSUER}/introspect`, jwks_uri: ISSUER })
        return status === 200 ? Response.json({ active: false }) : new Response('', { status })
      },
    })
    const ask = async (token: string): Promise<string> => (await errorOf(verifier.verify(token))).code
    const answerWith = (given: number): void => {
      status = given
    }
    return { clock, paths, keys, ask, answerWith }
  }

  it('is looked up again some time after it has failed', async () => {
    const { clock, paths, ask, answerWith } = named()
    expect(await ask('a')).toBe('token_refused')
    answerWith(500)
    expect(await ask('b')).toBe('check_unavailable')
    answerWith(200)
    await clock.pass(120)
    expect(await ask('c')).toBe('token_refused')
    const metadata = paths.filter((path) => path !== '/introspect')
    expect([metadata.length, new Set(metadata).size]).toEqual([2, 1])
  })

  it('is no part of the key of an answer', async () => {
    const { keys, ask } = named()
    await ask('a')
    const parts = JSON.stringify([ISSUER, '', 'api', 'json', 'a'])
    expect(keys).toEqual([createHash('sha256').update(parts).digest('hex')])
  })
})
