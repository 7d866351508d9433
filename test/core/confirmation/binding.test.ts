import {
  AuthError,
  type Authenticated,
  type Binding,
  createAuthenticator,
  type Credential,
  type HttpOptions,
  type Outcome,
  type RequestView,
  scope,
} from '@claimgate/core'
import { createTestKeys } from '@claimgate/testing'
import { describe, expect, it } from 'vitest'
import { toyDpop } from '../../support/adapters/toy-dpop.ts'

const issuer = 'https://issuer.example'
const audience = 'https://api.example'
const keys = await createTestKeys('ES256')
const now = Math.floor(Date.now() / 1000)
const sign = (claims: object = {}): Promise<string> =>
  keys.sign({ iss: issuer, aud: audience, sub: 'ada', exp: now + 600, scope: 'orders:read', ...claims })

const plain = await sign()
const bound = await sign({ cnf: { jkt: 'thumb' } })
const certified = await sign({ cnf: { 'x5t#S256': 'hash' } })
const twice = await sign({ cnf: { jkt: 'thumb', 'x5t#S256': 'hash' } })

/** A binding like mutual TLS (RFC 8705), without a scheme. */
const toyMtls: Binding = {
  confirmation: 'x5t#S256',
  async confirm(hash, _token, view) {
    if (view.clientCertificate?.()?.join('') !== hash) throw new AuthError('binding_failed')
  },
}

interface Sent {
  readonly authorization?: string
  readonly dpop?: string
}

const view = ({ authorization, dpop }: Sent, certificate?: string): RequestView => ({
  method: 'GET',
  target: '/',
  header: (name) =>
    [...(name === 'authorization' ? [authorization ?? []] : []), ...(name === 'dpop' ? [dpop ?? []] : [])].flat(),
  clientCertificate: () => (certificate === undefined ? undefined : ([certificate] as unknown as Uint8Array)),
})

const create = (options: HttpOptions = { bindings: [toyDpop] }): ReturnType<typeof createAuthenticator> =>
  createAuthenticator({ issuer, audience, jwks: { keys: [keys.publicJwk] }, ...options })

const send = (sent: Sent, options?: HttpOptions, certificate?: string): Promise<Outcome> =>
  create(options).authenticate(view(sent, certificate))

const answer = (outcome: Outcome): string => {
  if (outcome.kind !== 'refused') return outcome.kind
  const { error, response } = outcome
  expect(response.status).toBe(error.status)
  return `${error.status} ${error.code} ${error.error ?? ''}`.trimEnd()
}

