import { beforeAll, describe, expect, it } from 'vitest'
import { createAuthenticator } from '../../../packages/core/src/authenticator/authenticator.ts'
import { claim, scope } from '../../../packages/core/src/authorization/requirements.ts'
import { AuthError } from '../../../packages/core/src/errors/auth-error.ts'
import type { Refused } from '../../../packages/core/src/http/outcome.ts'
import {
  accessClaims,
  AUDIENCE,
  clock,
  createSigningKey,
  ISSUER,
  NOW,
  type SigningKey,
} from '../../support/core/jose-tokens.ts'
import type { RequestView } from '../../../packages/core/src/model/token.ts'

let key: SigningKey
let token: string
beforeAll(async () => {
  key = await createSigningKey()
  token = await key.sign(accessClaims())
})

const create = (changes: object = {}) =>
  createAuthenticator({ issuer: ISSUER, audience: AUDIENCE, jwks: key.jwks, clock, ...changes })

const view = (authorization?: string): RequestView => ({
  method: 'GET',
  target: '/',
  header: (name) => (name === 'authorization' && authorization !== undefined ? [authorization] : []),
})

const refused = (outcome: { readonly kind: string }): Refused => {
  expect(outcome.kind).toBe('refused')
  return outcome as Refused
}

const DESCRIPTION = 'The access token is malformed, expired, revoked or not meant for this resource'

