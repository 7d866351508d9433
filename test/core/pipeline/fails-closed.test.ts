import {
  AuthError,
  type AuthenticatorOptions,
  createAuthenticator,
  createVerifier,
  type ErrorCode,
  type IssuerPolicy,
  type RequestView,
  scope,
  verify,
} from '@claimgate/core'
import { createNestedVerifier } from '@claimgate/core/jwe'
import { authenticateJwt } from '@claimgate/express'
import { claimgate } from '@claimgate/fastify'
import { createGate, protect } from '@claimgate/fetch'
import { createTestKeys } from '@claimgate/testing'
import fastify from 'fastify'
import { describe, expect, it } from 'vitest'
import {
  accessClaims,
  AUDIENCE,
  bearer,
  describeOutcome,
  ISSUER,
  NOW,
  optionsWith,
  refused,
  request,
  VERIFIED,
} from '../../support/core/refusal.ts'

const key = await createTestKeys('ES256', { kid: 'key-1' })
const jwks = { keys: [key.publicJwk] }
const with_ = (changes: object = {}) => optionsWith({ jwks, ...changes })
const good = await key.sign(accessClaims())
const expired = await key.sign(accessClaims({ exp: NOW - 600 }))
const unsigned = await key.sign(accessClaims(), { alg: 'none' })
const unknown = await key.sign(accessClaims(), { kid: 'other' })
const foreign = await key.sign(accessClaims({ aud: 'x' }))

describe('36. The log of refusals has at most one line per error code and minute', () => {
  const codes: readonly [ErrorCode, RequestView][] = [
    ['credential_missing', request()],
    ['credential_malformed', request({ authorization: 'Bearer' })],
    ['credential_scheme', request({ authorization: good })],
    ['token_expired', bearer(expired)],
    ['token_malformed', bearer('x')],
    ['algorithm_not_allowed', bearer(unsigned)],
    ['key_not_found', bearer(unknown)],
    ['audience_mismatch', bearer(foreign)],
  ]

  const setUp = (log?: object) => {
    let passed = 0
    const lines: { readonly at: number; readonly text: string }[] = []
    const warn = (text: string): unknown => lines.push({ at: passed, text })
    const clock = { now: () => NOW * 1000, monotonic: () => passed }
    const options = { ...with_({ clock }), log: log ?? { warn } }
    const authenticator = createAuthenticator(options as AuthenticatorOptions)
    const refuse = async (view: RequestView) => describeOutcome(await authenticator.authenticate(view)).code
    return { lines, refuse, pass: (seconds: number) => void (passed += seconds * 1000) }
  }

  it('under a flood of every kind, at any time, and hides no code', async () => {
    const { lines, refuse, pass } = setUp()
    for (let round = 0; round < 300; round += 1) {
      for (const [code, view] of codes) expect(await refuse(view)).toBe(code)
      pass(1)
    }
    for (const [code] of codes) {
      const ofCode = lines.filter(({ text }) => text.includes(`(${code})`))
      expect(ofCode.map(({ at }) => at)).toEqual([0, 60_000, 120_000, 180_000, 240_000])
      expect(ofCode.at(-1)?.text).toContain('(and 59 more since the last line)')
    }
    expect(lines).toHaveLength(codes.length * 5)
  })

  it('also if every refused text is different, and no line contains a token', async () => {
    const { lines, refuse } = setUp()
    const tokens: string[] = []
    for (let time = 0; time < 50; time += 1) {
      const token = await key.sign(accessClaims(), { kid: `k${time}` })
      tokens.push(token)
      expect(await refuse(request({ authorization: `Bearer ${token}` }))).toBe('key_not_found')
    }
    expect(lines).toHaveLength(1)
    for (const part of tokens.flatMap((token) => token.split('.').slice(1))) expect(lines[0]?.text).not.toContain(part)
  })

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('the log is full')
      },
    ],
    ['rejects', async () => Promise.reject(new Error('the log is full'))],
  ])('and one that %s does not change the answer', async (_, warn) => {
    const { refuse } = setUp({ warn })
    for (const [code, view] of codes) expect(await refuse(view)).toBe(code)
  })
})

