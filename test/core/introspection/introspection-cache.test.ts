import { createHash } from 'node:crypto'
import type { AuthError } from '@claimgate/core'
import {
  clientSecretBasic,
  type IntrospectionAnswer,
  type IntrospectionCacheStore,
} from '@claimgate/core/introspection'
import { afterEach, describe, expect, it, vi } from 'vitest'

import { settle } from '../../support/core/manual-clock.ts'
import { active } from '../../support/introspection/server.ts'
import { ISSUER, settledIn, setUp } from '../../support/introspection/still-endpoint.ts'

const later =
  (response: () => Response): (() => Promise<Response>) =>
  async () => {
    await new Promise((resolve) => {
      setTimeout(resolve, 200)
    })
    return response()
  }

afterEach(() => vi.restoreAllMocks())

/** JSON cannot contain it. */
const itself: Record<string, unknown> = { active: true }
itself['itself'] = itself

describe('43. a cached answer', () => {
  it('about an active token counts for maxAge', async () => {
    const { clock, endpoint, outcome } = setUp()
    expect(await outcome('good')).toBe('200')
    endpoint.reply = () => Response.json({ active: false })
    await clock.pass(29.9)
    expect(await outcome('good')).toBe('200')
    await clock.pass(0.2)
    expect(await outcome('good')).toBe('401 token_refused')
    expect(endpoint.tokens).toEqual(['good', 'good'])
  })

  it('about an inactive token counts for negativeMaxAge', async () => {
    const { clock, now, endpoint, outcome } = setUp()
    expect(await outcome('junk')).toBe('401 token_refused')
    endpoint.reply = () => Response.json(active(ISSUER, { exp: now() + 600 }))
    await clock.pass(4.9)
    expect(await outcome('junk')).toBe('401 token_refused')
    await clock.pass(0.2)
    expect(await outcome('junk')).toBe('200')
    expect(endpoint.tokens).toHaveLength(2)
  })

  it('never counts past exp, not even within the clock tolerance', async () => {
    const { clock, now, endpoint, outcome } = setUp()
    const exp = now() + 10
    endpoint.reply = () => Response.json(active(ISSUER, { exp }))
    expect(await outcome('good')).toBe('200')
    await clock.pass(9.9)
    expect(await outcome('good')).toBe('200')
    expect(endpoint.tokens).toHaveLength(1)
    await clock.pass(0.2)
    await outcome('good')
    expect(endpoint.tokens).toHaveLength(2)
  })

  it('is checked again each time: claims expire when the wall clock is stepped', async () => {
    const { clock, endpoint, outcome } = setUp()
    await outcome('good')
    clock.stepWall(700)
    expect(await outcome('good')).toBe('401 token_expired')
    expect(endpoint.tokens).toHaveLength(1)
  })

  it('does not exist for 503, and not with "cache": false', async () => {
    const { endpoint, outcome } = setUp()
    endpoint.reply = () => Response.json({ active: 'yes' })
    expect([await outcome('good'), await outcome('good')]).toEqual(['503 check_unavailable', '503 check_unavailable'])
    expect(endpoint.tokens).toHaveLength(2)
    const other = setUp({ cache: false })
    other.endpoint.reply = later(() => Response.json({ active: false }))
    await Promise.all([other.outcome('good'), other.outcome('good')])
    await other.outcome('good')
    expect(other.endpoint.tokens).toHaveLength(2)
  })

  it('about a good token is not evicted by junk', async () => {
    const { endpoint, outcome } = setUp({ cache: { maxEntries: 10 } })
    await outcome('good')
    for (let index = 0; index < 100; index += 1) await outcome(`junk${index}`)
    expect(await outcome('good')).toBe('200')
    expect(endpoint.tokens.filter((token) => token === 'good')).toHaveLength(1)
    // Only the last ten are still known.
    const before = endpoint.tokens.length
    await outcome('junk99')
    await outcome('junk0')
    expect(endpoint.tokens.length - before).toBe(1)
  })
})