describe('the scheme of a binding', () => {
  it('is accepted in any case, together with Bearer', async () => {
    for (const scheme of ['DPoP', 'dpop', 'DPOP'])
      expect(await send({ authorization: `${scheme} ${bound}`, dpop: 'thumb' })).toMatchObject({
        kind: 'authenticated',
        scheme: 'DPoP',
      })
    expect(await send({ authorization: `Bearer ${plain}` })).toMatchObject({ kind: 'authenticated', scheme: 'Bearer' })
  })

  it('is not accepted without the binding, whatever the proof', async () => {
    const sent = { authorization: `DPoP ${bound}`, dpop: 'thumb' }
    expect(answer(await send(sent, {}))).toBe('401 credential_scheme')
    expect(answer(await send(sent, { bindings: [toyMtls] }))).toBe('401 credential_scheme')
    expect(answer(await send(sent, { optional: true }))).toBe('401 credential_scheme')
  })

  it.each([
    ['a bound token as Bearer', `Bearer ${bound}`, '401 binding_failed invalid_token'],
    ['a plain token as DPoP', `DPoP ${plain}`, '401 binding_missing invalid_token'],
    ['a token of another binding as DPoP', `DPoP ${certified}`, '401 binding_missing invalid_token'],
    ['another scheme', 'Basic YTpi', '401 credential_scheme'],
    ['a scheme without a token', 'DPoP', '400 credential_malformed invalid_request'],
    ['a scheme with two tokens', `DPoP ${bound}, ${bound}`, '400 credential_repeated invalid_request'],
    ['two schemes', `DPoP Bearer ${bound}`, '400 credential_malformed invalid_request'],
  ])('%s is refused', async (_case, authorization, expected) => {
    const outcome = await send({ authorization, dpop: 'thumb' }, { bindings: [toyDpop, toyMtls] }, 'hash')
    expect(answer(outcome)).toBe(expected)
  })

  it('must be that of every binding of the token, and all are confirmed', async () => {
    const options = { bindings: [toyMtls, toyDpop] }
    const sent = { authorization: `DPoP ${twice}`, dpop: 'thumb' }
    expect(answer(await send(sent, options, 'hash'))).toBe('authenticated')
    expect(answer(await send(sent, options, 'other'))).toBe('401 binding_failed invalid_token')
    expect(answer(await send(sent, options))).toBe('401 binding_failed invalid_token')
    expect(answer(await send({ authorization: `Bearer ${twice}` }, options, 'hash'))).toBe(
      '401 binding_failed invalid_token',
    )
    expect(answer(await send(sent))).toBe('401 binding_unsupported invalid_token')
  })

  it('is read only from the Authorization header', async () => {
    const options: HttpOptions = {
      bindings: [toyDpop],
      credentials: [
        { from: 'authorization' },
        { from: 'query' },
        { from: 'header', name: 'x-token', scheme: 'Bearer' },
      ],
    }
    const request = (headers: Readonly<Record<string, string>>, target = '/'): RequestView => ({
      method: 'GET',
      target,
      header: (name) => [headers[name] ?? []].flat(),
    })
    const dpop = { authorization: `DPoP ${bound}`, dpop: 'thumb' }
    const answerTo = async (...sent: Parameters<typeof request>): Promise<string> =>
      answer(await create(options).authenticate(request(...sent)))
    expect(await answerTo(dpop)).toBe('authenticated')
    expect(await answerTo(dpop, `/?access_token=${bound}`)).toBe('400 credential_repeated invalid_request')
    expect(await answerTo({ 'x-token': `DPoP ${bound}`, dpop: 'thumb' })).toBe('401 credential_scheme')
  })

  it.each<readonly [string, Partial<Binding>, RegExp]>([
    ['an invalid scheme name', { scheme: 'D PoP' }, /"bindings" must be an object .*with a "scheme" such as/],
    [
      'a parameter that would escape its quotes',
      { challenge: { algs: 'a"b' } },
      /"bindings" must be an object .*a "challenge" such as/,
    ],
    ['a reserved parameter', { challenge: { error: 'x' } }, /"bindings" must be an object .*a "challenge" such as/],
    [
      'a parameter twice',
      { challenge: { algs: 'a', ALGS: 'b' } },
      /"bindings" must be an object .*a "challenge" such as/,
    ],
    [
      'no member of cnf',
      { confirmation: undefined as never },
      /"bindings" must be an object \{ confirmation, confirm \}/,
    ],
    ['no confirm', { confirm: undefined as never }, /"bindings" must be an object \{ confirmation, confirm \}/],
    ['steps that are no function', { steps: [] as never }, /"bindings" must be an object \{ confirmation, confirm \}/],
  ])('is rejected at start-up with %s', (_case, changes, message) => {
    expect(() => create({ bindings: [{ ...toyDpop, ...changes }] })).toThrow(message)
  })
})

describe('two bindings', () => {
  it('for one member of cnf are rejected at start-up', () => {
    expect(() => create({ bindings: [toyDpop, { ...toyMtls, confirmation: 'jkt' }] })).toThrow(
      /"bindings" has two for the same member of cnf, found "jkt"/,
    )
  })

  it('with one scheme in different cases have one challenge, spelled as the first', async () => {
    const other: Binding = { ...toyMtls, scheme: 'dPoP', challenge: { certificate: 'required', mode: 'strict' } }
    const outcome = await send({}, { bindings: [toyDpop, other] })
    expect(outcome).toMatchObject({
      response: {
        headers: {
          'www-authenticate':
            'Bearer realm="api", DPoP realm="api", algs="ES256", certificate="required", mode="strict"',
        },
      },
    })
    const sent = { authorization: `dpop ${twice}`, dpop: 'thumb' }
    expect(await send(sent, { bindings: [toyDpop, other] }, 'hash')).toMatchObject({ scheme: 'DPoP' })
  })

  it('share the challenge of Bearer, in whatever case they name it', async () => {
    const bindings = [{ ...toyMtls, scheme: 'bearer', challenge: { certificate: 'required' } }]
    expect(await send({ authorization: `Bearer ${certified}` }, { bindings }, 'hash')).toMatchObject({
      scheme: 'Bearer',
    })
    expect(await send({}, { bindings })).toMatchObject({
      response: { headers: { 'www-authenticate': 'Bearer realm="api", certificate="required"' } },
    })
  })
})