describe('37. Nothing fails open: a request with another scheme if tokens are optional', () => {
  const sources = [
    { from: 'authorization' },
    { from: 'cookie', name: 'token' },
    { from: 'header', name: 'x-token' },
    { from: 'query' },
  ]
  const authenticator = createAuthenticator({ ...with_({ credentials: sources }), optional: true })
  const answerOf = async (view: RequestView, ...needed: readonly string[]) =>
    describeOutcome(await authenticator.authenticate(view, needed[0] === undefined ? undefined : scope(needed[0])))
  const ANONYMOUS = { status: 0 }
  const BASIC = 'Basic YWRhOnNlY3JldA=='

  it.each([BASIC, 'basic YWRhOnNlY3JldA==', 'Digest username="ada"', 'Negotiate YII=', 'ApiKey 123', 'Hawk id=abc'])(
    'is anonymous with only %s',
    async (authorization) => {
      expect(await answerOf(request({ authorization }))).toEqual(ANONYMOUS)
      expect(await answerOf(request({ authorization }), 'orders:read')).toMatchObject({
        code: 'credential_scheme',
        status: 401,
      })
      const required = createAuthenticator(with_())
      expect(describeOutcome(await required.authenticate(request({ authorization })))).toEqual(
        refused('credential_scheme'),
      )
    },
  )

  const places: readonly (readonly [string, (token: string) => RequestView])[] = [
    ['a cookie', (token) => request({ authorization: BASIC, cookie: `token=${token}` })],
    ['a header', (token) => request({ authorization: BASIC, 'x-token': token })],
    ['the query', (token) => request({ authorization: BASIC }, { target: `/orders?access_token=${token}` })],
  ]
  it.each(places)('uses a token in %s: a good one is verified, a bad one is refused', async (_, viewOf) => {
    expect(await answerOf(viewOf(good))).toEqual(VERIFIED)
    expect(await answerOf(viewOf(good), 'admin')).toMatchObject({ status: 403 })
    expect(await answerOf(viewOf(expired))).toEqual(refused('token_expired'))
    expect(await answerOf(viewOf('junk'))).toEqual(refused('token_malformed'))
    expect(await answerOf(viewOf(unsigned))).toEqual(refused('algorithm_not_allowed'))
  })

  it.each<[string, string, ErrorCode]>([
    ['a raw token', good, 'credential_scheme'],
    ['a token after an unknown scheme', `Token ${good}`, 'credential_scheme'],
    ['an expired token after Basic', `Basic ${expired}`, 'credential_scheme'],
    ['a token in a parameter', `Token token="${good}"`, 'credential_scheme'],
    ['a prefix of a token', `Token ${good.slice(0, 40)}`, 'credential_scheme'],
    ['DPoP', `DPoP ${good}`, 'credential_scheme'],
    ['DPoP with an opaque token', 'DPoP abc', 'credential_scheme'],
    ['the wrong order', `${good} Bearer`, 'credential_scheme'],
    ['two credentials', `${BASIC}, Bearer ${expired}`, 'credential_repeated'],
    ['two credentials of other schemes', `${BASIC}, ${BASIC}`, 'credential_repeated'],
    ['two spaces', `Bearer  ${good}`, 'credential_malformed'],
    ['Bearer alone', 'Bearer', 'credential_malformed'],
    ['only a scheme', 'Basic', 'credential_scheme'],
  ])('is refused with %s, also if there is a good token elsewhere', async (_, authorization, code) => {
    expect(await answerOf(request({ authorization }))).toEqual(refused(code))
    const beside = await answerOf(request({ authorization, cookie: `token=${good}` }))
    expect(beside.status).toBeGreaterThanOrEqual(400)
  })
})

