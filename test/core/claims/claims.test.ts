import { anyScope, claim, createAuthenticator, createVerifier, scope, type VerifierOptions } from '@claimgate/core'
import { createTestKeys, startFaultyJwksServer } from '@claimgate/testing'
import { describe, expect, it } from 'vitest'

import {
  accessClaims,
  answerTo,
  AUDIENCE,
  bearer,
  describeOutcome,
  ISSUER,
  NOW,
  optionsWith,
  refusalOf,
  refused,
  VERIFIED,
  type Answer,
} from '../../support/core/refusal.ts'

const key = await createTestKeys('ES256', { kid: 'key-1' })
const with_ = (changes: object = {}): VerifierOptions => optionsWith({ jwks: { keys: [key.publicJwk] }, ...changes })

const judge = async (claims: object, changes: object = {}, header: object = {}): Promise<Answer> =>
  answerTo(await key.sign(accessClaims(claims as Record<string, unknown>), header), with_(changes))

describe('17. exp is required, and times are seconds within limits', () => {
  it('refuses a token without exp, whatever else it has', async () => {
    expect(await judge({ exp: undefined })).toEqual(refused('claim_missing'))
    expect(await judge({ exp: undefined }, { maxLifetime: 600, maxAge: 600 })).toEqual(refused('claim_missing'))
  })

  const wrong: readonly (readonly [string, unknown])[] = [
    ['text', String(NOW + 600)],
    ['a boolean', true],
    ['an array', [NOW + 600]],
    ['an object', {}],
    ['negative', -1],
    ['in the year 10000', 253_402_300_800],
    ['milliseconds', (NOW + 600) * 1000],
  ]
  it.each(['exp', 'nbf', 'iat'])('refuses %s that is not a number of seconds', async (name) => {
    for (const [what, value] of wrong) expect(await judge({ [name]: value }), what).toEqual(refused('claim_malformed'))
  })

  it('treats nbf of null as absent, and refuses exp and iat of null', async () => {
    expect(await judge({ nbf: null })).toEqual(VERIFIED)
    expect(await judge({ exp: null })).toEqual(refused('claim_malformed'))
    expect(await judge({ iat: null })).toEqual(refused('claim_malformed'))
  })

  it.each(['exp', 'nbf', 'iat'])('refuses %s that JSON.parse makes infinite', async (name) => {
    const { [name]: _, ...others } = accessClaims()
    for (const literal of ['1e999', '-1e999']) {
      const text = `${JSON.stringify(others).slice(0, -1)},"${name}":${literal}}`
      const token = await key.signRaw(JSON.stringify({ alg: 'ES256', kid: 'key-1' }), text)
      expect(await answerTo(token, with_())).toEqual(refused('claim_malformed'))
    }
  })

  it('says in the hint that a time is in milliseconds', async () => {
    const hintOf = async (exp: number) => (await refusalOf(await key.sign(accessClaims({ exp })), with_())).hint
    for (const exp of [NOW * 1000, (NOW + 600) * 1000, (NOW + 2_000_000_000) * 1000, 253_402_300_800])
      expect(await hintOf(exp)).toBe('exp is in milliseconds: the issuer must divide it by 1000')
    for (const exp of [NOW * 1_000_000, 1e16, Number.MAX_VALUE]) expect(await hintOf(exp)).toBeUndefined()
  })

  it('accepts the last second of the year 9999, and fractions', async () => {
    expect(await judge({ exp: 253_402_300_799 })).toEqual(VERIFIED)
    expect(await judge({ exp: 100_000_000_000 })).toEqual(VERIFIED)
    expect(await judge({ iat: 253_402_300_799 })).toEqual(refused('token_issued_in_future'))
    expect(await judge({ nbf: 253_402_300_799 })).toEqual(refused('token_not_yet_valid'))
    expect(await judge({ exp: NOW + 0.5, nbf: NOW - 0.5, iat: 0 })).toEqual(VERIFIED)
  })

  it.each([0, 5, 300])('applies a tolerance of %i s, to the second', async (clockTolerance) => {
    const changes = { clockTolerance }
    expect(await judge({ exp: NOW - clockTolerance + 1 }, changes)).toEqual(VERIFIED)
    expect(await judge({ exp: NOW - clockTolerance }, changes)).toEqual(refused('token_expired'))
    expect(await judge({ nbf: NOW + clockTolerance }, changes)).toEqual(VERIFIED)
    expect(await judge({ nbf: NOW + clockTolerance + 1 }, changes)).toEqual(refused('token_not_yet_valid'))
    const ahead = Math.max(60, clockTolerance)
    expect(await judge({ iat: NOW + ahead }, changes)).toEqual(VERIFIED)
    expect(await judge({ iat: NOW + ahead + 1 }, changes)).toEqual(refused('token_issued_in_future'))
  })

  it('accepts a token of a clock that is 10 s ahead by default, also with maxAge and maxLifetime', async () => {
    for (const changes of [{}, { maxAge: 600 }, { maxLifetime: 600 }])
      expect(await judge({ iat: NOW + 10 }, changes)).toEqual(VERIFIED)
    expect(await judge({ iat: NOW + 60 })).toEqual(VERIFIED)
    expect(await judge({ iat: NOW + 61 })).toEqual(refused('token_issued_in_future'))
    expect(await judge({ nbf: NOW + 10 })).toEqual(refused('token_not_yet_valid'))
  })

  it('tolerates 5 s by default', async () => {
    expect(await judge({ exp: NOW - 4 })).toEqual(VERIFIED)
    expect(await judge({ exp: NOW - 5 })).toEqual(refused('token_expired'))
  })

  it.each([-1, 300.1, 301, Number.NaN, Number.POSITIVE_INFINITY, '5'])(
    'rejects a tolerance of %j at start-up',
    (clockTolerance) => {
      expect(() => createVerifier(with_({ clockTolerance }))).toThrow(/"clockTolerance" must be .* from 0 to 300/)
    },
  )
})

