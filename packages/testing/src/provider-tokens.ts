import type { IssuerPolicy } from '@claimgate/core'
import { bare, own } from '@claimgate/core/adapter'
import { profiles } from '@claimgate/core/providers'
import { createTestKeys } from './keys/test-keys.ts'

/** A token as a provider issues it, and the options that accept it. */
export interface ProviderToken {
  readonly token: string
  /** The policy of the provider's profile, with the key of the token instead of the provider's. Nothing is fetched. */
  readonly policy: IssuerPolicy
}

interface Example {
  /** The name of the profile, if it differs. */
  readonly profile?: string
  readonly words?: object
  readonly header?: object
  readonly claims: object
}

const CLIENT = '0f0f0f0f-1e1e-4d2d-8c3c-4b4b4b4b4b4b'
const TENANT = '11111111-2222-4333-8444-555555555555'
const MICROSOFT = {
  tid: TENANT,
  oid: '12121212-3434-4565-8787-989898989898',
  roles: ['Orders.Admin'],
  scp: 'Orders.Read',
}
const ALB = {
  signer: 'arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/my-alb/0123456789abcdef',
  client: 'xxxxxxxxxxxxexample',
}

// What a token has besides iss, aud, sub, iat and exp, for the examples of the profile's settings.
const EXAMPLES: Readonly<Record<string, Example>> = bare({
  adfs: { claims: { appid: CLIENT, scp: 'openid', ver: '1.0' } },
  apple: { claims: { nonce: 'n', email: 'x@privaterelay.appleid.com', email_verified: true } },
  auth0: { claims: { azp: 'my_client_id', scope: 'openid read:orders', permissions: ['read:orders'] } },
  'auth0-rfc9068': {
    profile: 'auth0',
    header: { typ: 'at+jwt' },
    claims: { client_id: 'my_client_id', scope: 'openid read:orders', jti: 'j' },
  },
  'aws-alb': { header: ALB, claims: { email: 'ada@example.com', username: 'ada' } },
  clerk: { claims: { azp: 'https://app.example.com', sid: 'sess_123', v: 2, o: { id: 'org_123', rol: 'admin' } } },
  'cloudflare-access': { claims: { type: 'app', email: 'ada@example.com' } },
  cognito: {
    claims: {
      token_use: 'access',
      client_id: 'xxxxxxxxxxxxexample',
      scope: 'orders/read',
      'cognito:groups': ['admins'],
    },
  },
  'cognito-id': {
    profile: 'cognito',
    words: { tokenUse: 'id' },
    claims: { token_use: 'id', 'cognito:groups': ['admins'], email: 'ada@example.com' },
  },
  descope: { claims: { drn: 'DS', roles: ['admin'], tenants: {} } },
  duende: { header: { typ: 'at+jwt' }, claims: { client_id: 'client', scope: ['invoice.read', 'invoice.pay'] } },
  'entra-b2c': { claims: { azp: CLIENT, scp: 'orders.read', tfp: 'B2C_1_signin' } },
  'entra-external-id': { claims: { ...MICROSOFT, azp: CLIENT, ver: '2.0' } },
  'entra-v1': { profile: 'entra', words: { version: 1 }, claims: { ...MICROSOFT, appid: CLIENT, ver: '1.0' } },
  'entra-v2': { profile: 'entra', claims: { ...MICROSOFT, azp: CLIENT, ver: '2.0' } },
  firebase: { claims: { user_id: 'u1', firebase: { sign_in_provider: 'password' } } },
  fusionauth: { claims: { applicationId: CLIENT, roles: ['admin'], scope: 'openid' } },
  'github-actions': {
    claims: {
      repository: 'octo-org/octo-repo',
      repository_id: '456789',
      repository_owner_id: '123456',
      ref: 'refs/heads/main',
    },
  },
  'gitlab-ci': {
    claims: {
      project_path: 'acme/shop',
      project_id: '456789',
      namespace_id: '123456',
      ref: 'main',
      ref_protected: 'true',
    },
  },
  google: { claims: { azp: '1234.apps.googleusercontent.com', email: 'ada@example.com', at_hash: 'h' } },
  'google-iap': { claims: { email: 'ada@example.com' } },
  keycloak: {
    claims: {
      typ: 'Bearer',
      azp: 'web-shop',
      scope: 'profile email',
      resource_access: { 'orders-api': { roles: ['orders-admin'] } },
    },
  },
  kinde: { claims: { azp: 'my_client_id', org_code: 'org_1234', permissions: ['orders:read'], scp: ['openid'] } },
  kubernetes: { claims: { sub: 'system:serviceaccount:shop:web', 'kubernetes.io': { namespace: 'shop' } } },
  logto: { header: { typ: 'at+jwt' }, claims: { client_id: 'my-app', scope: 'read:orders' } },
  okta: { claims: { cid: 'nmdP1fcyvdVO11AL7ECm', scp: ['orders.read'], groups: ['Everyone'] } },
  'ory-hydra': { claims: { client_id: 'my-client', scp: ['orders.read'], ext: { roles: ['admin'] } } },
  pingone: { header: { typ: 'at+jwt' }, claims: { client_id: CLIENT, scope: 'orders:read' } },
  salesforce: { claims: { client_id: '3MVG9example', scp: 'api', sub: 'uid:005000000000001' } },
  'sap-ias': { claims: { azp: CLIENT, app_tid: TENANT } },
  'sap-xsuaa': { claims: { client_id: 'sb-orders!t1', zid: TENANT, scope: ['orders!t1.Read'] } },
  stytch: { claims: { 'https://stytch.com/session': { roles: ['admin'] } } },
  supabase: { claims: { role: 'authenticated', app_metadata: { roles: ['admin'] }, aal: 'aal1' } },
  workos: { claims: { org_id: 'org_01', role: 'member', permissions: ['posts:read'] } },
  zitadel: {
    claims: { client_id: '358982420441159448', 'urn:zitadel:iam:org:project:358982239599491392:roles': { admin: {} } },
  },
})