describe('a store of answers', () => {
  function memory(): IntrospectionCacheStore & { readonly entries: Map<string, [IntrospectionAnswer, number]> } {
    const entries = new Map<string, [IntrospectionAnswer, number]>()
    return {
      entries,
      get: async (key) => entries.get(key)?.[0],
      set: async (key, answer, seconds) => void entries.set(key, [answer, seconds]),
    }
  }

  it('is shared by processes, with hashes for keys and no token', async () => {
    const store = memory()
    const one = setUp({ cache: { store } })
    const two = setUp({ cache: { store } })
    expect([await one.outcome('good-token'), await one.outcome('junk-token')]).toEqual(['200', '401 token_refused'])
    expect([await two.outcome('good-token'), await two.outcome('junk-token')]).toEqual(['200', '401 token_refused'])
    expect(two.endpoint.tokens).toEqual([])
    expect([...store.entries.values()].map(([, seconds]) => seconds)).toEqual([30, 5])
    const text = JSON.stringify([...store.entries])
    expect(text).not.toContain('-token')
    for (const key of store.entries.keys()) expect(key).toMatch(/^[\da-f]{64}$/)
    expect([...store.entries.keys()][0]).toBe(
      createHash('sha256')
        .update(JSON.stringify([ISSUER, `${ISSUER}/introspect`, 'api', 'json', 'good-token']))
        .digest('hex'),
    )
    // Another client may see other claims.
    const third = setUp({ cache: { store }, client: clientSecretBasic('other', 'secret') })
    await third.outcome('good-token')
    expect(third.endpoint.tokens).toEqual(['good-token'])
  })

  it.each<[string, unknown]>([
    ['text', '{"active":true}'],
    ['active of text', { active: 'true' }],
    ['an inherited active', Object.create({ active: true })],
    ['a big integer', { active: true, exp: 1n }],
    ['itself as a member', itself],
    ['another active for JSON', { active: true, toJSON: () => ({ ...active(ISSUER), active: 'yes' }) }],
    ['nothing for JSON', { active: true, toJSON: () => undefined }],
    ['null', null],
  ])('that answers with %s is ignored', async (_, stored) => {
    const { endpoint, outcome } = setUp({ cache: { store: { get: async () => stored as never, set: async () => {} } } })
    expect(await outcome('junk')).toBe('401 token_refused')
    expect(endpoint.tokens).toEqual(['junk'])
  })

  it('that throws or hangs costs only the cache', async () => {
    const broken = {
      get: () => {
        throw new Error('down')
      },
      set: async () => Promise.reject(new Error('down')),
    }
    const { outcome } = setUp({ cache: { store: broken } })
    expect([await outcome('good'), await outcome('junk')]).toEqual(['200', '401 token_refused'])
    const hanging = { get: async () => new Promise<never>(() => {}), set: async () => new Promise<never>(() => {}) }
    const { clock, outcome: slowly } = setUp({ cache: { store: hanging } })
    expect(await settledIn(clock, slowly('good'))).toBe('200')
  })
})