describe('18. iss is the configured issuer, character by character', () => {
  it.each<[string, unknown]>([
    ['an extra trailing slash', `${ISSUER}/`],
    ['another letter case', ISSUER.toUpperCase()],
    ['another scheme', ISSUER.replace('https', 'http')],
    ['another host', 'https://attacker.example'],
    ['userinfo', ISSUER.replace('://', '://x@')],
    ['a suffix', `${ISSUER}:443`],
    ['a suffix', `${ISSUER}.attacker.example`],
    ['less', ISSUER.slice(0, -1)],
    ['white space', ` ${ISSUER}`],
    ['a percent escape', ISSUER.replace('.', '%2e')],
    ['an array', [ISSUER]],
    ['an object', { iss: ISSUER }],
    ['null', null],
    ['a number', 1],
    ['an empty string', ''],
  ])('refuses %s', async (_, iss) => {
    expect(await judge({ iss })).toEqual(refused('issuer_mismatch'))
    const issuers = [{ issuer: ISSUER, audience: AUDIENCE, jwks: { keys: [key.publicJwk] } }]
    const many = with_({ issuers, issuer: undefined, audience: undefined, jwks: undefined })
    expect(await answerTo(await key.sign(accessClaims({ iss })), many)).toEqual(refused('issuer_unknown'))
  })

  it('refuses a token without iss', async () => {
    expect(await judge({ iss: undefined })).toEqual(refused('issuer_missing'))
  })

  it('accepts an issuer with a slash only in that form', async () => {
    expect(await judge({ iss: `${ISSUER}/` }, { issuer: `${ISSUER}/` })).toEqual(VERIFIED)
    expect(await judge({ iss: ISSUER }, { issuer: `${ISSUER}/` })).toEqual(refused('issuer_mismatch'))
  })

  it.each([
    ['a trailing slash', `${ISSUER}/`],
    ['case', ISSUER.replace('issuer', 'Issuer')],
    ['the scheme', ISSUER.replace('https', 'http')],
  ])('says in the hint if the difference is only %s', async (what, iss) => {
    expect((await refusalOf(await key.sign(accessClaims({ iss })), with_())).hint).toContain(`only by ${what}`)
  })

  it('has no such hint for another issuer', async () => {
    const error = await refusalOf(await key.sign(accessClaims({ iss: 'https://attacker.example' })), with_())
    expect(error.hint).toBeUndefined()
  })
})

