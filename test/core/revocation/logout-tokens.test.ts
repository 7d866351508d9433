import { createVerifier } from '@claimgate/core'
import { createTestKeys, startFaultyJwksServer } from '@claimgate/testing'
import { describe, expect, it } from 'vitest'
import { encode, ISSUER, NOW, optionsWith, verdictOn } from '../../support/core/refusal.ts'
import {
  accessToken,
  CLIENT,
  createRevocationWorld,
  FORM,
  keys,
  LOGOUT_EVENT,
  logoutClaims,
  logoutToken,
} from '../../support/revocation/world.ts'

const REFUSED = { error: 'invalid_request', error_description: expect.stringContaining('logout token') }
const form = (token: string): string => new URLSearchParams({ logout_token: token }).toString()

describe('44. A logout token revokes', () => {
  it('the tokens of its session, also later ones, and no others', async () => {
    const world = createRevocationWorld()
    const mine = await accessToken()
    const later = await accessToken({ iat: NOW + 30 })
    const other = await accessToken({ sid: 'session-2' })
    expect([await world.api(mine), await world.api(later), await world.api(other)]).toEqual([200, 200, 200])
    const answer = await world.logOut(await logoutToken())
    expect([answer.status, answer.body, answer.headers.get('cache-control')]).toEqual([200, undefined, 'no-store'])
    expect([await world.api(mine), await world.api(later)]).toEqual(['token_refused', 'token_refused'])
    expect(await world.api(other)).toBe(200)
  })

  it('without "sid", all tokens issued to its subject up to its iat, and no later ones', async () => {
    const world = createRevocationWorld()
    const { status } = await world.logOut(await logoutToken({ sid: undefined }))
    const outcomes = [
      await accessToken({ sid: 'x' }),
      await accessToken({ iat: NOW + 1 }),
      await accessToken({ sub: 'bob' }),
    ]
    expect(status).toBe(200)
    expect(await Promise.all(outcomes.map(world.api))).toEqual(['token_refused', 200, 200])
  })

  it('all tokens of its subject with "revokes": "subject", because access tokens may have no sid', async () => {
    const world = createRevocationWorld({ logout: { revokes: 'subject' } })
    expect((await world.logOut(await logoutToken())).status).toBe(200)
    expect(await world.api(await accessToken({ sid: undefined }))).toBe('token_refused')
    expect(await world.logOut(await logoutToken({ sub: undefined }))).toMatchObject({ status: 400, body: REFUSED })
  })

  it.each(['LOGOUT+JWT', 'application/logout+jwt', 'Application/Logout+JWT'])('with typ %s (RFC 7515)', async (typ) => {
    const world = createRevocationWorld()
    expect((await world.logOut(await logoutToken({}, { typ }))).status).toBe(200)
  })

  it('for one of several clients', async () => {
    const world = createRevocationWorld({ logout: { clientId: ['app', CLIENT] } })
    expect((await world.logOut(await logoutToken({ aud: ['other', CLIENT] }))).status).toBe(200)
  })
})

