import { type Binding, createAuthenticator, type Explanation } from '@claimgate/core'
import { createAdmissions } from '@claimgate/core/adapter'
import { createTestClock } from '@claimgate/testing'
import { describe, expect, it } from 'vitest'
import { onExpiry, timeLeft } from '../../../packages/core/src/authenticator/expiry.ts'
import { fakeVerifier } from '../../support/core/fake-verifier.ts'
import { bearer, request } from '../../support/core/refusal.ts'

const stepOf = ({ steps }: Explanation, name: string): unknown => steps.find(({ step }) => step === name)
const bound = fakeVerifier({ verify: async () => ({ claims: { cnf: { jkt: 'a' } }, scopes: new Set() }) as never })
const bindingOf = (more: Partial<Binding>): Binding => ({
  confirmation: 'jkt',
  confirm: async () => undefined,
  ...more,
})

describe('an explanation of a request', () => {
  it('shows the credential, or that none is needed', async () => {
    const { explain } = createAuthenticator({ verifier: fakeVerifier(), optional: true })
    expect(await explain(bearer('abc'))).toEqual({
      accepted: true,
      summary: 'Accepted: every step passed',
      steps: [{ step: 'credential', result: 'passed', expected: '"one credential"', actual: '"Bearer"' }],
    })
    expect((await explain(request())).steps).toEqual([
      { step: 'credential', result: 'passed', expected: '"none is needed"', actual: '"none"' },
    ])
  })

  it('shows what a refused verification says, and that the token was refused when it was verified', async () => {
    const refusing = fakeVerifier({ verify: () => Promise.reject(new RangeError('bug')) })
    const explanation = await createAuthenticator({ verifier: refusing }).explain(bearer('abc'))
    expect(stepOf(explanation, 'token')).toMatchObject({ result: 'failed', hint: '"bug"' })
    expect(explanation.accepted).toBe(false)
  })

  it.each([undefined, null, 'accepted', {}, { accepted: 'yes', steps: [] }, { accepted: true }, { steps: [] }])(
    'of a verifier that explains with %j is an error of that verifier',
    async (answer) => {
      const { explain } = createAuthenticator({ verifier: fakeVerifier({ explain: async () => answer as never }) })
      const explanation = await explain(bearer('abc'))
      expect(explanation.steps.at(-1)).toEqual({
        step: 'error',
        result: 'failed',
        actual: 'an unexpected error',
        hint: '"Cannot explain request: \\"explain\\" of the verifier must give { accepted, summary, steps }"',
      })
    },
  )

  it('shows the bindings of a token', async () => {
    const { explain } = createAuthenticator({ verifier: bound, bindings: [bindingOf({})] })
    const explanation = await explain(bearer('abc'))
    expect(stepOf(explanation, 'binding')).toEqual({
      step: 'binding',
      result: 'passed',
      expected: '["jkt"]',
      actual: '"Bearer"',
    })
    expect(stepOf(explanation, 'jkt')).toEqual({ step: 'jkt', result: 'passed', actual: '"confirmed"' })
    const plain = await createAuthenticator({ verifier: fakeVerifier(), bindings: [bindingOf({})] }).explain(
      bearer('abc'),
    )
    expect(stepOf(plain, 'binding')).toBeUndefined()
  })

  it('skips the bindings of the scheme of a refused token, and shows none of another scheme', async () => {
    const explain = async () => ({ accepted: false, summary: 'Refused', steps: [] })
    const toy = bindingOf({ confirmation: 'toy', scheme: 'Toy' })
    const authenticator = createAuthenticator({ verifier: fakeVerifier({ explain }), bindings: [toy, bindingOf({})] })
    const of = async (authorization: string): Promise<unknown> =>
      (await authenticator.explain(request({ authorization }))).steps.slice(1)
    expect(await of('Toy abc')).toEqual([{ step: 'toy', result: 'skipped' }])
    expect(await of('Bearer abc')).toEqual([])
  })

  it('runs the steps of a binding that need no other, and lists those that do not run', async () => {
    const steps: Binding['steps'] = () => [
      { name: 'first', run: () => ({ expected: 1, actual: 1 }) },
      { name: 'second', hint: 'Not tried' },
      { name: 'third', needs: ['second'], run: () => ({ actual: 3 }) },
    ]
    const { explain } = createAuthenticator({ verifier: bound, bindings: [bindingOf({ steps })] })
    expect((await explain(bearer('abc'))).steps.slice(2)).toEqual([
      { step: 'first', result: 'passed', expected: '1', actual: '1' },
      { step: 'second', result: 'skipped', hint: 'Not tried' },
      { step: 'third', result: 'skipped' },
    ])
  })
})

