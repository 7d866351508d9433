import {
  allOf,
  anyOf,
  AuthError,
  type Binding,
  claim,
  createAuthenticator,
  createVerifier,
  type CredentialSource,
  not,
  type Requirement,
  scope,
  type VerifierEvent,
  type VerifierOptions,
} from '@claimgate/core'
import { catalogue } from '@claimgate/core/extend'
import { badTokens, createTestClock, createTestKeys } from '@claimgate/testing'
import { describe, expect, it } from 'vitest'

import {
  accessClaims,
  type Answer,
  answerTo,
  bearer,
  describeOutcome,
  NO_TRAFFIC,
  NOW,
  optionsWith,
  publish,
  refusalOf,
  refused,
  request,
  VERIFIED,
} from '../../support/core/refusal.ts'

const key = await createTestKeys('ES256', { kid: 'key-1' })
const attacker = await createTestKeys('ES256', { kid: 'attacker' })
const good = await key.sign(accessClaims())
const expired = await key.sign(accessClaims({ exp: NOW - 3600 }))
const with_ = (changes: object = {}): VerifierOptions => optionsWith({ jwks: { keys: [key.publicJwk] }, ...changes })

const answerOf = async (view: ReturnType<typeof request>, changes: object = {}): Promise<Answer> =>
  describeOutcome(await createAuthenticator(with_(changes)).authenticate(view))