describe('19. aud contains this API, and every configured claim is required', () => {
  it.each<[string, unknown, Answer]>([
    ['the name', AUDIENCE, VERIFIED],
    ['the name in a list', ['a', AUDIENCE], VERIFIED],
    ['absent', undefined, refused('audience_missing')],
    ['another name', 'https://other.example', refused('audience_mismatch')],
    ['other names', ['https://other.example'], refused('audience_mismatch')],
    ['no names', [], refused('audience_mismatch')],
    ['an empty string', '', refused('audience_mismatch')],
    ['a name with this prefix', `${AUDIENCE}.attacker.example`, refused('audience_mismatch')],
    ['a prefix of it', AUDIENCE.slice(0, -1), refused('audience_mismatch')],
    ['an extra trailing slash', `${AUDIENCE}/`, refused('audience_mismatch')],
    ['another letter case', AUDIENCE.toUpperCase(), refused('audience_mismatch')],
    ['two names in one string', `${AUDIENCE} other`, refused('audience_mismatch')],
    ['null', null, refused('claim_malformed')],
    ['a number', 1, refused('claim_malformed')],
    ['an object', { [AUDIENCE]: true }, refused('claim_malformed')],
    ['an object like an array', { 0: AUDIENCE, length: 1 }, refused('claim_malformed')],
    ['an array in an array', [[AUDIENCE]], refused('claim_malformed')],
    ['a number next to it', [AUDIENCE, 1], refused('claim_malformed')],
  ])('judges %s', async (_, aud, answer) => {
    expect(await judge({ aud })).toEqual(answer)
  })

  it('accepts 128 audiences and no more', async () => {
    const of = (count: number) => [...Array.from({ length: count - 1 }, (_, n) => `a${n}`), AUDIENCE]
    expect(await judge({ aud: of(128) })).toEqual(VERIFIED)
    expect(await judge({ aud: of(129) })).toEqual(refused('claim_too_long'))
  })

  it.each<[string, object, object]>([
    ['a client', { clientId: 'shop' }, { client_id: undefined }],
    ['a claim by name', { requiredClaims: ['tenant'] }, {}],
    ['a claim by name, null', { requiredClaims: ['tenant'] }, { tenant: null }],
    ['a claim by value', { requiredClaims: { tenant: 'a' } }, {}],
    ['a claim by predicate', { requiredClaims: { tenant: () => true } }, {}],
    ['a claim with the name of an inherited member', { requiredClaims: ['toString'] }, {}],
    ['an age', { maxAge: 600 }, { iat: undefined }],
    ['a lifetime', { maxLifetime: 900 }, { iat: undefined }],
    ...['sub', 'client_id', 'iat', 'jti'].map((name): [string, object, object] => [
      `${name} by profile`,
      { profile: 'rfc9068' },
      { [name]: undefined },
    ]),
  ])('requires configured claims: %s', async (_, changes, claims) => {
    expect(await judge(claims, changes)).toEqual(refused('claim_missing'))
  })

  it.each<[string, object, object]>([
    ['a client', { clientId: 'other' }, {}],
    ['a claim by value', { requiredClaims: { sub: 'eve' } }, {}],
    ['a claim of another type', { requiredClaims: { tenant: '1' } }, { tenant: 1 }],
    ['a claim by predicate', { requiredClaims: { sub: () => false } }, {}],
  ])('refuses a value other than the configured one: %s', async (_, changes, claims) => {
    expect(await judge(claims, changes)).toEqual(refused('claim_mismatch'))
  })

  const NULLS = ['sub', 'azp', 'client_id', 'nbf', 'scope', 'nonce']
  it.each(NULLS)('treats %s of null as absent, and returns it as signed', async (name) => {
    const token = await key.sign(accessClaims({ [name]: null }))
    const { claims } = await createVerifier(with_()).verify(token)
    expect(claims[name]).toBeNull()
    expect(await judge({ [name]: null }, { requiredClaims: [name] })).toEqual(refused('claim_missing'))
    expect(await judge({ [name]: null }, { requiredClaims: { [name]: () => true } })).toEqual(refused('claim_missing'))
    expect(
      claim(name, () => true).isMet({ claims, header: { alg: '' }, token: '', scopes: new Set() }, { now: 0 }),
    ).toBe(false)
  })

  it.each<[string, ReturnType<typeof refused>]>([
    ['exp', refused('claim_malformed')],
    ['iat', refused('claim_malformed')],
    ['jti', refused('claim_malformed')],
    ['aud', refused('claim_malformed')],
    ['iss', refused('issuer_mismatch')],
    ['events', refused('token_type')],
    ['at_hash', refused('token_type')],
    ['c_hash', refused('token_type')],
    ['scp', refused('claim_malformed')],
    ['cnf', refused('binding_unsupported')],
  ])('treats null as a value in %s', async (name, answer) => {
    expect(await judge({ [name]: null })).toEqual(answer)
  })

  it('reads the client from the first present claim, and null is absent', async () => {
    const shop = { clientId: 'shop' }
    expect(await judge({ client_id: null, azp: 'shop' }, shop)).toEqual(VERIFIED)
    expect(await judge({ client_id: 'other', azp: 'shop' }, shop)).toEqual(refused('claim_mismatch'))
    expect(await judge({ client_id: null, azp: null }, shop)).toEqual(refused('claim_missing'))
    expect(await judge({ client_id: undefined, cid: 'shop' }, shop)).toEqual(refused('claim_missing'))
    const named = { ...shop, clientClaims: ['cid', ['act', 'client'], 'appid'] }
    expect(await judge({ client_id: undefined, cid: 'shop' }, named)).toEqual(VERIFIED)
    expect(await judge({ appid: 'shop' }, named)).toEqual(VERIFIED)
    expect(await judge({ act: { client: 'shop' }, appid: 'other' }, named)).toEqual(VERIFIED)
    expect(await judge({ act: { client: 'other' }, appid: 'shop' }, named)).toEqual(refused('claim_mismatch'))
    expect(await judge({ cid: ['shop'] }, named)).toEqual(refused('claim_malformed'))
    expect(await judge({ cid: 1 }, named)).toEqual(refused('claim_malformed'))
    expect(await judge({}, named)).toEqual(refused('claim_missing'))
  })

  it.each([
    [{ cid: 'shop' }, { clientId: 'shop' }, 'This issuer names the client in "cid": add it to "clientClaims"'],
    [{ appid: 'shop' }, { clientId: 'shop' }, 'This issuer names the client in "appid": add it to "clientClaims"'],
    [
      { azp: 'shop' },
      { clientId: 'shop', clientClaims: ['cid'] },
      'This issuer names the client in "azp": add it to "clientClaims"',
    ],
    [{ cid: 'shop' }, { profile: 'rfc9068' }, 'This issuer names the client in "cid"'],
    [{ cid: 'shop' }, { requiredClaims: ['client_id'] }, 'This issuer names the client in "cid"'],
    [{}, { clientId: 'shop' }, undefined],
  ])('says where a token %j has its client instead', async (claims, changes, hint) => {
    const token = await key.sign(accessClaims({ client_id: undefined, ...claims }))
    expect(await refusalOf(token, with_(changes))).toMatchObject({ code: 'claim_missing', hint })
  })

  it('requires nested claims, and those of claim(), as own members only', async () => {
    const roles = { realm_access: { roles: ['admin', 'user'] } }
    const required = (...requiredClaims: readonly unknown[]): object => ({ requiredClaims })
    const admin = required('sub', claim(['realm_access', 'roles'], ['admin', 'root']))
    expect(await judge(roles, admin)).toEqual(VERIFIED)
    expect(await judge({ realm_access: { roles: 'user' } }, admin)).toEqual(refused('claim_mismatch'))
    for (const realm of [undefined, null, 'roles', ['roles'], {}, { roles: null }])
      expect(await judge({ realm_access: realm }, admin), JSON.stringify(realm)).toEqual(refused('claim_missing'))
    expect(await judge({ ...roles, sub: undefined }, admin)).toEqual(refused('claim_missing'))
    expect(await judge(roles, required(['realm_access', 'roles']))).toEqual(VERIFIED)
    expect(await judge(roles, required('realm_access.roles'))).toEqual(refused('claim_missing'))
    expect(await judge({ 'realm_access.roles': 'admin' }, required('realm_access.roles'))).toEqual(VERIFIED)
    expect(await judge({ 'realm_access.roles': 'admin' }, admin)).toEqual(refused('claim_missing'))
    expect(await judge({ level: 3 }, required(claim('level', (value) => value === 3)))).toEqual(VERIFIED)
    expect(await judge({ level: 2 }, required(claim('level', (value) => value === 3)))).toEqual(
      refused('claim_mismatch'),
    )
    for (const inherited of [
      ['realm_access', 'toString'],
      ['constructor', 'name'],
      ['sub', 'length'],
      ['aud', '0'],
    ])
      expect(await judge({ ...roles, aud: [AUDIENCE] }, required(inherited))).toEqual(refused('claim_missing'))
  })

  it('needs an audience or an explicit null, and likewise an issuer', () => {
    expect(() => createVerifier(with_({ audience: undefined }))).toThrow('"audience" must be')
    expect(() => createVerifier(with_({ audience: [] }))).toThrow('"audience" must be')
    expect(() => createVerifier(with_({ issuer: undefined }))).toThrow('"issuer" must be')
    expect(() => createVerifier(with_({ issuer: '' }))).toThrow('"issuer" must be')
  })
})

