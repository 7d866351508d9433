// What the functions of an application may decide about a request. The adapter contract has a row for each answer and each failure.
import { inspect } from 'node:util'

import {
  type AuthenticatorOptions,
  AuthError,
  type Authenticator,
  createAuthenticator,
  createVerifier,
  type RequestView,
  scope,
  type Verifier,
} from '@claimgate/core'
import { createMemoryDenylist, denylist } from '@claimgate/core/denylist'
import { selectVerifier, signedCookie } from '@claimgate/core/hooks'
import { fresh } from '@claimgate/core/introspection'
import { createTestClock, createTestKeys, startFaultyJwksServer } from '@claimgate/testing'
import { describe, expect, it, vi } from 'vitest'

const NOW = 1_700_000_000
const AUDIENCE = 'orders-api'
const [acmeKeys, otherKeys] = await Promise.all([createTestKeys('ES256'), createTestKeys('ES256', { generation: 1 })])
const claims = {
  iss: 'https://acme.example',
  aud: AUDIENCE,
  sub: 'ada',
  iat: NOW,
  exp: NOW + 300,
  scope: 'orders:read',
}
const good = await acmeKeys.sign(claims)
const foreign = await otherKeys.sign({ ...claims, iss: 'https://other.example' })

const clock = () => createTestClock({ wall: NOW * 1000 })
const policy = { issuer: claims.iss, audience: AUDIENCE, jwks: { keys: [acmeKeys.publicJwk] } }

function view(fields: Readonly<Record<string, string>>): RequestView {
  return {
    method: 'GET',
    target: '/orders',
    header: (name) => (Object.hasOwn(fields, name) ? [fields[name] ?? ''] : []),
  }
}

const bearer = (token: string, more: object = {}): RequestView => view({ authorization: `Bearer ${token}`, ...more })

async function answer(authenticator: Authenticator, request: RequestView): Promise<unknown> {
  const outcome = await authenticator.authenticate(request)
  return outcome.kind === 'refused' ? [outcome.response.status, outcome.error.code] : outcome.kind
}

const hang = () => new Promise<never>(() => {})

describe('53. A function of the application that decides about a request', () => {
  it.each<[string, (time: ReturnType<typeof clock>) => AuthenticatorOptions]>([
    ['extractToken', (time) => ({ ...policy, clock: time, extractToken: hang })],
    ['onAuthenticated', (time) => ({ ...policy, clock: time, onAuthenticated: hang })],
    [
      'select',
      (time) => ({
        verifier: selectVerifier({
          verifiers: { acme: createVerifier({ ...policy, clock: time }) },
          select: hang,
          clock: time,
        }),
      }),
    ],
    ['signedCookie', (time) => ({ ...policy, clock: time, extractToken: signedCookie('session', hang) })],
  ])('is 503 if it has not answered in 10 s: %s', async (_, optionsWith) => {
    const time = clock()
    const answering = answer(createAuthenticator(optionsWith(time)), bearer(good, { cookie: 'session=x' }))
    await vi.waitFor(() => expect(time.pending()).toBe(1))
    await time.advanceAsync(9_999)
    expect(time.pending()).toBe(1)
    await time.advanceAsync(1)
    expect(await answering).toEqual([503, 'check_unavailable'])
    expect(time.pending()).toBe(0)
  })

  it('is named in the log when it fails, with its own error as the cause', async () => {
    const failure = new RangeError('database away')
    const authenticator = createAuthenticator({
      ...policy,
      clock: clock(),
      onAuthenticated: () => Promise.reject(failure),
    })
    const outcome = await authenticator.authenticate(bearer(good))
    expect(outcome).toMatchObject({ kind: 'refused', error: { actual: '"onAuthenticated"', cause: failure } })
  })

  it.each(['extractToken', 'onAuthenticated'])('must be a function: %s', (name) => {
    expect(() => createAuthenticator({ ...policy, [name]: 'user' })).toThrow(
      `Cannot create authenticator: "${name}" must be a function`,
    )
  })

  it('must not be lost on the way: onAuthenticated', () => {
    expect(() => createAuthenticator({ ...policy, onAuthenticated: undefined } as never)).toThrow(
      '"onAuthenticated" must not be undefined',
    )
  })
})