describe('the answers of a verifier', () => {
  it.each([undefined, null, 'claims', {}, { claims: null, scopes: new Set() }, { claims: {}, scopes: [] }])(
    'are a bug if they are %j',
    async (answer) => {
      const { authenticate } = createAuthenticator({ verifier: fakeVerifier({ verify: async () => answer as never }) })
      await expect(authenticate(bearer('abc'))).rejects.toThrow(
        'Cannot authenticate request: "verifier" must return a verified token with "claims" and "scopes"',
      )
    },
  )

  it('that are bound to a key are refused without a binding', async () => {
    const outcome = await createAuthenticator({ verifier: bound }).authenticate(bearer('abc'))
    expect(outcome).toMatchObject({ kind: 'refused', error: { code: 'binding_unsupported' } })
  })

  it('challenge in the scheme of the request, also later', async () => {
    const toy = bindingOf({ confirmation: 'toy', scheme: 'Toy' })
    const authenticator = createAuthenticator({ verifier: fakeVerifier(), bindings: [toy] })
    const token = await fakeVerifier().verify('abc')
    const requirement = { description: 'x', scopes: ['x'], isMet: () => false }
    const challengeOf = async (scheme?: string): Promise<string> => {
      const refused = await authenticator.authorize(token, requirement, scheme)
      return refused.kind === 'refused' ? (refused.response.headers['www-authenticate'] ?? '') : refused.kind
    }
    expect(await challengeOf('Toy')).toMatch(/^Bearer realm="api", Toy realm="api", error="insufficient_scope"/)
    expect(await challengeOf()).toMatch(/^Bearer realm="api", error="insufficient_scope".*, Toy realm="api"$/)
  })
})

describe('an admission', () => {
  it('belongs to one request, and to no copy of it', () => {
    const [admissions, others] = [createAdmissions(), createAdmissions()]
    const admission = {
      authenticator: createAuthenticator({ verifier: fakeVerifier() }),
      token: undefined,
      scheme: 'a',
    }
    const [one, other] = [{}, {}]
    expect(admissions.of(one)).toBeUndefined()
    admissions.set(one, admission)
    expect(admissions.of(one)).toBe(admission)
    for (const another of [other, { ...one }, Object.create(one) as object])
      expect(admissions.of(another)).toBeUndefined()
    expect(others.of(one)).toBeUndefined()
    admissions.set(one, { ...admission, scheme: 'b' })
    expect(admissions.of(one)?.scheme).toBe('b')
    admissions.set(one, undefined)
    expect(admissions.of(one)).toBeUndefined()
    expect(Object.keys(one)).toEqual([])
  })
})

describe('the time that a token has left', () => {
  it('is unknown if the wall clock fails', () => {
    const failing = { now: (): number => Number(undefined), monotonic: () => 0 }
    expect(timeLeft(5000, failing)()).toBeNaN()
    const throwing = {
      now: (): number => {
        throw new Error('no clock')
      },
      monotonic: () => 0,
    }
    expect(timeLeft(5000, throwing)()).toBeNaN()
  })

  it('is at most what is said, by the clock that is ahead', () => {
    const clock = createTestClock({ wall: 1000 })
    const left = timeLeft(61_000, clock, 10_000)
    expect(left()).toBe(10_000)
    clock.advance(4000)
    expect(left()).toBe(6000)
    clock.stepWall(53_000)
    expect(left()).toBe(3000)
  })

  it('is none of a token whose exp is no number', () => {
    const clock = createTestClock({ wall: 1000 })
    onExpiry({ claims: { exp: '5' } } as never, () => {}, clock)()
    expect(clock.pending()).toBe(0)
  })
})