describe('20. Values are compared as text; users write no regular expressions', () => {
  it.each<[string, object]>([
    ['issuer', { issuer: /issuer/ }],
    ['audience', { audience: /api/ }],
    ['audience, in a list', { audience: [/api/] }],
    ['clientId', { clientId: /shop/ }],
    ['a required claim', { requiredClaims: { sub: /ada/ } }],
    ['a required claim, in a list', { requiredClaims: { sub: ['x', /ada/] } }],
    ['the name of a required claim', { requiredClaims: [/sub/] }],
    ['tokenTypes', { tokenTypes: [/jwt/] }],
    ['a scope that implies others', { scopeHierarchy: { a: /b/ } }],
  ])('rejects one as %s at start-up', (_, changes) => {
    expect(() => createVerifier(with_(changes))).toThrow(TypeError)
  })

  it('rejects one as a requirement', () => {
    expect(() => claim('sub', /ada/ as unknown as string)).toThrow(TypeError)
    expect(() => scope(/read/ as unknown as string)).toThrow(TypeError)
    expect(() => anyScope('read', /write/ as unknown as string)).toThrow(TypeError)
  })

  it('treats a text that looks like one as plain text', async () => {
    expect(await judge({}, { issuer: 'https://.*' })).toEqual(refused('issuer_mismatch'))
    expect(await judge({}, { audience: '.*' })).toEqual(refused('audience_mismatch'))
    expect(await judge({}, { audience: '*' })).toEqual(refused('audience_mismatch'))
    expect(await judge({}, { requiredClaims: { sub: '.*' } })).toEqual(refused('claim_mismatch'))
  })

  it('accepts a predicate, which must return a boolean synchronously', async () => {
    expect(await judge({}, { requiredClaims: { sub: (value: unknown) => value === 'ada' } })).toEqual(VERIFIED)
    for (const predicate of [async () => true, () => 'yes', () => 1, () => undefined])
      await expect(judge({}, { requiredClaims: { sub: predicate } })).rejects.toThrow('must return true or false')
  })
})