describe('53. onAuthenticated', () => {
  const withUser = (onAuthenticated: AuthenticatorOptions['onAuthenticated'] & object): Authenticator =>
    createAuthenticator({ ...policy, clock: clock(), onAuthenticated })

  it('gets the verified token and the request, and gives the outcome its user', async () => {
    const request = bearer(good)
    const outcome = await withUser((token, given) => ({ id: token.claims.sub, same: given === request })).authenticate(
      request,
    )
    expect(outcome).toMatchObject({ kind: 'authenticated', user: { id: 'ada', same: true } })
  })

  it('is asked after the requirement of the call', async () => {
    let asked = 0
    const outcome = await withUser(() => (asked += 1)).authenticate(bearer(good), scope('orders:write'))
    expect([outcome.kind, asked]).toEqual(['refused', 0])
  })

  it('leaves no user on the token, which other requests share', async () => {
    const authenticator = withUser((_, request) => request.header('x-name')[0])
    const outcomes = await Promise.all(
      ['one', 'two'].map((name) => authenticator.authenticate(bearer(good, { 'x-name': name }))),
    )
    expect(outcomes).toMatchObject([{ user: 'one' }, { user: 'two' }])
  })

  it('is a step of explain', async () => {
    const steps = async (found: unknown): Promise<unknown> => {
      const { accepted, steps: all } = await withUser(() => found).explain(bearer(good))
      return [accepted, all.at(-1)?.step, all.at(-1)?.result]
    }
    expect([await steps({}), await steps(undefined)]).toEqual([
      [true, 'user', 'passed'],
      [false, 'user', 'failed'],
    ])
  })

  it('is a skipped step of explain for a bad token', async () => {
    const { steps } = await withUser(() => ({})).explain(bearer(foreign))
    expect(steps.at(-1)).toMatchObject({ step: 'user', result: 'skipped' })
  })
})