describe('an authenticator', () => {
  it('accepts a good token', async () => {
    const outcome = await create().authenticate(view(`Bearer ${token}`), scope('orders:read'))
    expect(outcome).toMatchObject({ kind: 'authenticated', token: { claims: { sub: 'ada' } } })
  })

  it('answers a request without credentials with a bare challenge', async () => {
    const { error, response } = refused(await create().authenticate(view()))
    expect(error.code).toBe('credential_missing')
    expect(response).toEqual({
      status: 401,
      headers: {
        'cache-control': 'no-store',
        'content-type': 'application/problem+json',
        'www-authenticate': 'Bearer realm="api"',
      },
      body: '{"type":"about:blank","title":"Unauthorized","status":401,"detail":"This resource needs an access token"}',
    })
  })

  it('names the scopes a request without credentials needs', async () => {
    const { response } = refused(await create({ realm: 'orders' }).authenticate(view(), scope('a', 'b')))
    expect(response.headers['www-authenticate']).toBe('Bearer realm="orders", scope="a b"')
    const basic = refused(await create().authenticate(view('Basic YTpi'), scope('a')))
    expect(basic.response.status).toBe(401)
    expect(basic.response.headers['www-authenticate']).toBe('Bearer realm="api", scope="a"')
  })

  it('answers a malformed credential with 400', async () => {
    const { response } = refused(await create().authenticate(view('Bearer  x'), scope('a')))
    expect(response.status).toBe(400)
    expect(response.headers['www-authenticate']).toBe(
      'Bearer realm="api", error="invalid_request", error_description="The request does not carry exactly one well-formed access token"',
    )
  })

  it('answers every fault of a token with the same text', async () => {
    const authenticator = create()
    const tokens = [
      'a.b.c',
      `${token}AA`,
      await key.sign(accessClaims({ exp: NOW - 100 })),
      await key.sign(accessClaims({ aud: 'evil", error="x' })),
      await key.sign(accessClaims(), { kid: 'evil"' }),
    ]
    const answers = new Set<string>()
    for (const bad of tokens)
      answers.add(JSON.stringify(refused(await authenticator.authenticate(view(`Bearer ${bad}`))).response))
    expect([...answers]).toHaveLength(1)
    const { status, headers, body } = refused(
      await authenticator.authenticate(view('Bearer a.b.c'), scope('a')),
    ).response
    expect(status).toBe(401)
    expect(headers['www-authenticate']).toBe(
      `Bearer realm="api", error="invalid_token", error_description="${DESCRIPTION}"`,
    )
    expect(JSON.parse(body)).toEqual({
      type: 'about:blank',
      title: 'Unauthorized',
      status: 401,
      detail: DESCRIPTION,
      error: 'invalid_token',
    })
  })

  it('answers an unmet requirement with 403 and every scope it needs', async () => {
    const { error, response } = refused(
      await create().authenticate(view(`Bearer ${token}`), scope('orders:read', 'orders:write')),
    )
    expect(error.code).toBe('insufficient_scope')
    expect(response.status).toBe(403)
    expect(response.headers['www-authenticate']).toBe(
      'Bearer realm="api", error="insufficient_scope", error_description="The access token does not grant what this request needs", scope="orders:read orders:write"',
    )
    const role = refused(await create().authenticate(view(`Bearer ${token}`), claim('role', 'admin')))
    expect(role.response.status).toBe(403)
    expect(role.response.headers['www-authenticate']).not.toContain('scope="')
  })

  it('answers 503 with Retry-After and no challenge if it cannot decide', async () => {
    const keys = { resolve: () => Promise.reject(new AuthError('keys_unavailable', { retryAfter: 2.3 })) }
    const { response } = refused(await create({ jwks: undefined, keys }).authenticate(view(`Bearer ${token}`)))
    expect(response.status).toBe(503)
    expect(response.headers).toEqual({
      'cache-control': 'no-store',
      'content-type': 'application/problem+json',
      'retry-after': '3',
    })
    expect(response.body).not.toContain('invalid_token')
  })

  it('accepts anonymous requests only if configured, and never with a requirement or with bad credentials', async () => {
    const authenticator = create({ optional: true })
    expect(await authenticator.authenticate(view())).toEqual({ kind: 'anonymous' })
    expect(refused(await authenticator.authenticate(view(), scope('a'))).response.status).toBe(401)
    expect(refused(await authenticator.authenticate(view('Bearer a.b.c'))).response.status).toBe(401)
    for (const credential of ['Basic', 'Digest a="b", c="d"', 'DPoP a.b.c', 'Token eyJhbGciOi', token, 'a.b Bearer'])
      expect(refused(await authenticator.authenticate(view(credential))).response).toMatchObject({
        status: 401,
        headers: { 'www-authenticate': 'Bearer realm="api"' },
      })
    expect(refused(await authenticator.authenticate(view('Bearer'))).response.status).toBe(400)
  })

  it('treats a credential of another scheme, or an empty one, as missing', async () => {
    const authenticator = create({ optional: true })
    for (const credential of ['', 'Basic YTpi', 'Negotiate YII=', 'Token token="abc"']) {
      expect(await authenticator.authenticate(view(credential))).toEqual({ kind: 'anonymous' })
      for (const strict of [create(), authenticator]) {
        const { response } = refused(await strict.authenticate(view(credential), scope('a')))
        expect([response.status, response.headers['www-authenticate']]).toEqual([401, 'Bearer realm="api", scope="a"'])
      }
    }
    expect(refused(await create().authenticate(view('Basic YTpi'))).error.code).toBe('credential_scheme')
  })

  it('uses the token of another place if the Authorization header has another scheme', async () => {
    const credentials = [{ from: 'authorization' }, { from: 'cookie', name: 'jwt' }]
    const request = (authorization: string, cookie: string): RequestView => ({
      ...view(),
      header: (name) => (name === 'cookie' ? [`jwt=${cookie}`] : name === 'authorization' ? [authorization] : []),
    })
    for (const optional of [true, false]) {
      const authenticator = create({ optional, credentials })
      expect(await authenticator.authenticate(request('Basic YTpi', token))).toHaveProperty('kind', 'authenticated')
      expect(refused(await authenticator.authenticate(request('Basic YTpi', 'a.b.c'))).error.status).toBe(401)
      expect(refused(await authenticator.authenticate(request('DPoP a.b.c', token))).error.status).toBe(400)
      expect(refused(await authenticator.authenticate(request('Bearer a.b.c', token))).error.status).toBe(400)
    }
  })

  it('quotes no part of a credential in its messages except well-known schemes', async () => {
    for (const credential of [`${token} Bearer`, 'opaque-secret Bearer', 'opaque-secret', 'opaque-secret x y', token]) {
      const { error } = refused(await create().authenticate(view(credential)))
      expect([error.code, error.message]).toEqual([
        'credential_scheme',
        'The request uses an authentication scheme that is not supported here: expected "Bearer", found "an unknown scheme, ' +
          'a token without a scheme, or a scheme without a token". Send "Authorization: Bearer <token>"',
      ])
    }
    expect(refused(await create().authenticate(view('dpop abc'))).error.actual).toBe('"DPoP"')
  })

  it('checks further requirements later', async () => {
    const authenticator = create({ realm: 'orders' })
    const outcome = await authenticator.authenticate(view(`Bearer ${token}`))
    const verified = outcome.kind === 'authenticated' ? outcome.token : undefined
    expect(authenticator.authorize(verified, scope('profile'))).toMatchObject({ kind: 'authenticated' })
    expect(refused(await authenticator.authorize(verified, scope('x'))).response.headers['www-authenticate']).toMatch(
      /^Bearer realm="orders", error="insufficient_scope".*scope="x"$/,
    )
    expect(refused(await authenticator.authorize(undefined, scope('x'))).response.headers['www-authenticate']).toBe(
      'Bearer realm="orders", scope="x"',
    )
  })

  it('exposes the challenge to other origins if configured', async () => {
    const { headers } = refused(await create({ exposeChallenge: true }).authenticate(view())).response
    expect(headers['access-control-expose-headers']).toBe('WWW-Authenticate')
  })

  it("sends the application's body, and treats an error in it as a bug", async () => {
    const refusalBody = ({ status, code }: AuthError) => ({ contentType: 'text/plain', body: `${status} ${code}` })
    const { response } = refused(await create({ refusalBody }).authenticate(view()))
    expect(response).toMatchObject({ headers: { 'content-type': 'text/plain' }, body: '401 credential_missing' })
    const throwing = create({
      refusalBody: () => {
        throw new Error('bug')
      },
    })
    await expect(throwing.authenticate(view())).rejects.toThrow('bug')
  })

  it('rethrows errors that are not refusals, so that nothing fails open', async () => {
    const bug = Promise.reject(new RangeError('bug'))
    bug.catch(() => {})
    const keys = { resolve: () => bug }
    await expect(create({ jwks: undefined, keys }).authenticate(view(`Bearer ${token}`))).rejects.toThrow(RangeError)
    const requirement = {
      description: 'x',
      scopes: [],
      isMet: () => {
        throw new RangeError('bug')
      },
    }
    await expect(create().authenticate(view(`Bearer ${token}`), requirement)).rejects.toThrow(RangeError)
    expect(() => create().authorize({} as never, requirement)).toThrow(RangeError)
  })

  it('requires a binding for every member of cnf, otherwise refuses', async () => {
    const bound = await key.sign(accessClaims({ cnf: { jkt: 'thumb', other: 1 } }))
    const simple = await key.sign(accessClaims({ cnf: { jkt: 'thumb' } }))
    const confirmed: unknown[] = []
    const binding = {
      confirmation: 'jkt',
      confirm: async (value: unknown, _: unknown, { target }: RequestView) => {
        confirmed.push(value, target)
        if (value !== 'thumb') throw new AuthError('binding_failed')
      },
    }
    const authenticator = create({ bindings: [binding] })
    expect((await authenticator.authenticate(view(`Bearer ${simple}`))).kind).toBe('authenticated')
    expect(confirmed).toEqual(['thumb', '/'])
    expect(refused(await authenticator.authenticate(view(`Bearer ${bound}`))).error.code).toBe('binding_unsupported')
    expect(refused(await create().authenticate(view(`Bearer ${simple}`))).error.code).toBe('binding_unsupported')
    const wrong = await key.sign(accessClaims({ cnf: { jkt: 'x' } }))
    expect(refused(await authenticator.authenticate(view(`Bearer ${wrong}`))).error.code).toBe('binding_failed')
  })

  it('treats a result of a binding, or an invalid body, as a bug', async () => {
    const bound = await key.sign(accessClaims({ cnf: { jkt: 'x' } }))
    const binding = { confirmation: 'jkt', confirm: (async () => false) as unknown as () => Promise<void> }
    await expect(create({ bindings: [binding] }).authenticate(view(`Bearer ${bound}`))).rejects.toThrow(
      /answers with nothing/,
    )
    for (const body of [undefined, 'text', { contentType: 'x' }, Promise.reject(new Error('late'))])
      await expect(create({ refusalBody: () => body }).authenticate(view())).rejects.toThrow(
        /must return \{ contentType, body \}/,
      )
  })

  it('drops invalid scopes from a challenge', async () => {
    const checks = [
      {
        name: 'x',
        check: () =>
          Promise.reject(new AuthError('insufficient_scope', { scopes: ['a', 'b", error="x', 'c\r\nd', 'e f'] })),
      },
    ]
    const { response } = refused(await create({ checks }).authenticate(view(`Bearer ${token}`)))
    expect(response.headers['www-authenticate']).toMatch(/, scope="a"$/)
    const later = new AuthError('keys_unavailable', { retryAfter: Number.NaN })
    expect(later.retryAfter).toBe(1)
  })
})