describe('21. Another kind of token is not an access token', () => {
  it.each<[string, unknown]>([
    ['a DPoP proof', 'dpop+jwt'],
    ['a logout token', 'logout+jwt'],
    ['a security event token', 'secevent+jwt'],
    ['a logout token by its full media type', 'application/logout+jwt'],
    ['a DPoP proof in upper case', 'DPOP+JWT'],
    ['an introspection response', 'token-introspection+jwt'],
    ['anything else', 'made-up'],
    ['an empty string', ''],
  ])('refuses typ of %s', async (_, typ) => {
    expect(await judge({}, {}, { typ })).toEqual(refused('token_type'))
  })

  it.each([1, null, ['at+jwt'], { typ: 'at+jwt' }])('refuses typ %j', async (typ) => {
    expect(await judge({}, {}, { typ })).toEqual(refused('header_malformed'))
  })

  it.each([undefined, 'JWT', 'jwt', 'at+jwt', 'AT+JWT', 'application/at+jwt', 'Application/At+Jwt'])(
    'accepts typ %j',
    async (typ) => {
      expect(await judge({}, {}, { typ })).toEqual(VERIFIED)
    },
  )

  it('refuses events, whatever they contain and whatever typ is', async () => {
    const events = { 'http://schemas.openid.net/event/backchannel-logout': {} }
    for (const value of [events, {}, null]) {
      expect(await judge({ events: value })).toEqual(refused('token_type'))
      expect(await judge({ events: value }, { idTokens: 'accept' }, { typ: 'JWT' })).toEqual(refused('token_type'))
    }
  })

  it.each(['nonce', 'at_hash', 'c_hash'])('refuses the ID token claim %s, unless configured', async (mark) => {
    for (const value of ['x', null]) {
      for (const typ of ['JWT', 'at+jwt', undefined]) {
        const isAbsent = mark === 'nonce' && value === null
        expect(await judge({ [mark]: value }, {}, { typ })).toEqual(isAbsent ? VERIFIED : refused('token_type'))
        expect(await judge({ [mark]: value }, { idTokens: 'accept' }, { typ })).toEqual(VERIFIED)
      }
    }
  })

  it('says what to do if an access token has a nonce, but not for an ID token', async () => {
    const hintOf = async (claims: Record<string, unknown>) =>
      (await refusalOf(await key.sign(accessClaims(claims), { typ: 'JWT' }), with_())).hint
    expect(await hintOf({ nonce: 'n' })).toBe(
      'This looks like an ID token: it has a nonce. Send the access token instead. If this is the access token, because your issuer ' +
        'puts a nonce into it (Keycloak before 25, authentik), set "idTokens" to "accept"',
    )
    expect(await hintOf({ nonce: 'n', at_hash: 'h' })).toBe(
      'This is an ID token: it has an at_hash. Send the access token instead',
    )
  })

  it('rejects another value of "idTokens" at start-up', () => {
    expect(() => createVerifier(with_({ idTokens: true }))).toThrow('"idTokens" must be')
  })

  it('accepts the listed types, and no others', async () => {
    const listed = { tokenTypes: ['access+jwt'] }
    expect(await judge({}, listed, { typ: 'application/access+jwt' })).toEqual(VERIFIED)
    for (const typ of ['at+jwt', 'JWT', undefined])
      expect(await judge({}, listed, { typ })).toEqual(refused('token_type'))
  })

  it('requires typ at+jwt and every claim of RFC 9068 with the profile', async () => {
    const profile = { profile: 'rfc9068' }
    expect(await judge({}, profile)).toEqual(VERIFIED)
    expect(await judge({}, profile, { typ: 'application/at+jwt' })).toEqual(VERIFIED)
    for (const typ of ['JWT', undefined]) expect(await judge({}, profile, { typ })).toEqual(refused('token_type'))
    for (const name of ['exp', 'sub', 'client_id', 'iat', 'jti'])
      expect(await judge({ [name]: undefined }, profile), name).toEqual(refused('claim_missing'))
    const anyAudience = { ...profile, audience: null }
    expect(await judge({ aud: undefined }, anyAudience)).toEqual(refused('claim_missing'))
    expect(await judge({ iss: undefined }, { ...profile, issuer: null })).toEqual(refused('claim_missing'))
    expect(() => createVerifier(with_({ profile: 'rfc6068' }))).toThrow('"profile" must be "rfc9068"')
  })
})