describe('44. A logout token is refused, and revokes nothing', () => {
  const cases: readonly (readonly [name: string, claims: object, header?: object])[] = [
    ['with typ at+jwt', {}, { typ: 'at+jwt' }],
    ['with typ JWT', {}, { typ: 'JWT' }],
    ['without typ', {}, { typ: undefined }],
    ['with typ secevent+jwt', {}, { typ: 'secevent+jwt' }],
    ['without events', { events: undefined }],
    ['with events as a list', { events: [LOGOUT_EVENT] }],
    ['with events as text', { events: LOGOUT_EVENT }],
    ['with no event', { events: {} }],
    ['with another event', { events: { 'https://example.com/event': {} } }],
    ['with an event that is text', { events: { [LOGOUT_EVENT]: 'yes' } }],
    ['with an event that is null', { events: { [LOGOUT_EVENT]: null } }],
    ['with an event that is a list', { events: { [LOGOUT_EVENT]: [] } }],
    ['with nonce', { nonce: 'n' }],
    ['with a nonce of null', { nonce: null }],
    ['with at_hash', { at_hash: 'h' }],
    ['without sub and sid', { sub: undefined, sid: undefined }],
    ['with an empty sid', { sid: '' }],
    ['with a sid that is a number', { sid: 5 }],
    ['with a sid of null', { sid: null }],
    ['with an empty sub', { sid: undefined, sub: '' }],
    ['with a sub that is a list', { sid: undefined, sub: ['ada'] }],
    ['without jti', { jti: undefined }],
    ['with an empty jti', { jti: '' }],
    ['with a jti that is a number', { jti: 7 }],
    ['for another client', { aud: 'other' }],
    ['without audience', { aud: undefined }],
    ['of another issuer', { iss: 'https://other.example' }],
    ['without issuer', { iss: undefined }],
    ['without iat', { iat: undefined }],
    ['with an iat in the future', { iat: NOW + 61 }],
    ['without exp', { exp: undefined }],
    ['that has expired', { exp: NOW - 6 }],
    ['that is not yet valid', { nbf: NOW + 6 }],
    ['with cnf', { cnf: { jkt: 'x' } }],
    ['with alg none', {}, { alg: 'none' }],
    ['with an unknown kid', {}, { kid: 'other' }],
    ['with crit', {}, { crit: ['b64'], b64: true }],
  ]

  it.each(cases.map(([name, claims, header = {}]) => ({ name, claims, header })))(
    '$name',
    async ({ claims, header }) => {
      const world = createRevocationWorld()
      const answer = await world.logOut(await logoutToken({ ...claims }, header))
      expect(answer).toMatchObject({ status: 400, body: REFUSED })
      expect([answer.headers.get('content-type'), answer.headers.get('cache-control')]).toEqual([
        'application/json',
        'no-store',
      ])
      expect(await world.api(await accessToken())).toBe(200)
    },
  )

  it('with a member twice', async () => {
    const world = createRevocationWorld()
    const text = JSON.stringify(logoutClaims()).replace('{', '{"sid":"session-2",')
    const token = await keys.signRaw(JSON.stringify({ alg: 'ES256', kid: 'key-1', typ: 'logout+jwt' }), text)
    expect((await world.logOut(token)).status).toBe(400)
  })

  it('of a forged signature, and of another key', async () => {
    const world = createRevocationWorld()
    const token = await logoutToken()
    const forged = `${token.slice(0, token.lastIndexOf('.'))}.${'A'.repeat(86)}`
    const other = await createTestKeys('ES256', { kid: 'key-1', generation: 9 })
    const stolen = await other.sign(logoutClaims(), { typ: 'logout+jwt' })
    expect([(await world.logOut(forged)).status, (await world.logOut(stolen)).status]).toEqual([400, 400])
    expect(await world.api(await accessToken())).toBe(200)
  })
})

describe('44. Older providers', () => {
  it('may send another typ, if it is in "tokenTypes", and no exp, if there is a "maxAge"', async () => {
    const old = await logoutToken({ exp: undefined }, { typ: 'JWT' })
    const world = createRevocationWorld({ logout: { tokenTypes: ['logout+jwt', 'JWT'], maxAge: 300 } })
    expect((await world.logOut(old)).status).toBe(200)
    world.clock.advance(306_000)
    const late = await logoutToken({ exp: undefined, iat: NOW }, { typ: 'JWT' })
    expect((await world.logOut(late)).status).toBe(400)
    // Only a token without exp depends on it.
    expect((await world.logOut(await logoutToken({ exp: NOW + 600 }))).status).toBe(200)
  })

  it('but an access token is never a logout token, and the reverse', async () => {
    const world = createRevocationWorld({
      logout: { tokenTypes: ['logout+jwt', 'JWT', 'at+jwt'], clientId: 'https://api.example' },
    })
    for (const typ of ['at+jwt', 'JWT', 'logout+jwt'])
      expect(
        (
          await world.logOut(
            await keys.sign({ ...logoutClaims(), events: undefined, aud: 'https://api.example' }, { typ }),
          )
        ).status,
      ).toBe(400)
    for (const typ of ['logout+jwt', 'secevent+jwt', 'JWT', 'at+jwt', undefined]) {
      const token = await logoutToken({ aud: 'https://api.example' }, { typ })
      const options = optionsWith({ jwks: { keys: [keys.publicJwk] } })
      expect((await verdictOn(token, options)).code, String(typ)).toBe('token_type')
      expect((await createVerifier(options).explain(token)).code).toBe('token_type')
    }
  })
})