/** The names that `TestIssuer.as` accepts. */
export const providerTokenNames: readonly string[] = Object.freeze(Object.keys(EXAMPLES))

/** A token as a provider issues it, before it is signed. */
export interface ProviderExample {
  /** The name of the profile, such as `entra` for `entra-v2`. */
  readonly profile: string
  /** The settings of the profile: those of its examples, and the given ones. */
  readonly words: Readonly<Record<string, unknown>>
  /** The policy of the profile. */
  readonly policy: IssuerPolicy
  readonly algorithm: 'RS256' | 'ES256'
  /** The protected header, without `alg` and `kid`. */
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
}

/**
 * A token as a provider issues it, before it is signed: sign it with your own key, and give the policy that key. Its `exp` is ten minutes
 * ahead.
 *
 * @param name One of `providerTokenNames`.
 * @param words Settings of the profile that replace those of the example, such as `{ audience: 'orders-api' }`.
 * @throws TypeError for an unknown name, which lists the names, and for wrong settings
 */
export function providerExample(name: string, words: object = {}): ProviderExample {
  const example = own(EXAMPLES, name)
  if (example === undefined)
    throw new TypeError(
      `Cannot make token: there is no example ${JSON.stringify(name)}; the examples are ${providerTokenNames.join(', ')}`,
    )
  const { profile: called = name, words: more = {}, header = {}, claims } = bare({ ...example })
  const profile = profiles.find(({ data }) => data.name === called)
  if (profile === undefined) throw new TypeError(`Cannot make token: there is no profile ${called}`)
  const all = bare({ ...wordsOf(profile.data.words), ...more, ...words })
  const policy = (profile as unknown as (given: object) => IssuerPolicy)(all)
  const now = Math.floor(Date.now() / 1000)
  const standard = {
    iss: policy.issuer,
    ...(policy.audience !== null && { aud: [policy.audience].flat()[0] }),
    sub: 'example-user',
    iat: now,
    exp: now + 600,
  }
  return {
    profile: called,
    words: all,
    policy,
    algorithm: policy.algorithms?.includes('RS256') === false ? 'ES256' : 'RS256',
    header: { typ: 'JWT', ...header },
    claims: { ...standard, ...claims },
  }
}

/** Makes an example token. @throws TypeError for an unknown name */
export async function providerToken(name: string, changes: object): Promise<ProviderToken> {
  const example = providerExample(name)
  const { keys: _keys, jwksUri: _uri, metadataUri: _metadata, allowedKeyHosts: _hosts, ...policy } = example.policy
  const keys = await createTestKeys(example.algorithm)
  const token = await keys.sign({ ...example.claims, ...changes }, example.header)
  return { token, policy: { ...policy, jwks: { keys: [keys.publicJwk] } } }
}

function wordsOf(words: object): object {
  const examples = Object.entries(words as Readonly<Record<string, { readonly example?: unknown }>>)
  return Object.fromEntries(examples.flatMap(([word, { example }]) => (example === undefined ? [] : [[word, example]])))
}