describe('34. A request carries one credential, in one place, in one form', () => {
  it.each<[string, string | readonly string[]]>([
    ['two fields', [`Bearer ${good}`, `Bearer ${good}`]],
    ['two fields, one of another scheme', [`Bearer ${good}`, 'Basic dTpw']],
    ['two fields, one of them empty', [`Bearer ${good}`, '']],
    ['two tokens joined by a comma', `Bearer ${good}, Bearer ${good}`],
    ['two tokens joined by only a comma', `Bearer ${good},${good}`],
    ['another scheme before it, joined by a comma', `Basic dTpw, Bearer ${good}`],
    ['another scheme after it, joined by a comma', `Bearer ${good}, Basic dTpw`],
    ['a comma after it', `Bearer ${good},`],
  ])('refuses %s with status 400', async (_, authorization) => {
    expect(await answerOf(request({ authorization }))).toEqual(refused('credential_repeated'))
    expect(await answerOf(request({ authorization }), { optional: true })).toEqual(refused('credential_repeated'))
  })

  it.each([
    ['two spaces', `Bearer  ${good}`],
    ['a trailing space', `Bearer ${good} `],
    ['no token', 'Bearer'],
    ['only a space as the token', 'Bearer '],
    ['a tab', `Bearer\t${good}`],
    ['two words', `Bearer ${good} x`],
    ['quotes', `Bearer "${good}"`],
    ['a parameter', `Bearer token="${good}"`],
    ['a percent escape', `Bearer ${good}%20`],
    ['an equals sign inside', `Bearer a=${good}`],
    ['a non-ASCII letter', `Bearer ${good}\u00e9`],
    ['a no-break space', '\u00a0'],
    ['a leading space', ` Bearer ${good}`],
  ])('refuses %s with status 400', async (_, authorization) => {
    expect(await answerOf(request({ authorization }))).toEqual(refused('credential_malformed'))
    expect(await answerOf(request({ authorization }), { optional: true })).toEqual(refused('credential_malformed'))
  })

  it.each(['Bearer', 'bearer', 'BEARER', 'bEaReR'])('accepts the scheme %s', async (scheme) => {
    expect(await answerOf(request({ authorization: `${scheme} ${good}` }))).toEqual(VERIFIED)
  })

  it.each([`Basic ${good}`, `Digest ${good}`, `Bearer2 ${good}`, `Bear ${good}`, good, 'Basic'])(
    'refuses the scheme of "%.12s" without calling the token bad',
    async (authorization) => {
      expect(await answerOf(request({ authorization }))).toEqual(refused('credential_scheme'))
      expect(await answerOf(request({ authorization }), { optional: true })).toEqual(refused('credential_scheme'))
    },
  )

  it('refuses such characters before a custom verifier receives them', async () => {
    const seen: string[] = []
    const inner = createVerifier(with_())
    const verify = async (token: string) => {
      seen.push(token)
      return inner.verify(good)
    }
    const authenticator = createAuthenticator({ ...inner, verify })
    expect(describeOutcome(await authenticator.authenticate(bearer('opaque')))).toEqual(VERIFIED)
    for (const token of ['a"b', 'a%20', 'a=b', '\u00e9', 'a\tb'])
      expect(describeOutcome(await authenticator.authenticate(bearer(token)))).toEqual(refused('credential_malformed'))
    expect(seen).toEqual(['opaque'])
  })

  it('reads neither query nor body nor cookies unless configured', async () => {
    const form = async () => ({ access_token: good })
    const view = request(
      { cookie: `access_token=${good}`, 'content-type': 'application/x-www-form-urlencoded', 'x-token': good },
      { method: 'POST', target: `/orders?access_token=${good}`, form },
    )
    expect(await answerOf(view)).toEqual(refused('credential_missing'))
    expect(await answerOf(request({ authorization: `Bearer ${good}` }, { target: '/orders?access_token=x' }))).toEqual(
      VERIFIED,
    )
  })

  const everywhere: readonly CredentialSource[] = [
    { from: 'authorization' },
    { from: 'query' },
    { from: 'form' },
    { from: 'cookie', name: 'token' },
    { from: 'header', name: 'X-Token' },
  ]
  const places = {
    authorization: { fields: { authorization: `Bearer ${good}` } },
    query: { rest: { target: `/orders?access_token=${good}` } },
    form: {
      fields: { 'content-type': 'application/x-www-form-urlencoded' },
      rest: { method: 'POST', form: async () => ({ access_token: good }) },
    },
    cookie: { fields: { cookie: `token=${good}` } },
    header: { fields: { 'x-token': good } },
  } as const
  type Place = { readonly fields?: Record<string, string>; readonly rest?: object }
  const pairs = Object.keys(places).flatMap((one, index) =>
    Object.keys(places)
      .slice(index + 1)
      .map((two) => [one, two] as const),
  )
  const viewOfPlaces = (chosen: readonly (Place | undefined)[]) =>
    request(
      Object.assign({}, ...chosen.map((place) => place?.fields)) as Record<string, string>,
      Object.assign({}, ...chosen.map((place) => place?.rest)) as object,
    )
  const viewOf = (...names: readonly string[]) =>
    viewOfPlaces(names.map((name) => places[name as keyof typeof places] as Place))

  it.each(Object.keys(places))('reads the token from %s if configured', async (place) => {
    expect(await answerOf(viewOf(place), { credentials: everywhere })).toEqual(VERIFIED)
  })

  const another: Readonly<Record<string, Place>> = {
    authorization: { fields: { authorization: `Bearer ${expired}` } },
    query: { rest: { target: `/orders?access_token=${expired}` } },
    form: {
      fields: { 'content-type': 'application/x-www-form-urlencoded' },
      rest: { method: 'POST', form: async () => ({ access_token: expired }) },
    },
    cookie: { fields: { cookie: `token=${expired}` } },
    header: { fields: { 'x-token': expired } },
  }
  const emptied: Readonly<Record<string, Place>> = {
    authorization: { fields: { authorization: '' } },
    query: { rest: { target: '/orders?access_token=' } },
    form: {
      fields: { 'content-type': 'application/x-www-form-urlencoded' },
      rest: { method: 'POST', form: async () => ({ access_token: '' }) },
    },
    cookie: { fields: { cookie: 'token=' } },
    header: { fields: { 'x-token': '' } },
  }

  it.each(pairs)('accepts the same token in %s and in %s, and refuses two different ones', async (one, two) => {
    expect(await answerOf(viewOf(one, two), { credentials: everywhere })).toEqual(VERIFIED)
    for (const [first, second] of [
      [places, another],
      [another, places],
    ] as const) {
      const view = viewOfPlaces([first[one as keyof typeof places], second[two as keyof typeof places]])
      expect(await answerOf(view, { credentials: everywhere })).toEqual(refused('credential_repeated'))
      expect(await answerOf(view, { credentials: everywhere, optional: true })).toEqual(refused('credential_repeated'))
    }
  })

  it.each(pairs)('ignores an empty value in %s if there is a token in %s', async (one, two) => {
    for (const [empty, full] of [
      [one, two],
      [two, one],
    ]) {
      const view = viewOfPlaces([emptied[empty as keyof typeof places], places[full as keyof typeof places]])
      expect(await answerOf(view, { credentials: everywhere })).toEqual(VERIFIED)
    }
  })

  it.each(Object.keys(places))('treats an empty value in %s as a missing credential', async (place) => {
    const view = viewOfPlaces([emptied[place]])
    expect(await answerOf(view, { credentials: everywhere })).toEqual(refused('credential_missing'))
    expect(await answerOf(view, { credentials: everywhere, optional: true })).toEqual({ status: 0 })
  })

  it.each<[string, ReturnType<typeof request>]>([
    ['the query', request({}, { target: `/orders?access_token=${good}&access_token=${good}` })],
    ['a cookie', request({ cookie: `token=${good}; token=${good}` })],
    ['cookies of two fields', request({ cookie: [`token=${good}`, `token=x`] })],
    ['a cookie, once empty', request({ cookie: `token=; token=${good}` })],
    ['a cookie, both empty', request({ cookie: 'token=; token=', authorization: `Bearer ${good}` })],
    [
      'the query, both empty',
      request({ authorization: `Bearer ${good}` }, { target: '/?access_token=&access_token=' }),
    ],
    ['a header', request({ 'x-token': [good, good] })],
    [
      'the body',
      request(
        { 'content-type': 'application/x-www-form-urlencoded' },
        { method: 'POST', form: async () => ({ access_token: [good, good] }) },
      ),
    ],
  ])('refuses a token that occurs twice in %s with status 400', async (_, view) => {
    expect(await answerOf(view, { credentials: everywhere })).toEqual(refused('credential_repeated'))
  })

  it('fetches nothing for any of them', async () => {
    await using keys = await publish([key.publicJwk])
    const authenticator = createAuthenticator(keys.options)
    for (const authorization of ['Bearer', 'Basic x', `Bearer ${good}, Bearer ${good}`, ''])
      expect((await authenticator.authenticate(request({ authorization }))).kind).toBe('refused')
    expect(keys.traffic()).toEqual(NO_TRAFFIC)
  })
})