describe('the log of a refusal says', () => {
  const bindings = [toyDpop, toyMtls]
  interface Said {
    readonly code: string
    readonly hint?: string
    readonly expected?: unknown
    readonly actual?: unknown
  }
  const UNBOUND = 'The token is sender-constrained; accepting it as a bearer token would undo that'
  it.each<readonly [string, string, HttpOptions, Said]>([
    [
      'that no binding is configured',
      `Bearer ${bound}`,
      {},
      { code: 'binding_unsupported', expected: 'no "cnf" claim', actual: ['jkt'], hint: UNBOUND },
    ],
    [
      'which bindings are configured',
      `Bearer ${certified}`,
      { bindings: [toyDpop] },
      { code: 'binding_unsupported', expected: ['jkt'], actual: ['x5t#S256'], hint: UNBOUND },
    ],
    [
      'that the scheme needs a token bound to it',
      `DPoP ${certified}`,
      { bindings },
      { code: 'binding_missing', expected: 'a token for the scheme DPoP' },
    ],
    [
      'that every token must be bound',
      `Bearer ${plain}`,
      { bindings, unboundTokens: 'refuse' },
      { code: 'binding_missing', expected: 'a token with "cnf"' },
    ],
    [
      'the scheme that the token needs',
      `Bearer ${bound}`,
      { bindings },
      { code: 'binding_failed', expected: 'the scheme DPoP', actual: 'Bearer' },
    ],
    [
      'which binding could not decide',
      `DPoP ${bound}`,
      { bindings: [{ ...toyDpop, confirm: () => Promise.reject(new Error('store down')) }] },
      { code: 'check_unavailable', actual: 'the binding jkt' },
    ],
  ])('%s', async (_case, authorization, options, { code, hint, ...values }) => {
    const quoted = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, JSON.stringify(value)]))
    expect(await send({ authorization, dpop: 'thumb' }, options, 'hash')).toMatchObject({
      error: { code, ...(hint !== undefined && { hint }), ...quoted },
    })
  })

  it.each([['a text'], [['jkt']], [null], [{}], [1]])('nothing of a cnf that is %j', async (cnf) => {
    expect(await send({ authorization: `Bearer ${await sign({ cnf })}` }, { bindings })).toMatchObject({
      error: { code: 'binding_unsupported', expected: '["jkt","x5t#S256"]', actual: '[]' },
    })
  })
})