describe('53. selectVerifier', () => {
  const acme = createVerifier({ ...policy, clock: clock() })
  const other = createVerifier({
    ...policy,
    issuer: 'https://other.example',
    jwks: { keys: [otherKeys.publicJwk] },
    clock: clock(),
  })
  const choosing = (select: (request: RequestView) => unknown, verifiers: Record<string, Verifier> = { acme, other }) =>
    createAuthenticator({ verifier: selectVerifier({ verifiers, select: select as never }) })

  it('uses the verifier of the name, and no other one', async () => {
    const byHeader = choosing((request) => request.header('x-tenant')[0])
    expect(
      await Promise.all([
        answer(byHeader, bearer(good, { 'x-tenant': 'acme' })),
        answer(byHeader, bearer(good, { 'x-tenant': 'other' })),
        answer(byHeader, bearer(foreign, { 'x-tenant': 'other' })),
        answer(byHeader, bearer(foreign, { 'x-tenant': 'acme' })),
        answer(byHeader, bearer(good, { 'x-tenant': 'third' })),
        answer(byHeader, bearer(good)),
      ]),
    ).toEqual([
      'authenticated',
      [401, 'issuer_mismatch'],
      'authenticated',
      [401, 'issuer_mismatch'],
      [401, 'verifier_unknown'],
      [401, 'verifier_unknown'],
    ])
  })

  it('uses a registered verifier that is returned itself', async () => {
    expect(
      await answer(
        choosing(() => acme),
        bearer(good),
      ),
    ).toBe('authenticated')
  })

  it('uses no verifier that is made for a request, and calls none of its methods', async () => {
    const made = { ...acme, verify: () => expect.unreachable() }
    await expect(choosing(() => made).authenticate(bearer(good))).rejects.toThrow(
      'Cannot select verifier: "select" must return the name of a registered verifier or that verifier, found an object',
    )
  })

  it('fetches nothing for a request without a match', async () => {
    const server = await startFaultyJwksServer({ jwks: { keys: [acmeKeys.publicJwk] } })
    const remote = createVerifier({ issuer: claims.iss, audience: AUDIENCE, jwksUri: server.url, clock: clock() })
    const authenticator = choosing((request) => request.header('x-tenant')[0], { remote })
    const before = await answer(authenticator, bearer(good, { 'x-tenant': 'none' }))
    const { connections } = server.stats()
    const after = await answer(authenticator, bearer(good, { 'x-tenant': 'remote' }))
    await server.close()
    expect([before, connections, after]).toEqual([[401, 'verifier_unknown'], 0, 'authenticated'])
  })

  it('copies the list of verifiers', async () => {
    const verifiers: Record<string, Verifier> = { acme }
    const authenticator = choosing(() => 'late', verifiers)
    verifiers['late'] = acme
    expect(await answer(authenticator, bearer(good))).toEqual([401, 'verifier_unknown'])
  })

  it('explains with the verifier of the request', async () => {
    const authenticator = choosing((request) => request.header('x-tenant')[0])
    const accepted = await authenticator.explain(bearer(good, { 'x-tenant': 'acme' }))
    const unknown = await authenticator.explain(bearer(good))
    expect([accepted.accepted, unknown.accepted]).toEqual([true, false])
    expect(inspect(unknown)).toContain('No verifier is registered for the request')
  })

  it('asks the verifier of the token again', async () => {
    const asked: string[] = []
    const asking = (name: string, verifier: Verifier): Verifier => ({
      ...verifier,
      verifyFresh: async (token) => {
        asked.push(name)
        return { ...token, claims: token.claims }
      },
    })
    const verifiers = { acme: asking('acme', acme), other: asking('other', other) }
    const authenticator = choosing((request) => request.header('x-tenant')[0], verifiers)
    const outcome = await authenticator.authenticate(bearer(foreign, { 'x-tenant': 'other' }), fresh())
    expect([outcome.kind, asked]).toEqual(['authenticated', ['other']])
    expect(() => choosing(() => 'acme', { acme }).authorize(undefined, fresh())).not.toThrow()
  })

  it('combines what the verifiers say at start-up', async () => {
    const combined = selectVerifier({ verifiers: { acme, other, again: acme }, select: () => undefined })
    await combined.ready()
    expect(combined.accepts?.().map(({ issuer }) => issuer)).toEqual(['https://acme.example', 'https://other.example'])
    expect(combined.status?.()).toMatchObject({ ready: true, issuers: [{}, {}] })
    expect(combined.now?.()).toBe(NOW * 1000)
    await expect(combined.verify(good)).rejects.toThrow('Cannot verify token: the verifier depends on the request')
    expect((await combined.explain(good)).accepted).toBe(false)
    combined.close()
  })

  /** A verifier with the methods that it must have, and no others. */
  const least = (said: string[], name: string): Verifier => ({
    verify: async (token) => {
      said.push(`${name} ${token}`)
      return { claims: {}, token, scopes: new Set() }
    },
    explain: async () => ({ accepted: true, summary: name, steps: [] }),
    ready: async () => void said.push(`${name} ready`),
    close: () => void said.push(`${name} closed`),
  })

  it('combines verifiers that have only what they need', async () => {
    const said: string[] = []
    const verifiers = { a: least(said, 'a'), b: least(said, 'b') }
    const combined = selectVerifier({ verifiers, select: () => 'b', clock: clock() })
    await combined.ready()
    await combined.verify('opaque', { view: bearer('opaque') })
    combined.close()
    expect(said).toEqual(['a ready', 'b ready', 'b opaque', 'a closed', 'b closed'])
    expect([combined.accepts?.(), combined.status?.(), combined.now?.()]).toEqual([
      [],
      { ready: true, issuers: [] },
      NOW * 1000,
    ])
    expect(combined.verifyFresh).toBeUndefined()
    expect(Object.isFrozen(combined)).toBe(true)
  })

  it('is ready only if all are', async () => {
    const away: Verifier = {
      ...other,
      ready: () => Promise.reject(new Error('away')),
      status: () => ({ ready: false, issuers: [{ issuer: 'x', ready: false }] as never }),
    }
    const combined = selectVerifier({ verifiers: { acme, away }, select: () => 'acme' })
    expect(combined.status?.()).toMatchObject({ ready: false, issuers: [{ ready: true }, { ready: false }] })
    await expect(combined.ready()).rejects.toThrow('away')
  })

  it('passes no text that is no token to a verifier of any text', async () => {
    const said: string[] = []
    const authenticator = choosing(() => 'a', { a: least(said, 'a') })
    expect(await answer(authenticator, bearer('a"b'))).toEqual([400, 'credential_malformed'])
    expect(await answer(authenticator, bearer('ab'))).toBe('authenticated')
    expect(said).toEqual(['a ab'])
  })

  it('asks again only for tokens that it has verified, and again for the answers', async () => {
    const asking: Verifier = {
      ...least([], 'a'),
      verifyFresh: async (token) => ({ ...token, token: `${token.token}+` }),
    }
    const combined = selectVerifier({ verifiers: { asking }, select: () => 'asking' })
    const verified = await combined.verify('t', { view: bearer('t') })
    const again = await combined.verifyFresh?.(verified)
    expect(await combined.verifyFresh?.(again ?? verified)).toMatchObject({ token: 't++' })
    await expect(combined.verifyFresh?.({ ...verified })).rejects.toThrow(
      'Cannot ask again: the token is of another verifier',
    )
  })

  it('cannot ask again if only some of its verifiers can', () => {
    const asking: Verifier = { ...least([], 'a'), verifyFresh: async (token) => token }
    const combined = selectVerifier({ verifiers: { asking, other: least([], 'b') }, select: () => 'asking' })
    expect(combined.verifyFresh).toBeUndefined()
  })

  it('names select if it throws', async () => {
    const combined = selectVerifier({ verifiers: { a: least([], 'a') }, select: () => Promise.reject(new Error('db')) })
    await expect(combined.verify('t', { view: bearer('t') })).rejects.toMatchObject({
      code: 'check_unavailable',
      actual: '"select"',
    })
  })

  it('says in the log which verifiers there are', async () => {
    const outcome = await choosing(() => 'third').authenticate(bearer(good))
    expect(outcome).toMatchObject({ error: { expected: '["acme","other"]', actual: '"third"' } })
  })

  it('explains the refusal of a choice with its code', async () => {
    const explained = await choosing(() => 'third').explain(bearer(good))
    expect(explained).toMatchObject({
      accepted: false,
      code: 'verifier_unknown',
      summary: expect.stringMatching(/^Refused \(verifier_unknown\): .*"third"/) as string,
    })
    expect(explained.steps).toContainEqual({
      step: 'verifier',
      result: 'failed',
      code: 'verifier_unknown',
      expected: '["acme","other"]',
      actual: '"third"',
    })
  })

  it('quotes the message of a failed choice in an explanation', async () => {
    const verifier = selectVerifier({ verifiers: { acme }, select: () => 'acme' })
    const { summary, steps } = await verifier.explain('t')
    expect(summary).toMatch(/^Refused: "Cannot verify token: the verifier depends on the request/)
    expect(steps).toMatchObject([{ step: 'verifier', result: 'failed', actual: 'an unexpected error' }])
  })

  it.each<[string, unknown, string]>([
    ...(['verify', 'explain', 'ready', 'close'] as const).map((name): [string, unknown, string] => [
      `a verifier without ${name}`,
      { verifiers: { acme, b: { ...acme, [name]: undefined } }, select: () => 'acme' },
      '"verifiers.b" must be a verifier, which createVerifier makes',
    ]),
    ['a list of verifiers', { verifiers: [acme], select: () => 'acme' }, '"verifiers" must be an object such as {'],
    ['no verifiers', { verifiers: {}, select: () => 'acme' }, '"verifiers" must have at least one verifier'],
    [
      'options of a verifier',
      { verifiers: { acme: policy }, select: () => 'acme' },
      '"verifiers.acme" must be a verifier, which createVerifier makes',
    ],
    ['no function', { verifiers: { acme } }, '"select" must be a function'],
    [
      'a verifier that depends on the request',
      { verifiers: { acme: selectVerifier({ verifiers: { acme }, select: () => 'acme' }) }, select: () => 'acme' },
      '"verifiers.acme" already depends on the request',
    ],
  ])('does not start with %s', (_, options, message) => {
    expect(() => selectVerifier(options as never)).toThrow(`Cannot select verifier: ${message}`)
  })
})

describe('53. signedCookie', () => {
  const unreached = () => expect.unreachable()
  it.each<[string, string | undefined, () => unknown, unknown]>([
    ['is signed', 'a=b; session=s%3Ax', () => good, 'authenticated'],
    ['is checked with a promise', 'session=s%3Ax', async () => good, 'authenticated'],
    ['is absent', undefined, unreached, [401, 'credential_missing']],
    ['has a longer name', 'session2=x', unreached, [401, 'credential_missing']],
    ['is empty', 'session=', unreached, [401, 'credential_missing']],
    ['comes twice', 'session=x; session=x', unreached, [400, 'credential_repeated']],
    ['has a wrong signature', 'session=s%3Ax', () => false, [401, 'signature_invalid']],
    ['is unknown to the hook', 'session=s%3Ax', () => undefined, [401, 'signature_invalid']],
    ['signs an empty text', 'session=s%3Ax', () => '', [401, 'signature_invalid']],
    ['is only called good', 'session=s%3Ax', () => true, [401, 'signature_invalid']],
    ['breaks the hook', 'session=s%3Ax', () => Promise.reject(new Error('no')), [503, 'check_unavailable']],
    [
      'is refused by the hook',
      'session=s%3Ax',
      () => Promise.reject(new AuthError('token_expired')),
      [401, 'token_expired'],
    ],
  ])('reads the token of a cookie, as received, which %s', async (_, cookie, unsign, expected) => {
    const given: string[] = []
    const extractToken = signedCookie('session', (value) => {
      given.push(value)
      return unsign() as string
    })
    const authenticator = createAuthenticator({ ...policy, clock: clock(), extractToken })
    expect(await answer(authenticator, view(cookie === undefined ? {} : { cookie }))).toEqual(expected)
    expect(given).toEqual(unsign === unreached ? [] : ['s%3Ax'])
  })

  it('says in the log which cookie is wrong, and how', async () => {
    const errorOf = (cookie: string): Promise<unknown> =>
      signedCookie('session', () => false)(view({ cookie })).catch((error: unknown) => error)
    expect(await errorOf('session=x')).toMatchObject({ expected: String.raw`"a signed cookie \"session\""` })
    expect(await errorOf('session=x; session=y')).toMatchObject({ expected: '"one value"', actual: '"2 in a cookie"' })
  })

  it('refuses a cookie field that is not text', async () => {
    const fields = { ...bearer('x'), header: () => [7] } as never
    await expect(signedCookie('session', () => 'token')(fields)).rejects.toMatchObject({
      code: 'credential_malformed',
      expected: '"a cookie of text"',
    })
  })

  it.each<[string, readonly unknown[], string]>([
    ['an impossible name', ['a b', () => false], 'give the name of a cookie, found "a b"'],
    ['no name', [undefined, () => false], 'give the name of a cookie, found nothing'],
    ['no function', ['session'], 'give a function that checks the signature'],
  ])('does not start with %s', (_, [name, unsign], message) => {
    expect(() => signedCookie(name as string, unsign as never)).toThrow(`Cannot read signed cookie: ${message}`)
  })
})

describe('53. error.claims', () => {
  const refusal = async (change: object, options: object = {}, context?: object): Promise<AuthError> => {
    const token = await acmeKeys.sign({ ...claims, ...change })
    const verifier = createVerifier({ ...policy, clock: clock(), ...options })
    return verifier.verify(token, context).then(
      () => expect.unreachable(),
      (error: AuthError) => error,
    )
  }

  it.each<[string, object, object]>([
    ['token_expired', { exp: NOW - 60 }, {}],
    ['token_not_yet_valid', { nbf: NOW + 100 }, {}],
    ['token_issued_in_future', { iat: NOW + 100 }, {}],
    ['token_too_old', { iat: NOW - 100 }, { maxAge: 50 }],
  ])('are those of a token that only its time makes unacceptable: %s', async (code, change, options) => {
    const error = await refusal(change, options)
    expect([error.code, error.claims]).toEqual([code, { ...claims, ...change }])
    expect(Object.isFrozen(error.claims)).toBe(true)
  })

  it.each<[string, object, object]>([
    ['another issuer', { exp: NOW - 60, iss: 'https://other.example' }, {}],
    ['another audience', { exp: NOW - 60, aud: 'billing' }, {}],
    ['a claim that is required', { exp: NOW - 60 }, { requiredClaims: { tenant: ['acme'] } }],
    ['another kind of token', { exp: NOW - 60, nonce: 'n' }, {}],
    ['a sender', { exp: NOW - 60, cnf: { jkt: 'thumbprint' } }, {}],
    ['no expiry', { exp: undefined }, {}],
    ['a wrong audience alone', { aud: 'billing' }, {}],
  ])('are absent if the token is also refused for %s', async (_, change, options) => {
    expect((await refusal(change, options)).claims).toBeUndefined()
  })

  it('are absent without a verified signature', async () => {
    const expired = await acmeKeys.sign({ ...claims, exp: NOW - 60 })
    const forged = await otherKeys.sign({ ...claims, exp: NOW - 60 }, { kid: acmeKeys.publicJwk.kid })
    const away = { resolve: () => Promise.reject(new AuthError('keys_unavailable')) }
    const errors = await Promise.all(
      [
        [forged, policy],
        [expired, { issuer: policy.issuer, audience: AUDIENCE, keys: away }],
      ].map(([token, options]) =>
        createVerifier({ ...(options as typeof policy), clock: clock() })
          .verify(token as string)
          .catch((error: AuthError) => [error.code, error.claims]),
      ),
    )
    expect(errors).toEqual([
      ['signature_invalid', undefined],
      ['token_expired', undefined],
    ])
  })

  it('are those of a cached token that has expired since', async () => {
    const time = clock()
    const verifier = createVerifier({ ...policy, clock: time })
    await verifier.verify(good)
    time.advance(400_000)
    expect(await verifier.verify(good).catch((error: AuthError) => error.claims)).toEqual(claims)
  })

  it('are in no JSON, no inspection, no copy and no event', async () => {
    const events: unknown[] = []
    const error = await refusal(
      { exp: NOW - 60, sub: 'secret-subject' },
      { onEvent: (event: unknown) => events.push(event) },
    )
    expect(error.claims?.sub).toBe('secret-subject')
    const shown = [
      JSON.stringify(error),
      JSON.stringify(Object.assign({}, error)),
      inspect(error, { depth: 9, showHidden: true }),
      String(error),
      JSON.stringify(events),
      JSON.stringify(Object.getOwnPropertyNames(error)),
    ]
    expect(shown.filter((text) => text.includes('secret-subject') || text.includes('claims"'))).toEqual([])
  })

  it('are given before token checks run, which they must not be mistaken for', async () => {
    const store = createMemoryDenylist({ clock: clock() })
    const error = await refusal({ exp: NOW - 60, jti: 'id' }, { checks: [denylist({ store, clock: clock() })] })
    expect(error.claims).toBeDefined()
  })
})
