// What a refusal says about a token of the same provider that is another kind, or for another place.
import type { Claims } from '@claimgate/core'
import { describe, expect, it } from 'vitest'
import { AuthError } from '../../../packages/core/src/errors/auth-error.ts'
import { policyOf } from '../../support/providers/policy-of.ts'

const TENANT = '11111111-2222-4333-8444-555555555555'
const API = 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee'

describe('A token of another issuer', () => {
  it.each<readonly [string, object, string, string | undefined]>([
    ['adfs', {}, 'https://adfs.example.com/adfs', 'This is an ID token of AD FS. Send the access token instead'],
    ['adfs', {}, 'https://other.example.com/adfs', undefined],
    [
      'google',
      {},
      'accounts.google.com',
      'This is the short issuer of old Google libraries: write { ...google(…), issuer: "accounts.google.com" }',
    ],
    [
      'firebase',
      {},
      'https://session.firebase.google.com/my-project',
      'This is a session cookie of Firebase. Send the ID token instead',
    ],
    ['firebase', {}, 'https://session.firebase.google.com/other', undefined],
    [
      'supabase',
      {},
      'supabase',
      'This is an API key of Supabase (anon or service_role). Send the access token of a user',
    ],
    [
      'workos',
      {},
      'https://api.workos.com',
      'Write "issuer": "https://api.workos.com" if that is the issuer of your environment',
    ],
    [
      'entra',
      {},
      `https://sts.windows.net/${TENANT}/`,
      'This is a version 1 token: set requestedAccessTokenVersion to 2 in the manifest of the API, or write "version": 1',
    ],
    [
      'entra',
      { version: 1 },
      `https://login.microsoftonline.com/${TENANT}/v2.0`,
      'This is a version 2 token: write "version": 2',
    ],
    ['entra', { version: 1 }, 'https://other.example', '"tid" names no trusted tenant: nothing'],
    ['entra', {}, 'https://other.example', '"tid" names no trusted tenant: nothing'],
    ['auth0', {}, 'https://other.auth0.com/', undefined],
  ])('of %s with %j and iss %s', (name, words, iss, hint) => {
    expect(policyOf(name, words).provider?.hintOf?.({ iss })).toBe(hint)
  })

  it('of the org authorization server of Okta', () => {
    const hint = policyOf('okta').provider?.hintOf?.({ iss: 'https://dev-1.okta.com' })
    expect(hint).toMatch(/^Okta: tokens of the org authorization server are for Okta alone/)
  })
})

