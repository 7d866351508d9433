import { createTestKeys, type TestKeys } from '@claimgate/testing'

import { accessClaims, encode, NOW } from './refusal.ts'

export const OTHER_ISSUER = 'https://other-issuer.example'

/** Keys of the tests: `renewed` is other key material under the `kid` of `first`. */
export interface CacheKeys {
  readonly first: TestKeys
  readonly second: TestKeys
  readonly renewed: TestKeys
  readonly foreign: TestKeys
  /** More keys of the algorithm of `first`, so that a token without `kid` matches too many keys. */
  readonly more: readonly TestKeys[]
}

export async function cacheKeys(): Promise<CacheKeys> {
  return {
    first: await createTestKeys('ES256', { kid: 'cache-1' }),
    second: await createTestKeys('EdDSA', { kid: 'cache-2' }),
    renewed: await createTestKeys('ES256', { kid: 'cache-1', generation: 1 }),
    foreign: await createTestKeys('ES256', { kid: 'cache-foreign' }),
    more: await Promise.all([1, 2, 3].map(async (n) => createTestKeys('ES256', { kid: `cache-more-${n}` }))),
  }
}

/** Tokens that a verifier may receive repeatedly, by their special feature. */
export async function cacheTokens({
  first,
  second,
  renewed,
  foreign,
}: CacheKeys): Promise<ReadonlyMap<string, string>> {
  const claims = (changes: object = {}): object => accessClaims({ exp: NOW + 20_000, role: 'reader', ...changes })
  const lasting = await first.sign(claims())
  const [header = '', , signature = ''] = lasting.split('.')
  return new Map([
    ['lasting', lasting],
    ['of the second key', await second.sign(claims({ sub: 'bob' }))],
    ['of the renewed key', await renewed.sign(claims({ sub: 'cy' }))],
    ['without kid', await first.sign(claims({ sub: 'di' }), { kid: undefined })],
    ['without kid, by the renewed key', await renewed.sign(claims({ sub: 'flo' }), { kid: undefined })],
    ['without kid, by another issuer', await foreign.sign(claims({ sub: 'gus' }), { kid: undefined })],
    ['by thumbprint', await renewed.sign(claims({ sub: 'hal' }), { kid: undefined, x5t: 'renewed' })],
    ['by the thumbprint of another key', await renewed.sign(claims({ sub: 'ida' }), { kid: undefined, x5t: 'first' })],
    ['of the other issuer', await second.sign(claims({ iss: OTHER_ISSUER }))],
    ['of the other issuer, by the first key', await first.sign(claims({ iss: OTHER_ISSUER, sub: 'ed' }))],
    ['short', await first.sign(claims({ exp: NOW + 90 }))],
    ['for later', await first.sign(claims({ nbf: NOW + 60 }))],
    ['issued later', await second.sign(claims({ iat: NOW + 120 }))],
    ['bound', await first.sign(claims({ cnf: { jkt: 'x' } }))],
    ['not plain', await first.sign(claims({ sub: 'caf\u00e9 "x"', list: ['b', { c: 1 }] }))],
    ['of another role', await second.sign(claims({ role: 'writer' }))],
    ['for another audience', await first.sign(claims({ aud: 'https://elsewhere.example' }))],
    ['with a signature of the lasting one', `${header}.${encode(claims({ sub: 'eve' }))}.${signature}`],
    ['without its beginning', lasting.slice(-120)],
    ['by a foreign key', await foreign.sign(claims(), { kid: 'cache-1' })],
    ['of an unknown key', await foreign.sign(claims())],
  ])
}
