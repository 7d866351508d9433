import { createHash } from 'node:crypto'
import {
  allOf,
  anyOf,
  type Authenticated,
  type Binding,
  createAuthenticator,
  createVerifier,
  not,
  type Outcome,
  type Requirement,
  type RequestView,
  scope,
  type Verifier,
} from '@claimgate/core'
import { fresh, type IntrospectionOptions } from '@claimgate/core/introspection'
import { createTestKeys } from '@claimgate/testing'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type ManualClock, manualClock, settle } from '../../support/core/manual-clock.ts'
import { active, AUDIENCE } from '../../support/introspection/server.ts'
import { ISSUER, settledIn, setUp } from '../../support/introspection/still-endpoint.ts'

const key = await createTestKeys('ES256', { kid: 'key-1' })

const view = (token: string): RequestView => ({
  method: 'POST',
  target: '/payments',
  header: (name) => (name === 'authorization' ? [`Bearer ${token}`] : []),
})

const summary = (outcome: Outcome): string =>
  outcome.kind === 'refused' ? `${outcome.error.status} ${outcome.error.code}` : outcome.kind

interface Around {
  readonly bindings?: readonly Binding[]
  readonly clock?: ManualClock
}

/** A resource that has asked about the token `good` for another request. */
async function resource(
  more: Partial<IntrospectionOptions> = {},
  { bindings = [], clock = manualClock() }: Around = {},
) {
  const made = setUp(more, clock)
  const authenticator = createAuthenticator({ verifier: made.verifier, bindings })
  const pay = async (token: string, requirement: Requirement = payment): Promise<string> =>
    summary(await authenticator.authenticate(view(token), requirement))
  await made.outcome('good')
  made.endpoint.tokens.length = 0
  /** Changes what the endpoint answers. */
  const answer = (members: object | undefined): void => {
    made.endpoint.reply = () =>
      Response.json(members === undefined ? { active: false } : active(ISSUER, { exp: made.now() + 600, ...members }))
  }
  return { ...made, authenticator, pay, answer }
}

const payment = allOf(scope('orders:read'), fresh())

const jwtOf = async (now: number, more: object = {}): Promise<string> =>
  key.sign({ iss: ISSUER, aud: AUDIENCE, sub: 'ada', scope: 'orders:read', exp: now + 600, ...more })

/** A resource that verifies JWTs itself. */
async function hybrid(more: Partial<IntrospectionOptions> = {}) {
  const clock = manualClock()
  const jwts = createVerifier({ issuer: ISSUER, audience: AUDIENCE, jwks: { keys: [key.publicJwk] }, clock })
  const made = await resource({ jwts, ...more }, { clock })
  return { ...made, jwt: await jwtOf(made.now()) }
}

afterEach(() => vi.restoreAllMocks())

