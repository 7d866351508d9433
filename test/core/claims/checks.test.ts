import type { Claims } from '@claimgate/core'
import { describe, expect, it } from 'vitest'
import { presentClaim, requiredClaim } from '../../../packages/core/src/claims/application-checks.ts'
import { audience, type ClaimCheck, client, kind } from '../../../packages/core/src/claims/claim-checks.ts'
import { lifetime } from '../../../packages/core/src/claims/times.ts'
import { AuthError } from '../../../packages/core/src/errors/auth-error.ts'

/** What `explain` shows for claims that pass, or what the log shows for others. */
function result(check: ClaimCheck, claims: Claims): unknown {
  const given = [{ claims, header: { alg: 'ES256' } }, { now: 1000 }] as const
  try {
    check.check(...given)
  } catch (error) {
    if (!(error instanceof AuthError)) throw error
    const { code, expected, actual, hint } = error
    return { code, expected, actual, ...(hint !== undefined && { hint }) }
  }
  return check.compare(...given)
}

const api = new Set(['api'])
const ID_TOKEN =
  'aud is the client ID, as in an ID token: ask the authorization server for an access token for this API'

describe('a claim check', () => {
  it.each<readonly [string, ClaimCheck, Claims, unknown]>([
    ['aud', audience(api), { aud: 'api' }, { expected: api, actual: 'api' }],
    ['aud in a list', audience(api), { aud: ['x', 'api'] }, { expected: api, actual: ['x', 'api'] }],
    ['no aud', audience(api), {}, { code: 'audience_missing', expected: '["api"]', actual: 'nothing' }],
    ['another aud', audience(api), { aud: 'xyz' }, { code: 'audience_mismatch', expected: '["api"]', actual: '"xyz"' }],
    [
      'aud with the client of azp',
      audience(api),
      { aud: 'spa-1', azp: 'spa-1', client_id: 'x' },
      { code: 'audience_mismatch', expected: '["api"]', actual: '"spa-1"', hint: ID_TOKEN },
    ],
    [
      'aud with the client of client_id',
      audience(api),
      { aud: ['spa-1'], client_id: 'spa-1' },
      { code: 'audience_mismatch', expected: '["api"]', actual: '["spa-1"]', hint: ID_TOKEN },
    ],
    ['the client', client(api, ['azp']), { azp: 'api' }, { expected: api, actual: 'api' }],
    ['the first client', client(api, ['cid', 'azp']), { cid: null, azp: 'api' }, { expected: api, actual: 'api' }],
    [
      'another client',
      client(api, ['azp']),
      { azp: 'x', client_id: 'api' },
      { code: 'claim_mismatch', expected: '["api"]', actual: '"x"', hint: '"azp" names the client' },
    ],
    [
      'another client in one of two claims',
      client(api, ['cid', 'azp']),
      { cid: 'x', azp: 'api' },
      { code: 'claim_mismatch', expected: '["api"]', actual: '"x"' },
    ],
    [
      'a client that is a list',
      client(api, ['azp']),
      { azp: ['api'] as never },
      { code: 'claim_malformed', expected: '"client: a string"', actual: '"an array"' },
    ],
    [
      'no client',
      client(api, ['cid', ['a', 'b']]),
      {},
      { code: 'claim_missing', expected: '"cid or a.b"', actual: 'nothing' },
    ],
    [
      'a client in another claim',
      client(api, ['cid']),
      { appid: 'api' },
      {
        code: 'claim_missing',
        expected: '"cid"',
        actual: 'nothing',
        hint: 'This issuer names the client in "appid": add it to "clientClaims"',
      },
    ],
    ['a claim', presentClaim(['a', 'b']), { a: { b: 0 } }, { expected: 'present', actual: 'present' }],
    [
      'a claim of null',
      presentClaim(['a', 'b']),
      { a: { b: null } },
      { code: 'claim_missing', expected: '"a.b"', actual: 'nothing' },
    ],
    [
      'the client in another claim',
      presentClaim('client_id'),
      { azp: 'x' },
      {
        code: 'claim_missing',
        expected: '"client_id"',
        actual: 'nothing',
        hint: 'This issuer names the client in "azp"',
      },
    ],
    ['another claim', presentClaim('x'), { azp: 'x' }, { code: 'claim_missing', expected: '"x"', actual: 'nothing' }],
    ['a value', requiredClaim('a', [1, 2]), { a: 2 }, { expected: [1, 2], actual: 2 }],
    [
      'another value',
      requiredClaim(['a', 'b'], 1),
      { a: { b: 2 } },
      { code: 'claim_mismatch', expected: '1', actual: '2', hint: 'The claim is "a.b"' },
    ],
    [
      'a predicate',
      requiredClaim('a', () => true),
      { a: 1 },
      { expected: 'a: a value its predicate accepts', actual: 1 },
    ],
    [
      'a predicate that refuses',
      requiredClaim('a', () => false),
      { a: 1 },
      { code: 'claim_mismatch', expected: '"a: a value its predicate accepts"', actual: '1' },
    ],
    ['a lifetime', lifetime(60), { iat: 1000, exp: 1060 }, { expected: 'at most 60 s', actual: '60 s' }],
    [
      'a longer lifetime',
      lifetime(60),
      { iat: 1000, exp: 1061 },
      {
        code: 'token_lifetime_too_long',
        expected: '"at most 60 s"',
        actual: '"61 s"',
        hint: 'That is "maxLifetime" of the configuration: raise it if the issuer is right',
      },
    ],
    ['a kind of token', kind(() => {}), {}, {}],
  ])('shows %s', (_, check, claims, expected) => {
    expect(result(check, claims)).toEqual(expected)
  })

  it('of a kind of token refuses as the profile does', () => {
    const refusing = kind(({ sub }) => {
      if (sub === 'x') throw new AuthError('token_type')
    })
    expect(result(refusing, { sub: 'x' })).toMatchObject({ code: 'token_type' })
    expect(result(refusing, { sub: 'y' })).toEqual({})
  })

  it('runs again for a cached token if it depends on the application', () => {
    expect(
      [presentClaim('a'), requiredClaim('a', 1), requiredClaim('a', () => true)].map((one) => one.dependsOn),
    ).toEqual(['token', 'token', 'application'])
    expect([presentClaim(['a', 'b']), requiredClaim('c', 1)].map(({ step }) => step)).toEqual(['a.b', 'c'])
  })
})
