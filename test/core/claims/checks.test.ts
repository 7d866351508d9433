import type { Claims } from '@claimgate/core'
import { describe, expect, it } from 'vitest'
import { presentClaim, requiredClaim } from '../../../packages/core/src/claims/application-checks.ts'
import {
  audience,
  type ClaimCheck,
  client,
  kind,
  registeredClaims,
  tokenType,
} from '../../../packages/core/src/claims/claim-checks.ts'
import { expiry, issuedAt, lifetime, times } from '../../../packages/core/src/claims/times.ts'
import { AuthError } from '../../../packages/core/src/errors/auth-error.ts'
import { checkResult } from '../../support/core/check-result.ts'

const api = new Set(['api'])
const ID_TOKEN =
  'aud is the client ID, as in an ID token: ask the authorization server for an access token for this API'

describe('a claim check', () => {
  it.each<readonly [string, () => ClaimCheck, Claims, unknown]>([
    ['aud', () => audience(api), { aud: 'api' }, { expected: api, actual: 'api' }],
    ['aud in a list', () => audience(api), { aud: ['x', 'api'] }, { expected: api, actual: ['x', 'api'] }],
    ['no aud', () => audience(api), {}, { code: 'audience_missing', expected: '["api"]', actual: 'nothing' }],
    [
      'another aud',
      () => audience(api),
      { aud: 'xyz' },
      { code: 'audience_mismatch', expected: '["api"]', actual: '"xyz"' },
    ],
    [
      'another aud and another client',
      () => audience(api),
      { aud: 'xyz', azp: 'other' },
      { code: 'audience_mismatch', expected: '["api"]', actual: '"xyz"' },
    ],
    [
      'aud with the client of azp',
      () => audience(api),
      { aud: 'spa-1', azp: 'spa-1', client_id: 'x' },
      { code: 'audience_mismatch', expected: '["api"]', actual: '"spa-1"', hint: ID_TOKEN },
    ],
    [
      'aud with the client of client_id',
      () => audience(api),
      { aud: ['spa-1'], client_id: 'spa-1' },
      { code: 'audience_mismatch', expected: '["api"]', actual: '["spa-1"]', hint: ID_TOKEN },
    ],
    ['the client', () => client(api, ['azp']), { azp: 'api' }, { expected: api, actual: 'api' }],
    [
      'the first client',
      () => client(api, ['cid', 'azp']),
      { cid: null, azp: 'api' },
      { expected: api, actual: 'api' },
    ],
    [
      'another client',
      () => client(api, ['azp']),
      { azp: 'x', client_id: 'api' },
      { code: 'claim_mismatch', expected: '["api"]', actual: '"x"', hint: '"azp" names the client' },
    ],
    [
      'another client in one of two claims',
      () => client(api, ['cid', 'azp']),
      { cid: 'x', azp: 'api' },
      { code: 'claim_mismatch', expected: '["api"]', actual: '"x"' },
    ],
    [
      'a client that is a list',
      () => client(api, ['azp']),
      { azp: ['api'] as never },
      { code: 'claim_malformed', expected: '"client: a string"', actual: '"an array"' },
    ],
    [
      'no client',
      () => client(api, ['cid', ['a', 'b']]),
      {},
      { code: 'claim_missing', expected: '"cid or a.b"', actual: 'nothing' },
    ],
    [
      'a client in another claim',
      () => client(api, ['cid']),
      { appid: 'api' },
      {
        code: 'claim_missing',
        expected: '"cid"',
        actual: 'nothing',
        hint: 'This issuer names the client in "appid": add it to "clientClaims"',
      },
    ],
    ['a claim', () => presentClaim(['a', 'b']), { a: { b: 0 } }, { expected: 'present', actual: 'present' }],
    [
      'a claim of null',
      () => presentClaim(['a', 'b']),
      { a: { b: null } },
      { code: 'claim_missing', expected: '"a.b"', actual: 'nothing' },
    ],
    [
      'the client in another claim',
      () => presentClaim('client_id'),
      { azp: 'x' },
      {
        code: 'claim_missing',
        expected: '"client_id"',
        actual: 'nothing',
        hint: 'This issuer names the client in "azp"',
      },
    ],
    [
      'another claim',
      () => presentClaim('x'),
      { azp: 'x' },
      { code: 'claim_missing', expected: '"x"', actual: 'nothing' },
    ],
    ['a value', () => requiredClaim('a', [1, 2]), { a: 2 }, { expected: [1, 2], actual: 2 }],
    [
      'another value',
      () => requiredClaim(['a', 'b'], 1),
      { a: { b: 2 } },
      { code: 'claim_mismatch', expected: '1', actual: '2', hint: 'The claim is "a.b"' },
    ],
    [
      'a predicate',
      () => requiredClaim('a', () => true),
      { a: 1 },
      { expected: 'a: a value its predicate accepts', actual: 1 },
    ],
    [
      'a predicate that refuses',
      () => requiredClaim('a', () => false),
      { a: 1 },
      { code: 'claim_mismatch', expected: '"a: a value its predicate accepts"', actual: '1' },
    ],
    ['a lifetime', () => lifetime(60), { iat: 1000, exp: 1060 }, { expected: 'at most 60 s', actual: '60 s' }],
    [
      'a longer lifetime',
      () => lifetime(60),
      { iat: 1000, exp: 1061 },
      {
        code: 'token_lifetime_too_long',
        expected: '"at most 60 s"',
        actual: '"61 s"',
        hint: 'That is "maxLifetime" of the configuration: raise it if the issuer is right',
      },
    ],
    ['a kind of token', () => kind(() => {}), {}, {}],
  ])('shows %s', (_, checkOf, claims, expected) => {
    expect(checkResult(checkOf(), claims)).toEqual(expected)
  })

  it('of a kind of token refuses as the profile does', () => {
    const refusing = kind(({ sub }) => {
      if (sub === 'x') throw new AuthError('token_type')
    })
    expect(checkResult(refusing, { sub: 'x' })).toMatchObject({ code: 'token_type' })
    expect(checkResult(refusing, { sub: 'y' })).toEqual({})
  })

  it.each<readonly [string, ClaimCheck['dependsOn'], () => ClaimCheck]>([
    ['claims', 'token', () => registeredClaims({ audiences: 1 })],
    ['typ', 'token', () => tokenType({ types: api, typeRequired: 'optional', idTokens: 'accept' })],
    ['kind', 'token', () => kind(() => {})],
    ['aud', 'token', () => audience(api)],
    ['client_id', 'token', () => client(api, ['azp'])],
    ['times', 'time', () => times({ clockTolerance: 5 })],
    ['exp', 'time', () => expiry({ clockTolerance: 5 })],
    ['iat', 'time', () => issuedAt({ clockTolerance: 5 })],
    ['lifetime', 'token', () => lifetime(60)],
    ['a.b', 'token', () => presentClaim(['a', 'b'])],
    ['c', 'token', () => requiredClaim('c', 1)],
    ['c', 'application', () => requiredClaim('c', () => true)],
  ])('is the step %s of an explanation, and depends on the %s', (step, dependsOn, checkOf) => {
    expect(checkOf()).toMatchObject({ step, dependsOn })
  })
})