describe('44. A logout token is accepted once', () => {
  it('and the second time refused, by every process that shares the store', async () => {
    const first = createRevocationWorld()
    const token = await logoutToken()
    expect((await first.logOut(token)).status).toBe(200)
    const again = await first.logOut(token)
    expect(again).toMatchObject({
      status: 400,
      body: { error: 'invalid_request', error_description: 'The logout token was accepted before' },
    })
    expect((await first.logOut(await logoutToken())).status).toBe(200)
  })

  it('and logged as a repeated one', async () => {
    const lines: string[] = []
    const world = createRevocationWorld({ logout: { log: { warn: (line) => void lines.push(line) } } })
    const token = await logoutToken()
    await world.logOut(token)
    await world.logOut(token)
    expect(lines).toEqual([
      expect.stringMatching(/expected "a token that was not accepted before", found "a repeated one"/),
    ])
  })

  it('at the same moment perhaps twice, which revokes the same', async () => {
    const world = createRevocationWorld()
    const token = await logoutToken()
    const answers = await Promise.all([world.logOut(token), world.logOut(token)])
    for (const { status } of answers) expect([200, 400]).toContain(status)
    expect(await world.api(await accessToken())).toBe('token_refused')
    expect((await world.logOut(token)).status).toBe(400)
  })

  it('until it has expired', async () => {
    const world = createRevocationWorld()
    const token = await logoutToken({ exp: NOW + 120 })
    await world.logOut(token)
    for (const seconds of [60, 60, 4, 1, 300]) {
      world.clock.advance(seconds * 1000)
      expect((await world.logOut(token)).status).toBe(400)
    }
  })

  it('but a revoked access token with the same jti does not matter', async () => {
    const world = createRevocationWorld()
    await world.revoked.denyToken({ claims: { iss: ISSUER, jti: 'shared', exp: NOW + 600 } })
    expect((await world.logOut(await logoutToken({ jti: 'shared' }))).status).toBe(200)
  })
})

describe('44. The request carries exactly one logout token in a form', () => {
  const one = async (): Promise<string> => form(await logoutToken())

  it.each<[string, (body: string) => readonly [string, string?]]>([
    ['an empty body', () => ['']],
    ['another parameter', (body) => [body.replace('logout_token', 'token')]],
    ['an empty parameter', () => ['logout_token=']],
    ['the parameter twice', (body) => [`${body}&${body}`]],
    ['the parameter twice, once empty', (body) => [`${body}&logout_token=`]],
    ['a question mark before it', (body) => [`?${body}`]],
    ['JSON', (body) => [JSON.stringify({ logout_token: body.slice(13) }), 'application/json']],
    ['another content type', (body) => [body, 'text/plain']],
    ['no content type', (body) => [body, '']],
    ['more than 64 KiB', (body) => [`${body}&more=${'a'.repeat(65_536)}`]],
  ])('and %s is refused', async (_, change) => {
    const world = createRevocationWorld()
    const [body, type] = change(await one())
    const { status } = await world.form(body, type)
    expect(status).toBe(body.length > 65_536 ? 413 : 400)
    expect(await world.api(await accessToken())).toBe(200)
  })

  it('beside other parameters, and with a charset', async () => {
    const world = createRevocationWorld()
    expect((await world.form(`a=1&${await one()}&b=2`, `${FORM.toUpperCase()}; charset=UTF-8`)).status).toBe(200)
  })

  it.each(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS'])('and the method %s is refused', async (method) => {
    const response = await createRevocationWorld().receiveLogout(new Request('https://api.example/', { method }))
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST'])
  })
})

describe('44. Keys of logout tokens', () => {
  it('rotate, and if they cannot be fetched, the answer is 503', async () => {
    const next = await createTestKeys('ES256', { kid: 'key-2' })
    const server = await startFaultyJwksServer({ jwks: { keys: [keys.publicJwk] } })
    const world = createRevocationWorld({ keysAt: { jwksUri: server.url } })
    expect((await world.logOut(await logoutToken())).status).toBe(200)
    server.publish({ keys: [next.publicJwk] })
    world.clock.advance(31_000)
    const rotated = await next.sign(logoutClaims({ exp: NOW + 120 }), { typ: 'logout+jwt' })
    expect((await world.logOut(rotated)).status).toBe(200)
    await server.close()

    const cold = createRevocationWorld({ keysAt: { jwksUri: 'http://127.0.0.1:1/jwks' } })
    const answer = await cold.logOut(await logoutToken())
    expect([answer.status, answer.headers.get('retry-after'), answer.body]).toEqual([
      503,
      expect.stringMatching(/^\d+$/),
      undefined,
    ])
    expect(await cold.api(await accessToken())).toBe(200)
    // What can be refused without keys is refused.
    expect((await cold.logOut(await logoutToken({ exp: NOW - 60 }))).status).toBe(400)
  })
})

it('44. tokens are decoded strictly', async () => {
  const world = createRevocationWorld()
  const [header, , signature] = (await logoutToken()).split('.')
  const changed = `${header}.${encode(JSON.stringify(logoutClaims({ sid: 'other' })))}.${signature}`
  expect((await world.logOut(changed)).status).toBe(400)
})