describe('A token of another kind', () => {
  const EXTERNAL = 'This looks like an ID token: it has no "azp". Send the access token instead'
  it.each<readonly [string, object, Claims, readonly unknown[] | undefined]>([
    ['clerk', {}, { sts: 'active' }, undefined],
    ['clerk', {}, {}, undefined],
    [
      'clerk',
      {},
      { sts: 'pending' },
      ['"another sts than pending"', '"pending"', 'The session has open tasks: the user must complete them first'],
    ],
    ['cloudflare-access', {}, { type: 'app' }, undefined],
    [
      'cloudflare-access',
      {},
      { type: 'org' },
      ['"type app"', '"org"', 'Only application tokens are for applications, not global session tokens'],
    ],
    ['cognito', {}, { token_use: 'access' }, undefined],
    [
      'cognito',
      {},
      { token_use: 'id' },
      ['"token_use access"', '"id"', 'Send the access token, not the ID token, or set "tokenUse" to "id"'],
    ],
    ['cognito', { tokenUse: 'id' }, { token_use: 'id' }, undefined],
    [
      'cognito',
      { tokenUse: 'id' },
      { token_use: 'access' },
      ['"token_use id"', '"access"', 'Send the ID token, or set "tokenUse" to "access"'],
    ],
    ['descope', {}, { drn: 'DS' }, undefined],
    ['descope', {}, { drn: 'DSR' }, ['"drn DS"', '"DSR"', 'Send the session token (DS), not the refresh token']],
    ['entra', {}, { azp: API }, undefined],
    ['entra', {}, {}, ['"an access token with azp"', undefined, EXTERNAL]],
    ['entra', { version: 1 }, { appid: API }, undefined],
    [
      'entra',
      { version: 1 },
      { azp: API },
      [
        '"an access token with appid"',
        undefined,
        'This looks like an ID token: it has no "appid". Send the access token instead',
      ],
    ],
    ['entra-b2c', {}, { azp: API, tfp: 'b2c_1_SIGNIN' }, undefined],
    ['entra-b2c', {}, { azp: API, acr: 'B2C_1_signin' }, undefined],
    [
      'entra-b2c',
      {},
      { azp: API, tfp: 'B2C_1_other', acr: 'B2C_1_signin' },
      ['"tfp B2C_1_signin"', '"B2C_1_other"', 'Another user flow of this tenant issued it ("tfp" or "acr")'],
    ],
    [
      'entra-b2c',
      {},
      { azp: API },
      ['"tfp B2C_1_signin"', undefined, 'Another user flow of this tenant issued it ("tfp" or "acr")'],
    ],
    ['entra-b2c', {}, { tfp: 'B2C_1_signin' }, ['"an access token with azp"', undefined, EXTERNAL]],
    ['firebase', {}, { sub: 'a' }, undefined],
    ['firebase', {}, { sub: '' }, ['"another sub than "', '""', 'An ID token of Firebase names its user']],
    ['fusionauth', {}, { applicationId: '0f0f0f0f-1e1e-4d2d-8c3c-4b4b4b4b4b4b' }, undefined],
    ['keycloak', {}, { typ: 'Bearer' }, undefined],
    ['keycloak', {}, { typ: 'DPoP' }, undefined],
    [
      'keycloak',
      {},
      { typ: 'ID' },
      [
        '"typ Bearer or DPoP"',
        '"ID"',
        'ID is an ID token, Refresh and Offline are refresh tokens: send the access token',
      ],
    ],
  ])('of %s with %j and the claims %j', (name, words, claims, expected) => {
    let found: unknown
    try {
      policyOf(name, words).provider?.checkKind?.(claims)
    } catch (error) {
      if (!(error instanceof AuthError)) throw error
      expect(error.code).toBe('token_type')
      found = [error.expected, error.actual === 'nothing' ? undefined : error.actual, error.hint]
    }
    expect(found).toEqual(expected)
  })
})

describe('Words that say too little or too much', () => {
  it.each<readonly [string, object, string]>([
    [
      'entra',
      { tenantId: undefined },
      'Cannot use Microsoft Entra ID: say whose tokens are accepted: "tenantId" for one tenant, or "tenants" with a list of tenant IDs, or "any"',
    ],
    ['entra', { tenants: 'any' }, 'Cannot use Microsoft Entra ID: say whose tokens are accepted'],
    [
      'entra',
      { tenantId: undefined, tenants: [] },
      '"tenants" must be a list of tenant IDs, which are GUIDs, or "any"',
    ],
    [
      'entra',
      { tenantId: undefined, tenants: ['acme'] },
      '"tenants" must be a list of tenant IDs, which are GUIDs, or "any"',
    ],
    ['entra', { version: 3 }, '"version" must be 1 or 2'],
    [
      'entra-b2c',
      { policy: 'signin' },
      '"policy" must be the name of a user flow or custom policy, such as "B2C_1_signin"',
    ],
    [
      'aws-alb',
      { loadBalancerArn: [] },
      '"loadBalancerArn" must be the ARN of an application load balancer, or a list of them',
    ],
    ['aws-alb', { loadBalancerArn: ['my-alb'] }, '"loadBalancerArn" must be the ARN'],
    ['aws-alb', { loadBalancerArn: 5 }, '"loadBalancerArn" must be the ARN'],
    [
      'google-iap',
      { audience: [] },
      '"audience" must be the audience code, such as "/projects/123/global/backendServices/456"',
    ],
    ['google-iap', { audience: 'orders' }, '"audience" must be the audience code'],
    [
      'google-iap',
      { audience: ['/projects/123/global/backendServices/456', 1] },
      '"audience" must be the audience code',
    ],
    [
      'cognito',
      { userPoolId: 'pool' },
      '"userPoolId" must be the ID of a user pool, such as "eu-west-1_example", not its name or ARN',
    ],
    ['cognito', { region: 'Ireland' }, '"region" must be a region such as "eu-west-1"'],
    ['pingone', { region: 'us' }, '"region" must be "com", "eu", "ca", "asia", "com.au" or "sg"'],
  ])('stop the start: %s with %j', (name, words, message) => {
    expect(() => policyOf(name, words)).toThrow(message)
  })
})