describe('22. Scopes are whole words', () => {
  const outcome = async (claims: object, requirement: ReturnType<typeof scope>, changes: object = {}) => {
    const token = await key.sign(accessClaims(claims as Record<string, unknown>))
    return describeOutcome(await createAuthenticator(with_(changes)).authenticate(bearer(token), requirement))
  }
  const lacking = (needed: string): Answer => ({
    code: 'insufficient_scope',
    status: 403,
    challenge: `${refused('insufficient_scope').challenge}, scope="${needed}"`,
  })

  it.each(['readwrite', 'write read2', 'READ', 'read:all', 'aread', 'read,write', 'read;', '', '"read"'])(
    'does not find "read" in "%s"',
    async (text) => {
      for (const claims of [{ scope: text }, { scope: undefined, scp: text }, { scope: undefined, scp: [text] }]) {
        expect(await outcome(claims, scope('read'))).toEqual(lacking('read'))
        expect(await outcome(claims, anyScope('read'))).toEqual(lacking('read'))
      }
    },
  )

  it('finds words in a text and in an array, with any number of spaces between them', async () => {
    for (const claims of [{ scope: 'a  read b' }, { scope: 'read' }, { scope: undefined, scp: ['a', 'read'] }])
      expect(await outcome(claims, scope('read'))).toEqual(VERIFIED)
  })

  it('does not split a word of an array', async () => {
    expect(await outcome({ scope: undefined, scp: ['a read'] }, scope('read'))).toEqual(lacking('read'))
  })

  it('requires all of scope() and one of anyScope()', async () => {
    expect(await outcome({ scope: 'a' }, scope('a', 'b'))).toEqual(lacking('a b'))
    expect(await outcome({ scope: 'a' }, anyScope('a', 'b'))).toEqual(VERIFIED)
    expect(await outcome({ scope: undefined }, anyScope('a', 'b'))).toEqual(lacking('a b'))
  })

  it('reads permissions and roles if configured, and only then', async () => {
    const claims = { scope: undefined, permissions: ['read'], roles: 'write' }
    expect(await outcome(claims, scope('read'))).toEqual(lacking('read'))
    expect(await outcome(claims, scope('read', 'write'), { scopeSources: ['permissions', 'roles'] })).toEqual(VERIFIED)
    expect(await outcome({ scope: 'read' }, scope('read'), { scopeSources: ['permissions'] })).toEqual(lacking('read'))
  })

  it('reads them from any claim, and from a nested claim, as own members only', async () => {
    const sources = {
      scopeSources: ['scope', 'groups', ['realm_access', 'roles'], ['a', 'b', 'c'], 'realm_access.roles'],
    }
    const all = {
      scope: 's',
      groups: ['g'],
      realm_access: { roles: ['r'] },
      a: { b: { c: 'deep deeper' } },
      'realm_access.roles': 'dotted',
    }
    expect(await outcome(all, scope('s', 'g', 'r', 'deep', 'deeper', 'dotted'), sources)).toEqual(VERIFIED)
    const dotless = { scopeSources: ['realm_access.roles'] }
    expect(await outcome(all, scope('r'), dotless)).toEqual(lacking('r'))
    const places = [
      {},
      { realm_access: undefined },
      { realm_access: {} },
      { realm_access: ['r'] },
      { realm_access: 'r' },
    ]
    for (const claims of [...places, { realm_access: null }, { realm_access: { Roles: ['r'] } }])
      expect(await outcome(claims, scope('r'), sources), JSON.stringify(claims)).toEqual(lacking('r'))
    const inherited = {
      scopeSources: [
        ['constructor', 'name'],
        ['realm_access', 'constructor', 'name'],
        ['scope', 'length'],
      ],
    }
    expect(await outcome(all, scope('Object'), inherited)).toEqual(lacking('Object'))
    for (const roles of [null, 1, {}, ['a', 1], ['a\n']])
      expect(await judge({ realm_access: { roles } }, sources)).toEqual(refused('claim_malformed'))
  })

  it.each([1, {}, [1], ['a', null], [['a']]])('refuses scope %j', async (value) => {
    expect(await judge({ scope: value })).toEqual(refused('claim_malformed'))
    expect(await judge({ scp: value })).toEqual(refused('claim_malformed'))
  })

  it('treats null in "scope" as no scope, but not in another claim', async () => {
    expect(await outcome({ scope: null }, scope('read'))).toEqual(lacking('read'))
    expect(await outcome({ scope: null, scp: ['read'] }, scope('read'))).toEqual(VERIFIED)
    expect(await judge({ scp: null })).toEqual(refused('claim_malformed'))
    expect(await judge({ groups: null }, { scopeSources: ['groups'] })).toEqual(refused('claim_malformed'))
  })

  it('rejects a requirement that is not a scope', () => {
    for (const text of ['', 'a b', 'a"b', 'a\\b', 'a\n'])
      expect(() => scope(text), JSON.stringify(text)).toThrow(TypeError)
    expect(() => scope()).toThrow('at least one scope')
    expect(() => anyScope()).toThrow('at least one scope')
  })
})