describe('a registered claim', () => {
  const shown = (claims: object): unknown => checkResult(registeredClaims({ audiences: 2 }), claims as Claims)

  it.each(['iss', 'sub', 'aud', 'jti', 'client_id', 'azp'])('must be a text without control characters: %s', (name) => {
    expect(shown({ [name]: 1 })).toEqual({
      code: 'claim_malformed',
      expected: `"${name}: a string"`,
      actual: '"a value of type number"',
    })
    const withoutControls = { code: 'claim_malformed', expected: `"${name}: text without control characters"` }
    for (const text of ['a\nb', 'a\u0085', '\u2028', '\ud800'])
      expect(shown({ [name]: text })).toMatchObject(withoutControls)
    for (const text of ['', 'a b', 'ä', '🙂'])
      expect(shown({ [name]: text })).toEqual({ expected: 'well-formed registered claims', actual: [name] })
  })

  it.each(['exp', 'nbf', 'iat'])('must be seconds since the epoch: %s', (name) => {
    const expected = `"${name}: a number of seconds since the epoch"`
    for (const [value, actual] of [
      ['1', '"a value of type string"'],
      [[1], '"an array"'],
      [-1, '"-1"'],
      [Number.NaN, '"NaN"'],
      [Infinity, '"Infinity"'],
    ])
      expect(shown({ [name]: value })).toEqual({ code: 'claim_malformed', expected, actual })
    for (const value of [0, 1.5, 253_402_300_799]) expect(shown({ [name]: value })).not.toHaveProperty('code')
    const late = `"${name}: seconds since the epoch, at most 253402300799"`
    expect(shown({ [name]: 253_402_300_800 })).toEqual({
      code: 'claim_malformed',
      expected: late,
      actual: '253402300800',
      hint: `${name} is in milliseconds: the issuer must divide it by 1000`,
    })
    const century = 3_155_760_000
    expect(shown({ [name]: (1000 + century) * 1000 })).not.toHaveProperty('hint')
    expect(shown({ [name]: (999 + century) * 1000 })).toHaveProperty('hint')
    expect(shown({ [name]: 1e15 })).toEqual({ code: 'claim_malformed', expected: late, actual: '1000000000000000' })
  })

  it('of null counts as absent in some, and is malformed in the others', () => {
    for (const name of ['sub', 'client_id', 'azp', 'nbf']) expect(shown({ [name]: null })).not.toHaveProperty('code')
    for (const name of ['iss', 'aud', 'jti', 'exp', 'iat'])
      expect(shown({ [name]: null })).toMatchObject({ code: 'claim_malformed', actual: '"null"' })
  })

  it('aud has at most as many values as the limit, all of them text', () => {
    expect(shown({ aud: ['a', 'b'] })).not.toHaveProperty('code')
    expect(shown({ aud: ['a', 1] })).toMatchObject({ code: 'claim_malformed', expected: '"aud: a string"' })
    expect(shown({ aud: ['a', 'b', 'c'] })).toMatchObject({
      code: 'claim_too_long',
      expected: '"at most 2 values of aud"',
      actual: '3',
      hint: expect.stringContaining('"limits.audiences"') as string,
    })
  })

  it('is named in explanations, of twenty at most', () => {
    const many = Object.fromEntries(Array.from({ length: 25 }, (_, index) => [`c${index}`, 1]))
    expect((shown(many) as { actual: unknown[] }).actual).toEqual(Object.keys(many).slice(0, 20))
  })
})