describe('35. A refusal contains fixed text, the same for every fault of a token', () => {
  const makeBad = () =>
    badTokens({
      token: good,
      signWith: key.signWith,
      publicJwk: key.publicJwk,
      publicPem: key.publicPem,
      now: NOW,
    })

  it('answers every bad token with the same status, challenge and body', async () => {
    const authenticator = createAuthenticator(with_())
    const carried = (await makeBad()).filter(
      ({ token, refusal }) => refusal === 'required' && /^[\w.~+/-]+=*$/.test(token),
    )
    const answers = new Set<string>()
    for (const { token } of carried) {
      const outcome = await authenticator.authenticate(bearer(token))
      answers.add(JSON.stringify(outcome.kind === 'refused' ? outcome.response : outcome.kind))
    }
    expect(carried.length).toBeGreaterThan(200)
    expect([...answers].map((text) => JSON.parse(text) as unknown)).toEqual([
      {
        status: 401,
        headers: {
          'cache-control': 'no-store',
          'content-type': 'application/problem+json',
          'www-authenticate': refused('signature_invalid').challenge,
        },
        body: JSON.stringify({
          type: 'about:blank',
          title: 'Unauthorized',
          status: 401,
          detail: 'The access token is malformed, expired, revoked or not meant for this resource',
          error: 'invalid_token',
        }),
      },
    ])
  })

  it.each(Object.keys(catalogue) as (keyof typeof catalogue)[])('sends no word of the details of %s', async (code) => {
    const secrets = { expected: 'SECRET-1', actual: 'SECRET-2', hint: 'SECRET-3', cause: new Error('SECRET-4') }
    const checks = [{ name: 'SECRET-5', check: () => Promise.reject(new AuthError(code, secrets)) }]
    const outcome = await createAuthenticator(with_({ checks })).authenticate(bearer(good))
    expect(outcome.kind).toBe('refused')
    if (outcome.kind !== 'refused') return
    expect(JSON.stringify(outcome.response)).not.toContain('SECRET')
    expect(describeOutcome(outcome)).toEqual(refused(code))
  })

  it('keeps kid, claims, addresses and exceptions out of the response', async () => {
    const marks = { kid: 'MARK"\\kid', iss: 'https://MARK.example', aud: 'MARK", error="x', sub: 'MARK', jti: 'MARK' }
    const { kid, ...claims } = marks
    const tokens = [
      await key.sign(accessClaims(claims), { kid }),
      await key.sign(accessClaims({ aud: marks.aud })),
      await key.sign(accessClaims({ iss: marks.iss })),
      await key.sign(accessClaims({ sub: 'MARK', exp: 1 })),
    ]
    await using keys = await publish([key.publicJwk])
    await keys.server.behave({ kind: 'status', status: 500, body: 'MARK' })
    for (const options of [with_(), keys.options])
      for (const token of tokens) {
        const outcome = await createAuthenticator(options).authenticate(bearer(token))
        if (outcome.kind !== 'refused') throw new Error('accepted')
        const wire = JSON.stringify(outcome.response)
        for (const text of ['MARK', token, keys.server.origin, 'issuer.example']) expect(wire).not.toContain(text)
      }
  })

  it.each(['a"b', 'a\\b', 'a\nb', 'a\r\nx: y', 'a\u0000', '\u00e9', '', 1])('rejects realm %j at start-up', (realm) => {
    expect(() => createAuthenticator(with_({ realm }))).toThrow('"realm" must be')
  })

  it('sends the configured realm', async () => {
    const { challenge } = await answerOf(request(), { realm: "the orders' API" })
    expect(challenge).toBe('Bearer realm="the orders\' API"')
  })

  it('answers missing credentials, or another scheme, with a bare challenge without error', async () => {
    expect(await answerOf(request())).toEqual({
      code: 'credential_missing',
      status: 401,
      challenge: 'Bearer realm="api"',
    })
    expect(await answerOf(request({ authorization: 'Basic dTpw' }))).toEqual({
      code: 'credential_scheme',
      status: 401,
      challenge: 'Bearer realm="api"',
    })
  })

  it('answers an undecided request with 503 and Retry-After, and no challenge', async () => {
    await using keys = await publish([key.publicJwk])
    await keys.server.behave({ kind: 'status', status: 500 })
    const outcome = await createAuthenticator(keys.options).authenticate(bearer(good))
    expect(describeOutcome(outcome)).toEqual({ code: 'keys_unavailable', status: 503, challenge: undefined })
    expect(outcome).toMatchObject({ response: { headers: { 'retry-after': expect.stringMatching(/^[1-9]\d*$/) } } })
  })

  it('names missing scopes of the requirement, and nothing of the token', async () => {
    const outcome = await createAuthenticator(with_()).authenticate(bearer(good), scope('orders:write'))
    expect(describeOutcome(outcome).challenge).toBe(
      'Bearer realm="api", error="insufficient_scope", error_description="The access token does not grant what this request needs", scope="orders:write"',
    )
    expect(JSON.stringify(outcome.kind === 'refused' && outcome.response)).not.toContain('orders:read')
  })
})