describe('37. Nothing fails open: an option that restricts acceptance is never undefined', () => {
  const POLICY = [
    'algorithms',
    'profile',
    'tokenTypes',
    'clientId',
    'clientClaims',
    'requiredClaims',
    'maxAge',
    'maxLifetime',
    'scopeSources',
    'allowedKeyHosts',
  ]
  const KEYS = ['jwks', 'publicKey', 'secret', 'keys']
  const wrong = /must not be undefined|must be/

  it.each([...POLICY, 'claims', 'checks'])(
    '"%s" is rejected by every function that creates a verifier',
    async (name) => {
      const options = with_({ [name]: undefined })
      const start = [
        () => createVerifier(options),
        () => createAuthenticator(options),
        () => authenticateJwt(options),
        () => createGate(options),
      ]
      for (const begin of start) expect(begin).toThrow(`"${name}" must not be undefined`)
      await expect(verify(good, options)).rejects.toThrow(`"${name}" must not be undefined`)
      await expect(Promise.resolve(fastify().register(claimgate, options).ready())).rejects.toThrow(
        `"${name}" must not be undefined`,
      )
    },
  )

  it.each(KEYS)('"%s" is rejected at start-up if discovery would be used instead', (name) => {
    expect(() => createVerifier({ issuer: ISSUER, audience: AUDIENCE, [name]: undefined })).toThrow(wrong)
  })

  it.each(['issuer', 'audience'])('"%s" is rejected at start-up, and null accepts any', (name) => {
    expect(() => createVerifier(with_({ [name]: undefined }))).toThrow(wrong)
    expect(() => createVerifier(with_({ [name]: null }))).not.toThrow()
  })

  it.each([...POLICY, ...KEYS.filter((name) => name !== 'jwks')])(
    '"%s" in a policy of several issuers is rejected at start-up, or refused if a function returned it',
    async (name) => {
      const policy = { issuer: ISSUER, audience: AUDIENCE, jwks, [name]: undefined } as unknown as IssuerPolicy
      const { jwks: _, ...discovered } = policy as unknown as Record<string, unknown>
      const given = KEYS.includes(name) ? (discovered as unknown as IssuerPolicy) : policy
      expect(() => createVerifier({ issuers: [given] })).toThrow(wrong)
      const verifier = createVerifier({ issuers: async () => given, clock: { now: () => NOW * 1000 } })
      await expect(verifier.verify(good)).rejects.toMatchObject({ code: 'issuer_unavailable', status: 503 })
    },
  )

  it('"bindings", and a requirement in every adapter', async () => {
    const rules = {} as { readonly admin?: never }
    expect(() => createAuthenticator(with_({ bindings: undefined }))).toThrow('"bindings" must not be undefined')
    expect(() => authenticateJwt({ ...with_(), requirement: rules.admin } as never)).toThrow(wrong)
    const gate = createGate(with_())
    expect(() => protect(gate, () => new Response(), rules.admin as never)).toThrow(wrong)
    await expect(gate(new Request('https://api.example/'), { requirement: rules.admin } as never)).rejects.toThrow(
      TypeError,
    )
    const app = fastify()
    await app.register(claimgate, with_())
    expect(() => app.get('/', { config: { auth: rules.admin as never } }, () => '')).toThrow(wrong)
    expect(() => app.authenticateJwt(rules.admin as never)).toThrow(wrong)
  })

  it('and for encrypted tokens, "algorithms" and "encryptions"', async () => {
    for (const name of ['algorithms', 'encryptions'])
      expect(() =>
        createNestedVerifier({
          verifier: createVerifier(with_()),
          decryption: { keys: { resolve: async () => key.publicKey }, [name]: undefined },
        }),
      ).toThrow(`"${name}" must not be undefined`)
  })

  it('is enforced if it is set', async () => {
    await expect(createVerifier(with_({ clientId: 'another' })).verify(good)).rejects.toBeInstanceOf(AuthError)
    await expect(createVerifier(with_({ clientId: 'shop' })).verify(good)).resolves.toBeDefined()
  })
})