describe('a binding', () => {
  it('receives the value, the token, the request and the credential', async () => {
    const seen: unknown[] = []
    const binding: Binding = { ...toyDpop, confirm: async (...given) => void seen.push(...given) }
    const request = view({ authorization: `DPoP ${bound}` })
    await create({ bindings: [binding] }).authenticate(request)
    const credential: Credential = { scheme: 'DPoP', token: bound }
    expect(seen).toEqual(['thumb', expect.objectContaining({ token: bound }), request, credential])
  })

  it('can add headers to the response, which are separate from the token', async () => {
    const authenticator = create()
    const sent = view({ authorization: `DPoP ${bound}`, dpop: 'thumb' })
    const outcome = (await authenticator.authenticate(sent)) as Authenticated
    expect(outcome.headers).toEqual({ 'dpop-nonce': 'nonce-2' })
    expect(Object.isFrozen(outcome.headers)).toBe(true)
    const other = (await create({ bindings: [{ ...toyDpop, confirm: async () => {} }] }).authenticate(
      sent,
    )) as Authenticated
    expect(other.headers).toEqual({})
    expect(JSON.stringify(outcome.token)).not.toContain('nonce')
  })

  it('exposes those headers to scripts of other origins if the challenge is exposed', async () => {
    const options = { bindings: [toyDpop], exposeChallenge: true }
    const sent = { authorization: `DPoP ${bound}` }
    expect(await send({ ...sent, dpop: 'thumb' }, options)).toMatchObject({
      headers: { 'dpop-nonce': 'nonce-2', 'access-control-expose-headers': 'dpop-nonce' },
    })
    const refusal = await send({ ...sent, dpop: 'stale' }, options)
    expect(refusal).toMatchObject({
      response: {
        headers: { 'dpop-nonce': 'nonce-1', 'access-control-expose-headers': 'WWW-Authenticate, DPoP-Nonce' },
      },
    })
  })

  it.each<readonly [string, unknown]>([
    ['throws an Error', () => Promise.reject(new Error('store down'))],
    [
      'throws synchronously',
      () => {
        throw new Error('store down')
      },
    ],
    // oxlint-disable-next-line promise/prefer-promise-reject-errors, typescript/prefer-promise-reject-errors -- applications do it
    ['rejects with undefined', () => Promise.reject(undefined)],
  ])('that %s has not decided: 503', async (_case, confirm) => {
    const binding = { ...toyDpop, confirm: confirm as Binding['confirm'] }
    const result = await send({ authorization: `DPoP ${bound}` }, { bindings: [binding] })
    expect(answer(result)).toBe('503 check_unavailable')
    expect(result).toMatchObject({ error: { cause: expect.any(Error) }, response: { headers: { 'retry-after': '1' } } })
    expect(result).not.toHaveProperty(['response', 'headers', 'www-authenticate'])
  })

  it('can have steps for explain, which the check of a request does not run', async () => {
    const steps = (): never => {
      throw new Error('not here')
    }
    expect(
      answer(await send({ authorization: `DPoP ${bound}`, dpop: 'thumb' }, { bindings: [{ ...toyDpop, steps }] })),
    ).toBe('authenticated')
  })

  it('can return an object without headers', async () => {
    const binding: Binding = { ...toyDpop, confirm: async () => ({}) }
    expect(await send({ authorization: `DPoP ${bound}` }, { bindings: [binding] })).toMatchObject({ headers: {} })
  })

  it.each<readonly [string, unknown]>([
    ['true', true],
    ['false', false],
    ['null', null],
    ['an error', new Error('no')],
    ['another member', { ok: false }],
    ['headers that are not an object', { headers: 'x' }],
    ['a header that cannot be sent', { headers: { 'x-a': 'a\r\nb' } }],
    ['a header without a name', { headers: { '': 'a' } }],
    ['a header that is not text', { headers: { 'x-a': 1 } }],
  ])('that returns %s is a bug', async (_case, given) => {
    const binding = { ...toyDpop, confirm: async () => given } as unknown as Binding
    await expect(send({ authorization: `DPoP ${bound}` }, { bindings: [binding] })).rejects.toThrow(
      expect.objectContaining({ name: 'TypeError', message: expect.stringMatching(/^A binding /) }) as Error,
    )
  })
})

describe('the headers of a binding', () => {
  it('are sent even if a later binding refuses', async () => {
    const outcome = await send(
      { authorization: `DPoP ${twice}`, dpop: 'thumb' },
      { bindings: [toyDpop, toyMtls], exposeChallenge: true },
      'other',
    )
    expect(outcome).toMatchObject({
      kind: 'refused',
      response: {
        status: 401,
        headers: { 'dpop-nonce': 'nonce-2', 'access-control-expose-headers': 'WWW-Authenticate, dpop-nonce' },
      },
    })
  })
})

describe('unboundTokens', () => {
  it('refuse: a token without cnf is refused with every scheme', async () => {
    const options: HttpOptions = { bindings: [toyDpop, toyMtls], unboundTokens: 'refuse' }
    expect(answer(await send({ authorization: `Bearer ${plain}` }, options))).toBe('401 binding_missing invalid_token')
    expect(answer(await send({ authorization: `DPoP ${plain}` }, options))).toBe('401 binding_missing invalid_token')
    expect(answer(await send({ authorization: `Bearer ${certified}` }, options, 'hash'))).toBe('authenticated')
    expect(answer(await send({ authorization: `DPoP ${bound}`, dpop: 'thumb' }, options))).toBe('authenticated')
  })

  it('accept is the default', async () => {
    expect(
      answer(await send({ authorization: `Bearer ${plain}` }, { bindings: [toyDpop], unboundTokens: 'accept' })),
    ).toBe('authenticated')
  })

  it('is rejected at start-up without a binding, with another word, or with undefined', () => {
    expect(() => create({ unboundTokens: 'refuse' })).toThrow(/with "unboundTokens", "bindings" must list at least one/)
    expect(() => create({ bindings: [toyDpop], unboundTokens: true as never })).toThrow(/"accept" or "refuse"/)
    expect(() => create({ bindings: [toyDpop], unboundTokens: undefined as never })).toThrow(/must not be undefined/)
  })
})