describe('36. Logs and events never contain a token, and untrusted values are escaped and short', () => {
  const noisy = 'x\u001b[31m\u202e\u2028"\\\u009b'
  const cases: readonly (readonly [string, () => Promise<string>])[] = [
    ['a bad signature', async () => attacker.sign(accessClaims(), { kid: 'key-1' })],
    ['an unknown kid', async () => key.sign(accessClaims(), { kid: `k${'y'.repeat(250)}` })],
    ['an odd kid', async () => key.sign(accessClaims(), { kid: noisy })],
    ['an odd alg', async () => key.sign(accessClaims(), { alg: noisy })],
    ['a long alg', async () => key.sign(accessClaims(), { alg: 'A'.repeat(700) })],
    ['an odd issuer', async () => key.sign(accessClaims({ iss: noisy }))],
    ['an odd audience', async () => key.sign(accessClaims({ aud: noisy }))],
    ['a long audience', async () => key.sign(accessClaims({ aud: 'a'.repeat(9000) }))],
    ['many audiences', async () => key.sign(accessClaims({ aud: Array.from({ length: 30 }, () => 'b'.repeat(100)) }))],
    ['an odd subject', async () => key.sign(accessClaims({ sub: noisy }))],
    ['an expired token', async () => expired],
    ['an odd typ', async () => key.sign(accessClaims(), { typ: 'z\u200f'.repeat(40) })],
    ['odd confirmations', async () => key.sign(accessClaims({ cnf: { [noisy]: 1 } }))],
    ['claims that are not JSON', async () => key.signRaw('{"alg":"ES256","kid":"key-1"}', `{"sub":"PRIVATE ${noisy}`)],
    ['a header that is not JSON', async () => key.signRaw('{"alg":"ES256","kid":"PRIVATE', '{}')],
    ['a part that is not base64url', async () => `${good.slice(0, 50)}*${good.slice(51)}`],
    ['five parts', async () => `${good}.${good.slice(0, 10)}.x`],
  ]

  it.each(cases)('with %s', async (_, make) => {
    const token = await make()
    const events: VerifierEvent[] = []
    await using keys = await publish([key.publicJwk], { onEvent: (event: VerifierEvent) => events.push(event) })
    const error = await refusalOf(token, keys.options)
    const explanation = await createVerifier(keys.options).explain(token)
    const texts = [error.message, error.hint, error.expected, error.actual, error.stack, String(error.cause)]
    texts.push(JSON.stringify(error), explanation.summary, ...explanation.steps.flatMap((step) => Object.values(step)))
    texts.push(...events.map((event) => JSON.stringify(event)))
    const parts = token.split('.').filter((part) => part.length > 30)
    for (const text of texts) {
      for (const secret of [token, 'PRIVATE', ...parts]) expect(text ?? '').not.toContain(secret)
      // Only a stack trace has line breaks.
      if (text !== error.stack) expect(text ?? '').not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e]/)
    }
    for (const text of [error.expected, error.actual]) expect((text ?? '').length).toBeLessThanOrEqual(130)
    expect(error.message.length).toBeLessThan(1000)
    expect(events).toContainEqual({ type: 'token.rejected', code: error.code, duration: expect.any(Number) })
  })

  it('escapes quotes and backslashes, so that the end of a value is clear', async () => {
    const error = await refusalOf(await key.sign(accessClaims(), { alg: noisy }), with_())
    expect(error.actual).toBe(String.raw`"x\u001b[31m\u202e\u2028\"\\\u009b"`)
  })

  it('passes only codes to its listener', async () => {
    const events: VerifierEvent[] = []
    const verifier = createVerifier(with_({ onEvent: (event: VerifierEvent) => events.push(event) }))
    await verifier.verify(good)
    await expect(verifier.verify(expired)).rejects.toThrow(AuthError)
    const duration: unknown = expect.any(Number)
    expect(events).toEqual([
      { type: 'token.verified', duration, cached: false },
      { type: 'token.rejected', code: 'token_expired', duration },
    ])
  })
})