const other = await createTestKeys('ES256', { kid: 'key-1', generation: 7 })

describe('23. Every issuer has its own keys, even if they share a kid', () => {
  const OTHER = 'https://other.example'

  const start = async () => {
    const servers = [
      await startFaultyJwksServer({ jwks: { keys: [key.publicJwk] } }),
      await startFaultyJwksServer({ jwks: { keys: [other.publicJwk] } }),
    ] as const
    const issuers = [
      { issuer: ISSUER, audience: AUDIENCE, jwksUri: servers[0].url },
      { issuer: OTHER, audience: 'other-api', jwksUri: servers[1].url },
    ]
    const options = (list: unknown) =>
      with_({
        issuers: list,
        issuer: undefined,
        audience: undefined,
        jwks: undefined,
        keySet: { allowLoopbackHttp: true },
      })
    const connections = () => servers.map((server) => server.stats().connections)
    const close = async () => void (await Promise.all(servers.map(async (server) => server.close())))
    return { issuers, options, connections, [Symbol.asyncDispose]: close }
  }

  it.each(['a list', 'a function'])('separates them with %s', async (kind) => {
    await using world = await start()
    const { issuers } = world
    const list = kind === 'a list' ? issuers : async (iss: string) => issuers.find(({ issuer }) => issuer === iss)
    const authenticator = createAuthenticator(world.options(list))
    const answer = async (signer: typeof key, iss: string, aud: string): Promise<Answer> =>
      describeOutcome(await authenticator.authenticate(bearer(await signer.sign(accessClaims({ iss, aud })))))

    expect(await answer(key, ISSUER, AUDIENCE)).toEqual(VERIFIED)
    expect(world.connections()).toEqual([1, 0])
    expect(await answer(other, ISSUER, AUDIENCE)).toEqual(refused('signature_invalid'))
    expect(await answer(other, OTHER, 'other-api')).toEqual(VERIFIED)
    expect(await answer(key, OTHER, 'other-api')).toEqual(refused('signature_invalid'))
    expect(await answer(key, ISSUER, 'other-api')).toEqual(refused('audience_mismatch'))
    expect(await answer(other, OTHER, AUDIENCE)).toEqual(refused('audience_mismatch'))
  })

  it.each(['a list', 'a function'])('opens no connection for an issuer that is not in %s', async (kind) => {
    await using world = await start()
    const { issuers } = world
    const list = kind === 'a list' ? issuers : async (iss: string) => issuers.find(({ issuer }) => issuer === iss)
    for (const iss of ['https://attacker.example', `${ISSUER}/`, '__proto__', 'constructor', ''])
      expect(await answerTo(await key.sign(accessClaims({ iss })), world.options(list))).toEqual(
        refused('issuer_unknown'),
      )
    expect(world.connections()).toEqual([0, 0])
  })
})