describe('the challenges', () => {
  const challengeOf = async (sent: Sent, options?: HttpOptions): Promise<unknown> => {
    const outcome = await send(sent, options)
    return outcome.kind === 'refused' ? outcome.response.headers['www-authenticate'] : outcome.kind
  }
  const INVALID =
    'error="invalid_token", error_description="The access token is malformed, expired, revoked or not meant for this resource"'

  it('are one for each accepted scheme', async () => {
    expect(await challengeOf({})).toBe('Bearer realm="api", DPoP realm="api", algs="ES256"')
    expect(await challengeOf({}, { bindings: [toyMtls] })).toBe('Bearer realm="api"')
  })

  it('contain the error in the scheme that was used, or in all if that is unclear', async () => {
    expect(await challengeOf({ authorization: `Bearer ${bound}` })).toBe(
      `Bearer realm="api", ${INVALID}, DPoP realm="api", algs="ES256"`,
    )
    expect(await challengeOf({ authorization: `DPoP ${plain}` })).toBe(
      `Bearer realm="api", DPoP realm="api", ${INVALID}, algs="ES256"`,
    )
    expect(await challengeOf({ authorization: 'DPoP a b' })).toMatch(
      /^Bearer realm="api", error="invalid_request".*, DPoP realm="api", error="invalid_request".*, algs="ES256"$/,
    )
  })

  it('contain the error of the binding', async () => {
    expect(await challengeOf({ authorization: `DPoP ${bound}` })).toMatch(
      /^Bearer realm="api", DPoP realm="api", error="invalid_dpop_proof", error_description="[^"]+", algs="ES256"$/,
    )
    expect(await challengeOf({ authorization: `DPoP ${bound}`, dpop: 'stale' })).toMatch(
      /DPoP .*error="use_dpop_nonce"/,
    )
  })

  it('contain the error of a requirement in the scheme of the request, also later', async () => {
    const authenticator = create()
    const sent = view({ authorization: `DPoP ${bound}`, dpop: 'thumb' })
    const expected = /^Bearer realm="api", DPoP realm="api", error="insufficient_scope".*scope="admin", algs="ES256"$/
    const first = await authenticator.authenticate(sent, scope('admin'))
    const admitted = (await authenticator.authenticate(sent)) as Authenticated
    const later = authenticator.authorize(admitted.token, scope('admin'), admitted.scheme)
    for (const outcome of [first, later])
      expect(outcome).toMatchObject({
        response: { status: 403, headers: { 'www-authenticate': expect.stringMatching(expected) } },
      })
    expect(authenticator.authorize(admitted.token, scope('admin'))).toMatchObject({
      response: {
        headers: { 'www-authenticate': expect.stringMatching(/^Bearer realm="api", error="insufficient_scope"/) },
      },
    })
  })

  it('contain the parameters of the option "challenge", with 401 and 403', async () => {
    const resource = 'https://api.example/.well-known/oauth-protected-resource'
    const options: HttpOptions = { bindings: [toyDpop], challenge: { resource_metadata: resource } }
    expect(await challengeOf({}, options)).toBe(
      `Bearer realm="api", resource_metadata="${resource}", DPoP realm="api", algs="ES256", resource_metadata="${resource}"`,
    )
    const outcome = await create(options).authenticate(view({ authorization: `Bearer ${plain}` }), scope('admin'))
    expect(outcome).toMatchObject({
      response: {
        headers: { 'www-authenticate': expect.stringContaining(`scope="admin", resource_metadata="${resource}"`) },
      },
    })
  })

  it.each([
    [{ realm: 'x' }],
    [{ Realm: 'x' }],
    [{ 'a b': 'x' }],
    [{ a: 'x"y' }],
    [{ a: '' }],
    [{ a: 1 }],
    ['x'],
    [new Map([['a', 'b']])],
  ])('are rejected at start-up with the parameters %j', (challenge) => {
    const options = { challenge } as unknown as HttpOptions
    if (challenge instanceof Map) expect(() => create(options)).toThrow(/"challenge"/)
    else expect(() => create(options)).toThrow(/"challenge" must be an object/)
  })
})