// The clock is right while the verifier is created.
function startsAndStops(): () => number {
  let reads = 0
  return () => {
    reads += 1
    return reads === 1 ? NOW * 1000 : Number.NaN
  }
}

describe('37. Nothing fails open', () => {
  const boom = () => {
    throw new Error('boom')
  }
  const rejects = () => Promise.reject(new Error('boom'))
  const throwing: Requirement = { description: 'boom', scopes: [], isMet: boom }

  const kindOf = async (changes: object, requirement?: Requirement): Promise<string> => {
    try {
      const outcome = await createAuthenticator(with_(changes)).authenticate(bearer(good), requirement)
      return outcome.kind === 'refused' ? `${outcome.response.status} ${outcome.error.code}` : outcome.kind
    } catch (error) {
      return `thrown ${(error as Error).message}`
    }
  }

  const { jwks: _, ...keyless } = with_() as unknown as Record<string, unknown>
  const source = (resolve: unknown): object => ({ ...keyless, jwks: undefined, keys: { resolve } })
  const resolver = (issuers: unknown): object => ({
    issuers,
    issuer: undefined,
    audience: undefined,
    jwks: undefined,
  })

  it.each<[string, object, string]>([
    ['a check throws', { checks: [{ name: 'c', check: boom }] }, '503 check_unavailable'],
    ['a check rejects', { checks: [{ name: 'c', check: rejects }] }, '503 check_unavailable'],
    [
      'a check refuses',
      { checks: [{ name: 'c', check: () => Promise.reject(new AuthError('token_refused')) }] },
      '401 token_refused',
    ],
    [
      'the second of two checks rejects',
      {
        checks: [
          { name: 'a', check: async () => {} },
          { name: 'b', check: rejects },
        ],
      },
      '503 check_unavailable',
    ],
    ['an issuer resolver throws', resolver(boom), '503 issuer_unavailable'],
    ['an issuer resolver rejects', resolver(rejects), '503 issuer_unavailable'],
    ['an issuer resolver returns undefined', resolver(async () => undefined), '401 issuer_unknown'],
    ['an issuer resolver returns null', resolver(async () => null), '401 issuer_unknown'],
    ['a key source throws', source(boom), 'thrown boom'],
    ['a key source rejects', source(rejects), 'thrown boom'],
    ['a key source returns undefined', source(async () => undefined), '401 algorithm_key_mismatch'],
    ['a key source returns an object that is not a key', source(async () => ({})), '401 algorithm_key_mismatch'],
    ['a schema throws', { claims: { '~standard': { version: 1, vendor: 't', validate: boom } } }, 'thrown boom'],
    [
      'a schema finds issues',
      { claims: { '~standard': { version: 1, vendor: 't', validate: () => ({ issues: [{ message: 'no' }] }) } } },
      '401 claims_schema',
    ],
    ['a predicate throws', { requiredClaims: { sub: boom } }, 'thrown boom'],
    [
      'a predicate returns a promise',
      { requiredClaims: { sub: async () => true } },
      'thrown A claim predicate must return true or false, not a promise',
    ],
    [
      'a clock returns no time',
      { clock: { now: startsAndStops() } },
      'thrown "clock.now" must return milliseconds as a number, not a promise',
    ],
    ['a check returns false', { checks: [{ name: 'x', check: async () => false }] }, '503 check_unavailable'],
    [
      'a schema does not return an object',
      { claims: { '~standard': { version: 1, vendor: 'x', validate: () => ({ value: 'abc' }) } } },
      'thrown The schema of "claims" must return an object',
    ],
    ['a listener throws', { onEvent: boom }, 'authenticated'],
    ['a listener rejects', { onEvent: rejects }, 'authenticated'],
  ])('where %s', async (_case, changes, expected) => {
    expect(await kindOf(changes)).toBe(expected)
  })

  it('keeps the refusal if a listener throws for a bad token', async () => {
    const outcome = await createAuthenticator(with_({ onEvent: boom })).authenticate(bearer(expired))
    expect(describeOutcome(outcome)).toEqual(refused('token_expired'))
  })

  it.each<[string, Requirement]>([
    ['throws', throwing],
    ['throws inside anyOf', anyOf(throwing, scope('orders:read'))],
    ['throws inside not()', not(throwing)],
    ['gives nothing', { ...throwing, isMet: (() => undefined) as unknown as () => boolean }],
    ['has a predicate that returns a promise', claim('sub', (async () => true) as unknown as () => boolean)],
  ])('where a requirement %s', async (_case, requirement) => {
    expect(await kindOf({}, requirement)).toMatch(/^thrown /)
    const authenticator = createAuthenticator(with_())
    const token = await authenticator.verifier.verify(good)
    expect(() => authenticator.authorize(token, requirement)).toThrow(/boom|true or false/)
  })

  it.each<[string, () => Promise<unknown>]>([
    ['rejects', rejects],
    ['gives a promise of nothing', async () => undefined],
    ['gives a promise of an object', async () => ({})],
    ['gives a promise of a text', async () => 'true'],
  ])('where a requirement %s', async (_case, isMet) => {
    const requirement = { ...throwing, isMet } as Requirement
    const authenticator = createAuthenticator(with_())
    const token = await authenticator.verifier.verify(good)
    for (const combined of [
      requirement,
      not(requirement),
      anyOf(requirement, scope('orders:read')),
      allOf(requirement),
    ]) {
      expect(await kindOf({}, combined)).toMatch(/^thrown /)
      await expect(authenticator.authorize(token, combined)).rejects.toThrow(/boom|true or false/)
    }
  })

  it('where a requirement hangs: the request gets 503 after 10 s', async () => {
    const clock = createTestClock({ wall: NOW * 1000 })
    const hanging: Requirement = { ...throwing, isMet: () => new Promise(() => {}) }
    const authenticator = createAuthenticator(with_({ clock }))
    const token = await authenticator.verifier.verify(good)
    const outcomes = [authenticator.authorize(token, hanging), authenticator.authenticate(bearer(good), not(hanging))]
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve()
    clock.advance(10_000)
    for (const outcome of outcomes)
      expect(describeOutcome(await outcome)).toMatchObject({ status: 503, code: 'check_unavailable' })
  })

  it('if a binding throws', async () => {
    const token = await key.sign(accessClaims({ cnf: { jkt: 'x' } }))
    const bindings: readonly Binding[] = [{ confirmation: 'jkt', confirm: rejects }]
    const outcome = await createAuthenticator(with_({ bindings })).authenticate(bearer(token))
    expect(outcome).toMatchObject({ kind: 'refused', error: { code: 'check_unavailable', status: 503 } })
  })

  it('if the request itself cannot be read', async () => {
    const authenticator = createAuthenticator(with_({ optional: true, credentials: [{ from: 'form' }] }))
    const view = request(
      { 'content-type': 'application/x-www-form-urlencoded' },
      { method: 'POST', form: () => Promise.reject(new Error('boom')) },
    )
    await expect(authenticator.authenticate(view)).rejects.toThrow('boom')
    await expect(authenticator.authenticate({ method: 'GET', target: '/', header: boom })).resolves.toEqual({
      kind: 'anonymous',
    })
    await expect(
      createAuthenticator(with_({ optional: true })).authenticate({ method: 'GET', target: '/', header: boom }),
    ).rejects.toThrow('boom')
  })

  it('accepts a request without credentials only with optional, not with only a missing requirement', async () => {
    const authenticator = createAuthenticator(with_({ optional: true }))
    expect((await authenticator.authenticate(request())).kind).toBe('anonymous')
    expect(describeOutcome(await authenticator.authenticate(request(), scope('a')))).toEqual({
      ...refused('credential_missing'),
      challenge: 'Bearer realm="api", scope="a"',
    })
    expect(describeOutcome(await authenticator.authorize(undefined, scope('a'))).status).toBe(401)
  })

  it('never accepts bad credentials with optional', async () => {
    for (const token of [expired, await attacker.sign(accessClaims(), { kid: 'key-1' }), 'x', `${good}x`])
      expect((await answerTo(token, with_({ optional: true }))).status).toBe(401)
  })

  it.each(['true', 1, 'false', {}])('rejects optional %j at start-up', (optional) => {
    expect(() => createAuthenticator(with_({ optional }))).toThrow('"optional" must be true or false')
  })

  it.each(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'POST', 'options'])('exempts no method: %s', async (method) => {
    expect(await answerOf(request({}, { method }))).toEqual(refused('credential_missing'))
    expect(await answerOf(request({ authorization: `Bearer ${expired}` }, { method }))).toEqual(
      refused('token_expired'),
    )
  })

  it('rejects an unknown option at start-up, so that a typo disables nothing', () => {
    for (const slip of [{ audiences: 'x' }, { Issuer: 'x' }, { algorithm: ['ES256'] }, { requireClaims: ['sub'] }])
      expect(() => createVerifier(with_(slip))).toThrow('there is no option')
  })
})