describe('the type of a token', () => {
  const types = new Set(['at+jwt', 'jwt'])
  const shown = (claims: Claims, typ?: string, idTokens: 'accept' | 'refuse' = 'refuse'): unknown => {
    const check = tokenType({ types, typeRequired: 'optional', idTokens })
    const given = [{ claims, header: { alg: 'ES256', ...(typ !== undefined && { typ }) } }, { now: 1000 }] as const
    try {
      check.check(...given)
      return check.compare(...given)
    } catch (error) {
      const { code, expected, actual, hint } = error as AuthError
      return { code, expected, actual, hint }
    }
  }
  const idToken = (mark: string, why: string): object => ({
    code: 'token_type',
    expected: '"an access token"',
    actual: `"a token with ${mark}"`,
    hint: expect.stringContaining(why) as string,
  })

  it.each<readonly [string, Claims, string | undefined, unknown]>([
    ['an accepted one', {}, 'at+jwt', { expected: types, actual: 'at+jwt' }],
    ['another spelling', {}, 'application/AT+JWT', { expected: types, actual: 'application/AT+JWT' }],
    ['none', {}, undefined, { expected: types, actual: undefined }],
    [
      'events',
      { events: {} },
      'jwt',
      {
        code: 'token_type',
        expected: String.raw`"no \"events\" claim"`,
        actual: '"events"',
        hint: 'This is a security event token or a logout token',
      },
    ],
    ['at_hash', { at_hash: 'x', nonce: 'n' }, undefined, idToken('at_hash', 'This is an ID token: it has an at_hash.')],
    ['c_hash', { c_hash: 'x' }, 'jwt', idToken('c_hash', 'This is an ID token: it has a c_hash.')],
    ['a nonce', { nonce: 'x' }, 'jwt', idToken('nonce', 'This looks like an ID token: it has a nonce.')],
    ['a nonce of null', { nonce: null }, 'jwt', { expected: types, actual: 'jwt' }],
    [
      'the audience of a client',
      { c_hash: 'x', azp: 'spa', aud: 'spa' },
      'jwt',
      idToken('c_hash', 'it has a c_hash and its aud is a client ID.'),
    ],
    ['another audience', { c_hash: 'x', azp: 'spa', aud: 'api' }, 'jwt', idToken('c_hash', 'it has a c_hash.')],
    ['no audience', { c_hash: 'x' }, 'jwt', idToken('c_hash', 'it has a c_hash.')],
  ])('shows %s', (_, claims, typ, expected) => {
    expect(shown(claims, typ)).toEqual(expected)
  })

  it('may be that of an ID token if the policy accepts them', () => {
    expect(shown({ at_hash: 'x', nonce: 'n' }, 'jwt', 'accept')).toEqual({ expected: types, actual: 'jwt' })
  })
})
