import { optionsFromEnv as withoutProviders } from '@claimgate/core'
import { auth0, cognito, entra, githubActions, optionsFromEnv, supabase } from '@claimgate/core/providers'
import { describe, expect, it } from 'vitest'

const TENANT = '11111111-2222-4333-8444-555555555555'
const plain = (policy: object): unknown => JSON.parse(JSON.stringify(policy))

describe('JWT_PROVIDER', () => {
  it.each<[string, Record<string, string>, object]>([
    [
      'texts',
      { JWT_PROVIDER: 'auth0', JWT_DOMAIN: 'acme.eu.auth0.com', JWT_AUDIENCE: 'orders-api' },
      auth0({ domain: 'acme.eu.auth0.com', audience: 'orders-api' }),
    ],
    [
      'lists',
      { JWT_PROVIDER: 'auth0', JWT_DOMAIN: 'acme.eu.auth0.com', JWT_AUDIENCE: 'a, b', JWT_CLIENT_ID: 'c' },
      auth0({ domain: 'acme.eu.auth0.com', audience: ['a', 'b'], clientId: 'c' }),
    ],
    [
      'a version',
      { JWT_PROVIDER: 'entra', JWT_TENANT_ID: TENANT, JWT_AUDIENCE: 'api://orders', JWT_VERSION: '1' },
      entra({ tenantId: TENANT, audience: 'api://orders', version: 1 }),
    ],
    [
      'any tenant',
      { JWT_PROVIDER: 'entra', JWT_TENANTS: 'any', JWT_AUDIENCE: TENANT },
      entra({ tenants: 'any', audience: TENANT }),
    ],
    [
      'a list of tenants',
      { JWT_PROVIDER: 'entra', JWT_TENANTS: TENANT, JWT_AUDIENCE: TENANT },
      entra({ tenants: [TENANT], audience: TENANT }),
    ],
    [
      'IDs',
      { JWT_PROVIDER: 'github-actions', JWT_AUDIENCE: 'orders-api', JWT_REPOSITORY_ID: '1,2' },
      githubActions({ audience: 'orders-api', repositoryId: ['1', '2'] }),
    ],
    [
      'choices, and empty variables',
      {
        JWT_PROVIDER: ' cognito ',
        JWT_REGION: 'eu-west-1',
        JWT_USER_POOL_ID: 'eu-west-1_a',
        JWT_CLIENT_ID: 'c',
        JWT_TOKEN_USE: 'id',
        JWT_AUDIENCE: '',
      },
      cognito({ region: 'eu-west-1', userPoolId: 'eu-west-1_a', clientId: 'c', tokenUse: 'id' }),
    ],
    [
      'dates',
      {
        JWT_PROVIDER: 'supabase',
        JWT_PROJECT_REF: 'abc',
        JWT_LEGACY_SECRET: 'x'.repeat(32),
        JWT_LEGACY_UNTIL: '2027-01-31',
      },
      supabase({ projectRef: 'abc', legacySecret: 'x'.repeat(32), legacyUntil: new Date('2027-01-31') }),
    ],
  ])('reads %s', (_name, env, policy) => {
    expect(plain(optionsFromEnv(env))).toEqual(plain(policy))
  })

  it.each<[string, Record<string, string>, RegExp]>([
    ['an unknown profile', { JWT_PROVIDER: 'auth-0' }, /JWT_PROVIDER names no profile: did you mean auth0\?/],
    ['a profile like no other', { JWT_PROVIDER: 'zzzzzz' }, /the profiles are adfs, apple, auth0/],
    ['a missing word', { JWT_PROVIDER: 'auth0', JWT_AUDIENCE: 'a' }, /^Cannot use Auth0: JWT_DOMAIN must be a host/],
    [
      'a wrong word',
      { JWT_PROVIDER: 'auth0', JWT_DOMAIN: 'https://acme.auth0.com', JWT_AUDIENCE: 'a' },
      /JWT_DOMAIN must be a host/,
    ],
    ['a missing owner', { JWT_PROVIDER: 'github-actions', JWT_AUDIENCE: 'a' }, /JWT_REPOSITORY_ID or JWT_OWNER_ID/],
    [
      'a variable that the profile replaces',
      { JWT_PROVIDER: 'auth0', JWT_DOMAIN: 'acme.auth0.com', JWT_AUDIENCE: 'a', JWT_JWKS_URI: 'https://a.example' },
      /leave out "JWT_JWKS_URI"/,
    ],
    [
      'a word that only a program can say',
      { JWT_PROVIDER: 'auth0', JWT_DOMAIN: 'acme.auth0.com', JWT_AUDIENCE: 'a', JWT_ROLES: 'x' },
      /"roles" cannot be set through JWT_ROLES/,
    ],
    [
      'an empty item',
      { JWT_PROVIDER: 'auth0', JWT_DOMAIN: 'acme.auth0.com', JWT_AUDIENCE: 'a,' },
      /JWT_AUDIENCE has an empty item/,
    ],
    [
      'a date that is none',
      { JWT_PROVIDER: 'supabase', JWT_PROJECT_REF: 'abc', JWT_LEGACY_SECRET: 'x'.repeat(32), JWT_LEGACY_UNTIL: 'soon' },
      /JWT_LEGACY_UNTIL must be a date, such as 2027-01-31, found "soon"/,
    ],
  ])('rejects %s', (_name, env, says) => {
    expect(() => optionsFromEnv(env)).toThrow(says)
  })

  it('leaves an environment without a provider to the core', () => {
    const env = { JWT_ISSUER: 'https://issuer.example', JWT_AUDIENCE: 'orders-api' }
    expect(optionsFromEnv(env)).toEqual(withoutProviders(env))
    expect(() => optionsFromEnv('x' as never)).toThrow(TypeError)
  })

  it('is not ignored by the reader of the core', () => {
    expect(() =>
      withoutProviders({ JWT_PROVIDER: 'auth0', JWT_ISSUER: 'https://a.example', JWT_AUDIENCE: 'a' }),
    ).toThrow(/with JWT_PROVIDER, import optionsFromEnv from @claimgate\/core\/providers/)
  })
})