describe('40. A token with cnf is confirmed or refused, and a plain token is not a bound one', () => {
  it.each<[string, unknown]>([
    ['a DPoP thumbprint', { jkt: '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I' }],
    ['a certificate thumbprint', { 'x5t#S256': 'bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2' }],
    ['a key', { jwk: { kty: 'EC' } }],
    ['something unknown', { 'urn:x': 1 }],
    ['nothing', {}],
    ['text', 'jkt'],
    ['an array', [{ jkt: 'x' }]],
    ['null', null],
    ['an inherited name', { toString: 'x' }],
  ])('refuses cnf with %s as a bearer token', async (_, cnf) => {
    const token = await key.sign(accessClaims({ cnf }))
    expect(await answerTo(token, with_())).toEqual(refused('binding_unsupported'))
    expect(await answerTo(token, with_({ optional: true }))).toEqual(refused('binding_unsupported'))
  })

  it('refuses a plain token, or a bound one, sent as DPoP without a binding', async () => {
    for (const token of [good, await key.sign(accessClaims({ cnf: { jkt: 'x' } }))])
      expect(await answerOf(request({ authorization: `DPoP ${token}`, dpop: 'proof' }))).toEqual(
        refused('credential_scheme'),
      )
  })

  it('asks the binding of every member, and refuses if one is missing or not confirmed', async () => {
    const asked: unknown[] = []
    const binding = (confirmation: string): Binding => ({
      confirmation,
      confirm: async (value) => {
        asked.push(value)
        if (value === 'wrong') throw new AuthError('binding_failed')
      },
    })
    const bindings = [binding('jkt'), binding('x5t#S256')]
    const answer = async (cnf: unknown) => answerTo(await key.sign(accessClaims({ cnf })), with_({ bindings }))
    expect(await answer({ jkt: 'a', 'x5t#S256': 'b' })).toEqual(VERIFIED)
    expect(asked).toEqual(['a', 'b'])
    expect(await answer({ jkt: 'a', 'x5t#S256': 'wrong' })).toEqual(refused('binding_failed'))
    expect(await answer({ jkt: 'a', other: 'b' })).toEqual(refused('binding_unsupported'))
  })

  it('does not treat a result of a binding as a confirmation', async () => {
    const token = await key.sign(accessClaims({ cnf: { jkt: 'x' } }))
    const bindings = [{ confirmation: 'jkt', confirm: (async () => false) as unknown as Binding['confirm'] }]
    await expect(answerTo(token, with_({ bindings }))).rejects.toThrow('A binding refuses by throwing')
  })

  it('confirms the signed value, whatever a schema returns', async () => {
    const asked: string[] = []
    const bindings = ['jkt', 'x5t#S256'].map((confirmation) => ({
      confirmation,
      confirm: async () => {
        asked.push(confirmation)
      },
    }))
    const claims = { '~standard': { version: 1, vendor: 'x', validate: () => ({ value: { cnf: { jkt: 'a' } } }) } }
    const token = await key.sign(accessClaims({ cnf: { jkt: 'a', 'x5t#S256': 'b' } }))
    expect(await answerTo(token, with_({ bindings, claims }))).toEqual(VERIFIED)
    expect(asked).toEqual(['jkt', 'x5t#S256'])
  })
})