describe('43. fresh()', () => {
  it('asks again about a token whose answer is cached, and replaces that answer', async () => {
    const { endpoint, outcome, pay, answer } = await resource()
    expect([await outcome('good'), await pay('good'), await pay('good')]).toEqual([
      '200',
      'authenticated',
      'authenticated',
    ])
    expect(endpoint.tokens).toEqual(['good', 'good'])
    answer(undefined)
    expect([await outcome('good'), await pay('good')]).toEqual(['200', '401 token_refused'])
    // Other routes know it from now on.
    expect(await outcome('good')).toBe('401 token_refused')
    expect(endpoint.tokens).toHaveLength(3)
  })

  it('asks once for a request that had to ask anyway, for a second', async () => {
    const { clock, endpoint, authenticator, verifier, pay, answer } = await resource({ cache: false })
    expect(await pay('good')).toBe('authenticated')
    expect(endpoint.tokens).toEqual(['good'])
    const token = await verifier.verify('good')
    await clock.pass(0.9)
    expect(summary(await authenticator.authorize(token, fresh()))).toBe('authenticated')
    expect(endpoint.tokens).toEqual(['good', 'good'])
    answer(undefined)
    await clock.pass(0.2)
    expect(summary(await authenticator.authorize(token, fresh()))).toBe('401 token_refused')
    expect(endpoint.tokens).toEqual(['good', 'good', 'good'])
  })

  it('answers 503 without a usable answer, and does not ask while the endpoint has its pause', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(1)
    const { clock, endpoint, outcome, pay } = await resource()
    endpoint.reply = () => new Response('', { status: 500 })
    expect([await pay('good'), await pay('good')]).toEqual(['503 check_unavailable', '503 check_unavailable'])
    expect(endpoint.tokens).toHaveLength(1)
    expect(await outcome('good')).toBe('200')
    endpoint.reply = async () => new Promise(() => {})
    await clock.pass(5)
    expect(await settledIn(clock, pay('good'))).toBe('503 check_unavailable')
  })

  it.each([
    ['an answer that is no JSON', () => new Response('active', { headers: { 'content-type': 'application/json' } })],
    ['an active that is no boolean', () => Response.json({ active: 'true' })],
    ['refused credentials', () => new Response('', { status: 401 })],
  ])('answers 503 for %s', async (_, reply) => {
    const { endpoint, pay } = await resource()
    endpoint.reply = reply
    expect(await pay('good')).toBe('503 check_unavailable')
  })

  it('takes no answer of a call that began before it, and makes one call at a time for a token', async () => {
    // Without threads, which would mix up the calls.
    vi.spyOn(crypto.subtle, 'digest').mockImplementation(
      async (_, bytes) =>
        Uint8Array.from(
          createHash('sha256')
            .update(bytes as Uint8Array)
            .digest(),
        ).buffer,
    )
    const { clock, endpoint, outcome, verifier } = await resource()
    const token = await verifier.verify('good')
    await clock.pass(31)
    const replies: ((response: Response) => void)[] = []
    endpoint.reply = async () => new Promise((resolve) => replies.push(resolve))
    const earlier = outcome('good')
    await vi.waitFor(() => expect(replies).toHaveLength(1))
    const fresher = async (): Promise<string> => {
      try {
        await verifier.verifyFresh?.(token)
        return '200'
      } catch (error) {
        return (error as { code: string }).code
      }
    }
    const first = Array.from({ length: 20 }, fresher)
    await settle()
    expect(replies).toHaveLength(1)
    replies[0]?.(Response.json(active(ISSUER, { exp: clock.now() / 1000 + 600 })))
    expect(await earlier).toBe('200')
    await vi.waitFor(() => expect(replies).toHaveLength(2))
    const second = Array.from({ length: 20 }, fresher)
    await settle()
    replies[1]?.(Response.json(active(ISSUER, { exp: clock.now() / 1000 + 600 })))
    expect(new Set(await Promise.all(first))).toEqual(new Set(['200']))
    await vi.waitFor(() => expect(replies).toHaveLength(3))
    replies[2]?.(Response.json({ active: false }))
    expect(new Set(await Promise.all(second))).toEqual(new Set(['token_refused']))
    expect([endpoint.tokens.length, endpoint.mostAtOnce]).toEqual([3, 1])
  })

  it('begins another call after one that failed', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0)
    const { clock, endpoint, outcome, verifier } = await resource()
    const token = await verifier.verify('good')
    await clock.pass(31)
    let failing: (() => void) | undefined
    endpoint.reply = async () =>
      new Promise((resolve) => {
        failing = () => resolve(new Response('', { status: 400 }))
      })
    const earlier = outcome('good')
    await vi.waitFor(() => expect(failing).toBeDefined())
    const waiting = verifier.verifyFresh?.(token)
    endpoint.reply = () => Response.json(active(ISSUER, { exp: clock.now() / 1000 + 600 }))
    failing?.()
    expect(await earlier).toBe('503 check_unavailable')
    expect((await waiting)?.claims).toMatchObject({ sub: 'ada' })
  })

  it('refuses without asking what no answer can grant, and asks only if nothing else suffices', async () => {
    const { endpoint, pay } = await resource()
    expect(await pay('good', allOf(scope('orders:write'), fresh()))).toBe('403 insufficient_scope')
    expect(await pay('good', allOf(fresh(), scope('orders:write')))).toBe('403 insufficient_scope')
    expect(await pay('good', allOf(allOf(fresh()), not(scope('orders:read'))))).toBe('403 requirement_not_met')
    expect(await pay('good', anyOf(fresh(), scope('orders:read')))).toBe('authenticated')
    expect(endpoint.tokens).toEqual([])
    expect(await pay('good', anyOf(scope('orders:write'), allOf(fresh())))).toBe('authenticated')
    expect(endpoint.tokens).toEqual(['good'])
  })

  it('reports failures and refusals as events, without the token', async () => {
    const { endpoint, events, pay, answer } = await resource()
    answer(undefined)
    await pay('good')
    expect(events.slice(-1)).toEqual([{ type: 'token.rejected', code: 'token_refused', duration: expect.any(Number) }])
    endpoint.reply = () => new Response('', { status: 400 })
    await pay('another-token')
    const failed = {
      type: 'introspection.failed',
      uri: `${ISSUER}/introspect`,
      reason: 'status',
      status: 400,
      retryAfter: 0,
    }
    expect(events).toContainEqual(failed)
    expect(JSON.stringify(events)).not.toMatch(/good|another-token/)
  })

  it('must be met by the new answer, whose claims the handler gets', async () => {
    const { authenticator, verifier, pay, answer } = await resource()
    answer({ sub: 'ada', scope: 'orders:read new', department: 'sales' })
    const outcome = await authenticator.authenticate(view('good'), payment)
    const { claims, scopes } = (outcome as Authenticated).token
    expect([claims['department'], ...scopes]).toEqual(['sales', 'orders:read', 'new'])
    const token = await verifier.verify('good')
    answer({ scope: 'other', department: 'none' })
    expect(await pay('good')).toBe('403 insufficient_scope')
    expect(summary(await authenticator.authorize(token, payment))).toBe('403 insufficient_scope')
    answer({ aud: 'another-api' })
    expect(await pay('good', fresh())).toBe('401 audience_mismatch')
  })

  it('asks about a JWT each time, keeps its claims, and caches no answer about it', async () => {
    const { endpoint, outcome, pay, answer, authenticator, jwt } = await hybrid({ cache: { maxEntries: 1 } })
    await pay(jwt, scope('orders:read'))
    expect(endpoint.tokens).toEqual([])
    answer({ scope: 'fewer' })
    const paid = await authenticator.authenticate(view(jwt), payment)
    expect(paid).toMatchObject({ token: { header: { alg: 'ES256' }, claims: { scope: 'orders:read' } } })
    expect(await pay(jwt)).toBe('authenticated')
    expect(endpoint.tokens).toEqual([jwt, jwt])
    answer(undefined)
    expect([await pay(jwt), await outcome(jwt), await pay(jwt)]).toEqual([
      '401 token_refused',
      '200',
      '401 token_refused',
    ])
    // The answer about the opaque token is still there.
    expect(await outcome('good')).toBe('200')
    expect(endpoint.tokens).toEqual([jwt, jwt, jwt, jwt])
  })

  it('holds a JWT to the claim rules, and does not ask about a bad one', async () => {
    const { clock, endpoint, pay, answer, authenticator, verifier, jwt } = await hybrid()
    answer({ aud: 'another-api' })
    expect(await pay(jwt)).toBe('401 audience_mismatch')
    endpoint.tokens.length = 0
    expect(await pay(`${jwt.slice(0, -4)}AAAA`)).toBe('401 signature_invalid')
    const token = await verifier.verify(jwt)
    clock.stepWall(3600)
    expect(summary(await authenticator.authorize(token, fresh()))).toBe('401 token_expired')
    expect(endpoint.tokens).toEqual([])
  })

  it.each([
    ['the same key', { cnf: { jkt: 'thumbprint' } }, 'authenticated'],
    ['another key', { cnf: { jkt: 'other' } }, '401 binding_failed'],
    ['no key', {}, '401 binding_failed'],
    ['a key that no binding confirms', { cnf: { 'x5t#S256': 'other' } }, '401 binding_unsupported'],
  ])('confirms no other key than the request did: %s', async (_, members, expected) => {
    const confirmed: unknown[] = []
    const binding: Binding = { confirmation: 'jkt', confirm: async (value) => void confirmed.push(value) }
    const { pay, answer } = await resource({ cache: { negativeMaxAge: 0 } }, { bindings: [binding] })
    answer({ cnf: { jkt: 'thumbprint' } })
    expect(await pay('bound')).toBe('authenticated')
    answer(members)
    expect(await pay('bound')).toBe(expected)
    expect(confirmed).toEqual(['thumbprint', 'thumbprint'])
  })

  it('is asked for by explain of a request, too', async () => {
    const { authenticator, answer } = await resource()
    const explained = async (): Promise<unknown> => {
      const { code, steps } = await authenticator.explain(view('good'), payment)
      return [code, steps.find(({ step }) => step === 'requirement')?.result]
    }
    expect(await explained()).toEqual([undefined, 'passed'])
    answer({ scope: 'fewer' })
    expect(await explained()).toEqual(['insufficient_scope', 'failed'])
  })

  const plain: Verifier = createVerifier({ issuer: ISSUER, audience: AUDIENCE, jwks: { keys: [key.publicJwk] } })
  const advice = /fresh\(\) needs a verifier that asks the authorization server: .*createIntrospectionVerifier/

  it('is a configuration error with a verifier that cannot ask', async () => {
    const authenticator = createAuthenticator(plain)
    const jwt = await jwtOf(Date.now() / 1000)
    await expect(authenticator.authenticate(view(jwt), payment)).rejects.toThrow(advice)
    await expect(authenticator.authorize(await plain.verify(jwt), anyOf(scope('x'), payment))).rejects.toThrow(advice)
  })

  it('is a configuration error in not(), also deep inside', () => {
    for (const make of [() => not(fresh()), () => not(allOf(anyOf(fresh(), scope('a'))))])
      expect(make).toThrow('Cannot require not: leave fresh() out of it')
  })

  it.each([
    ['nothing', undefined],
    ['true', true],
    ['claims alone', { claims: {} }],
  ])('lets no request through if a verifier of the application answers with %s', async (_, token) => {
    const { verifier } = setUp()
    const verifyFresh = (async () => token) as unknown as NonNullable<Verifier['verifyFresh']>
    const authenticator = createAuthenticator({ ...verifier, verifyFresh })
    await expect(authenticator.authenticate(view('good'), fresh())).rejects.toThrow('must return a verified token')
  })
})

describe('a verifier for JWTs that never answers', () => {
  it('costs 503 after 30 s, also in an explanation', async () => {
    const never = async (): Promise<never> => new Promise(() => {})
    const jwts: Verifier = { verify: never, explain: never, ready: never, close: () => {} }
    const { clock, outcome, verifier } = setUp({ jwts })
    const jwt = await jwtOf(clock.now() / 1000)
    const answers = Promise.all([outcome(jwt), verifier.explain(jwt)])
    await clock.pass(31)
    const [status, explanation] = await answers
    expect(status).toBe('503 check_unavailable')
    expect(explanation).toMatchObject({ accepted: false, code: 'check_unavailable', steps: [{ step: 'jwts' }, {}] })
  })

  it('and one that rejects with anything, ends in an error', async () => {
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- the subject of the test
    const rejects = async (): Promise<never> => Promise.reject(undefined)
    const { verifier, now } = setUp({ jwts: { verify: rejects, explain: rejects, ready: rejects, close: () => {} } })
    const jwt = await jwtOf(now())
    await expect(verifier.verify(jwt)).rejects.toThrow(Error)
    expect(await verifier.explain(jwt)).toMatchObject({ accepted: false })
  })
})