describe('requests to the endpoint', () => {
  it('are one at a time per token', async () => {
    const { endpoint, outcome } = setUp()
    const outcomes = await Promise.all(Array.from({ length: 100 }, async () => outcome('good')))
    expect(new Set(outcomes)).toEqual(new Set(['200']))
    expect(endpoint.tokens).toEqual(['good'])
  })

  it('43. stay within bounds under a flood of junk tokens, and cached tokens pass', async () => {
    const { endpoint, verifier, outcome } = setUp({ cache: { maxEntries: 100 } })
    expect(await outcome('good')).toBe('200')
    const waiting: (() => void)[] = []
    endpoint.reply = async () => new Promise((resolve) => waiting.push(() => resolve(Response.json({ active: false }))))
    const statuses: Record<string, number> = {}
    const flood = Array.from({ length: 3000 }, async (_, index) => {
      const status = await outcome(`junk${index}`)
      statuses[status] = (statuses[status] ?? 0) + 1
    })
    await vi.waitFor(() => expect(statuses).toEqual({ '503 check_unavailable': 3000 - 1032 }), 10_000)
    // The endpoint has 32 requests, and does not answer.
    expect([waiting.length, endpoint.mostAtOnce, endpoint.tokens.length]).toEqual([32, 32, 33])
    for (let index = 0; index < 100; index += 1) expect(await outcome('good')).toBe('200')
    const [token] = [await verifier.verify('good')]
    const fresh = verifier.verifyFresh?.(token).catch((error: unknown) => (error as AuthError).status)
    expect(await fresh).toBe(503)
    let answered = 0
    while (answered < 1032) {
      await vi.waitFor(() => expect(waiting.length).toBeGreaterThan(answered))
      for (const answer of waiting.slice(answered)) answer()
      answered = waiting.length
    }
    await Promise.all(flood)
    expect(statuses).toEqual({ '503 check_unavailable': 1968, '401 token_refused': 1032 })
    expect([endpoint.mostAtOnce, endpoint.tokens.length]).toEqual([32, 1033])
    expect(await outcome('good')).toBe('200')
  })

  it('43. that end in failures of the endpoint are not repeated for junk', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(1)
    const { endpoint, outcome } = setUp()
    expect(await outcome('good')).toBe('200')
    endpoint.reply = () => new Response('', { status: 500 })
    for (let index = 0; index < 1000; index += 1) expect(await outcome(`junk${index}`)).toBe('503 check_unavailable')
    expect(endpoint.tokens).toEqual(['good', 'junk0'])
    expect(await outcome('good')).toBe('200')
  })

  it('43. about large tokens and answers keep memory bounded, and evict no small answer about a good token', async () => {
    const { endpoint, now, outcome } = setUp()
    expect(await outcome('good')).toBe('200')
    const note = 'x'.repeat(60_000)
    endpoint.reply = (token) =>
      Response.json(token.startsWith('own') ? active(ISSUER, { exp: now() + 600, note }) : { active: false, note })
    for (let index = 0; index < 500; index += 1) await outcome(`${'j'.repeat(4000)}${index}`)
    const before = endpoint.tokens.length
    expect(await outcome('good')).toBe('200')
    expect(endpoint.tokens).toHaveLength(before)
    // 16 MiB hold fewer than 300 answers of this size, which only holders of good tokens can cause.
    for (let index = 0; index < 300; index += 1) await outcome(`own${index}`)
    endpoint.tokens.length = 0
    for (let index = 299; index >= 0; index -= 1) await outcome(`own${index}`)
    expect(endpoint.tokens.length).toBeGreaterThan(20)
    expect(endpoint.tokens.length).toBeLessThan(300)
  })

  it('wait for their turn, and no longer than the timeout', async () => {
    const { clock, endpoint, events, outcome } = setUp({ maxInFlight: 1 })
    const replies: ((response: Response) => void)[] = []
    endpoint.reply = async () => new Promise((resolve) => replies.push(resolve))
    const first = outcome('a')
    await vi.waitFor(() => expect(replies).toHaveLength(1))
    const second = outcome('b')
    await settle()
    replies[0]?.(Response.json({ active: false }))
    await vi.waitFor(() => expect(replies).toHaveLength(2))
    replies[1]?.(Response.json({ active: false }))
    expect([await first, await second]).toEqual(['401 token_refused', '401 token_refused'])
    expect(endpoint.mostAtOnce).toBe(1)
    const third = outcome('c')
    await vi.waitFor(() => expect(replies).toHaveLength(3))
    const fourth = outcome('d')
    expect(await settledIn(clock, Promise.all([third, fourth]))).toEqual([
      '503 check_unavailable',
      '503 check_unavailable',
    ])
    const reasons = events.flatMap((event) => (event.type === 'introspection.failed' ? [event.reason] : []))
    expect(reasons).toContain('timeout')
  })

  it('give their turn back if the client authentication hangs: 503, and 200 when it works again', async () => {
    let hangs = true
    const authenticate = async () => (hangs ? new Promise<never>(() => {}) : {})
    const { clock, endpoint, events, outcome } = setUp({ maxInFlight: 1, client: { clientId: 'api', authenticate } })
    expect(await settledIn(clock, outcome('good'))).toBe('503 check_unavailable')
    expect(events).toContainEqual(expect.objectContaining({ type: 'introspection.failed', reason: 'timeout' }))
    expect(endpoint.tokens).toEqual([])
    hangs = false
    await clock.pass(60)
    expect(await settledIn(clock, outcome('good'))).toBe('200')
  })

  it('ignore a client authentication that fails late', async () => {
    const late: ((reason: unknown) => void)[] = []
    const authenticate = async () => new Promise<never>((_, reject) => late.push(reject))
    const { clock, outcome } = setUp({ client: { clientId: 'api', authenticate } })
    expect(await settledIn(clock, outcome('good'))).toBe('503 check_unavailable')
    for (const reject of late) reject(undefined)
    await settle()
  })

  it('pause with growing waits while the endpoint fails, at most 7 in the first minute and 2 a minute after', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0)
    const { clock, endpoint, outcome } = setUp()
    endpoint.reply = () => new Response('', { status: 500 })
    for (let second = 0; second < 60; second += 1) {
      expect(await outcome(`token${second}`)).toBe('503 check_unavailable')
      await clock.pass(1)
    }
    expect(endpoint.tokens.length).toBeLessThanOrEqual(7)
    endpoint.tokens.length = 0
    for (let second = 0; second < 120; second += 1) {
      await outcome(`other${second}`)
      await clock.pass(1)
    }
    expect(endpoint.tokens.length).toBeLessThanOrEqual(4)
  })

  it('continue when the endpoint answers again, one at a time until then', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(1)
    const { clock, endpoint, verifier, outcome } = setUp()
    endpoint.reply = () => new Response('', { status: 503, headers: { 'retry-after': '20' } })
    await outcome('one')
    const error = (await verifier.verify('two').catch((thrown: unknown) => thrown)) as AuthError
    expect([error.status, error.retryAfter]).toEqual([503, 20])
    await clock.pass(21)
    endpoint.reply = later(() => Response.json({ active: false }))
    const outcomes = await Promise.all([outcome('three'), outcome('four')])
    expect(outcomes.toSorted()).toEqual(['401 token_refused', '503 check_unavailable'])
    expect(await outcome('five')).toBe('401 token_refused')
  })

  it('that fail together count as one failure', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(1)
    const { clock, endpoint, outcome } = setUp()
    endpoint.reply = later(() => {
      throw new Error('down')
    })
    await Promise.all(Array.from({ length: 20 }, async (_, index) => outcome(`token${index}`)))
    expect(endpoint.tokens).toHaveLength(20)
    await clock.pass(1.1)
    endpoint.reply = () => Response.json({ active: false })
    expect(await outcome('next')).toBe('401 token_refused')
  })

  it('of other tokens continue when the answer about one token is bad', async () => {
    const { endpoint, outcome } = setUp()
    const standard = endpoint.reply
    endpoint.reply = (token) => (token === 'evil' ? new Response('', { status: 400 }) : standard(token))
    for (let index = 0; index < 10; index += 1) expect(await outcome('evil')).toBe('503 check_unavailable')
    expect(await outcome('good')).toBe('200')
  })

  it('end with close: 503 from then on', async () => {
    const { endpoint, verifier, outcome } = setUp()
    endpoint.reply = async () => new Promise(() => {})
    const pending = outcome('good')
    await vi.waitFor(() => expect(endpoint.tokens).toHaveLength(1))
    verifier.close()
    expect(await pending).toBe('503 check_unavailable')
    expect(await outcome('other')).toBe('503 check_unavailable')
    expect(endpoint.tokens).toEqual(['good'])
  })
})
