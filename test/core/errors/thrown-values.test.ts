import {
  type AuthenticatorOptions,
  createAuthenticator,
  createVerifier,
  type RequestView,
  type Verifier,
  type VerifierOptions,
} from '@claimgate/core'
import { createNestedVerifier } from '@claimgate/core/jwe'
import { describe, expect, it } from 'vitest'
import { FAILING_HOOKS } from '../../support/adapters/failing-hooks.ts'
import { FAILURES, IMPOSTORS, THROWN_VALUES } from '../../support/adapters/thrown-values.ts'

const viewOf = (token: string | undefined): RequestView => ({
  method: 'GET',
  target: '/',
  header: (name) => (name === 'authorization' && token !== undefined ? [`Bearer ${token}`] : []),
})

const isError = (value: unknown): boolean =>
  value instanceof Error || Object.prototype.toString.call(value) === '[object Error]'

type Fail = () => unknown
type End = (fail: Fail) => Promise<unknown>

/** The result for every value, by name. */
async function ends(end: End, values = THROWN_VALUES): Promise<Readonly<Record<string, unknown>>> {
  const found: Record<string, unknown> = {}
  for (const [failure, fail] of FAILURES)
    for (const [value, thrown] of values)
      try {
        found[`${failure} ${value}`] = await end(() => fail(thrown))
      } catch (error) {
        found[`${failure} ${value}`] = isError(error) ? 'an error' : 'something that is no error'
      }
  return found
}

const everyOne = (names: object, end: unknown): object =>
  Object.fromEntries(Object.keys(names).map((name) => [name, end]))

describe('37. Nothing fails open: with any value thrown or rejected by', () => {
  const answerTo =
    ({ resource, token }: (typeof FAILING_HOOKS)[number]): End =>
    async (fail) => {
      const { options, requirement } = resource(fail)
      const outcome = await createAuthenticator(options).authenticate(viewOf(token), requirement)
      return outcome.kind === 'refused' ? outcome.response.status : outcome.kind
    }

  it.each(FAILING_HOOKS)('$name, a request ends in an error or in a refusal', async (hook) => {
    const found = await ends(answerTo(hook))
    expect(found).toEqual(everyOne(found, hook.status === 500 ? 'an error' : hook.status))
    const impostors = Object.values(await ends(answerTo(hook), IMPOSTORS))
    expect(impostors.filter((end) => !['an error', 401, 503].includes(end as never))).toEqual([])
  })

  const ofVerifiers = FAILING_HOOKS.filter(({ part }) => part === 'verifier')

  it.each(ofVerifiers)('$name, a verifier rejects with an error, and explains no token as accepted', async (hook) => {
    const { resource, token = '' } = hook
    const verifier = (fail: Fail): Verifier => verifierOf(resource(fail).options)
    for (const values of [THROWN_VALUES, IMPOSTORS]) {
      const found = await ends((fail) => verifier(fail).verify(token), values)
      expect(found).toEqual(everyOne(found, 'an error'))
      const explained = await ends(async (fail) => (await verifier(fail).explain(token)).accepted, values)
      expect(explained).toEqual(everyOne(explained, hook.explained ?? false))
    }
  })

  it.each(FAILING_HOOKS.filter(({ works }) => works !== undefined))(
    '$name, a request ends in an error or in a refusal, if the token is cached',
    async ({ resource, token, status, works }) => {
      const found = await ends(async (fail) => {
        let calls = 0
        const { options, requirement } = resource(() => (calls++ === 0 ? works?.() : fail()))
        const authenticator = createAuthenticator(options)
        expect((await authenticator.authenticate(viewOf(token), requirement)).kind).toBe('authenticated')
        const outcome = await authenticator.authenticate(viewOf(token), requirement)
        return outcome.kind === 'refused' ? outcome.response.status : outcome.kind
      })
      expect(found).toEqual(everyOne(found, status === 500 ? 'an error' : 503))
    },
  )

  it('a getter of a requirement, a request ends in an error', async () => {
    const authenticator = createAuthenticator({ issuer: null, audience: null, secret: 'x'.repeat(32) })
    for (const [, thrown] of THROWN_VALUES) {
      const requirement = {
        description: 'own',
        get scopes(): never {
          throw thrown
        },
        isMet: () => false,
      }
      const error: unknown = await authenticator.authenticate(viewOf(undefined), requirement).catch((e: unknown) => e)
      expect(isError(error)).toBe(true)
    }
  })
})

function verifierOf(options: AuthenticatorOptions): Verifier {
  return 'verifier' in options && options.verifier !== undefined
    ? options.verifier
    : createVerifier(options as VerifierOptions)
}

describe('37. Nothing fails open: the result of a custom verifier is not a verified token', () => {
  const made = createVerifier({ issuer: null, audience: null, secret: 'x'.repeat(32) })

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['true', true],
    ['text', 'alice'],
    ['an empty object', {}],
    ['claims alone', { claims: { sub: 'alice' } }],
    ['scopes that are not a set', { claims: { sub: 'alice' }, scopes: ['orders:read'] }],
    ['claims that are null', { claims: null, scopes: new Set() }],
    ['a function', () => ({ claims: {}, scopes: new Set() })],
  ])('if it is %s', async (_name, answer) => {
    const verifier: Verifier = { ...made, verify: async () => answer as never }
    const nested = createNestedVerifier({ verifier, decryption: { keys: { resolve: rejects } }, accept: 'either' })
    for (const one of [verifier, nested]) {
      const authenticator = createAuthenticator({ verifier: one, optional: true })
      await expect(authenticator.authenticate(viewOf('a.b.c'))).rejects.toThrow(/must return a verified token/)
    }
  })
})

describe('37. Nothing fails open: the result of a custom key source is not a key', () => {
  const policy = { issuer: null, audience: null, algorithms: ['ES256'] } as const
  const resolve = async (): Promise<never> => undefined as never
  const ANSWERS: readonly unknown[] = [
    undefined,
    null,
    true,
    'key',
    {},
    { type: 'public' },
    [],
    () => 1,
    Promise.reject,
  ]

  it('so no token is accepted, nor explained as accepted', async () => {
    const { token = '' } = FAILING_HOOKS.find(({ name }) => name === 'a key source') ?? {}
    for (const answer of ANSWERS)
      for (const keys of [{ resolve: async () => answer as never }, { resolve, current: () => answer as never }]) {
        const verifier = createVerifier({ ...policy, keys })
        await expect(verifier.verify(token)).rejects.toThrow(Error)
        expect(await verifier.explain(token)).toMatchObject({ accepted: false })
      }
  })
})

const rejects = (): Promise<never> => Promise.reject(new Error('no key'))
