// Every fixture with its profile: its token is accepted, and tokens for others are refused with the provider's own word.
import { createVerifier, type IssuerPolicy } from '@claimgate/core'
import * as providers from '@claimgate/core/providers'
import { describe, expect, it } from 'vitest'
import {
  fixtures,
  network,
  NOW,
  outcomeOf,
  type TokenChanges,
  tokenOf,
  verifierOf,
} from '../../support/providers/world.ts'

const TENANT = '11111111-2222-4333-8444-555555555555'
const CUSTOMER = '66666666-7777-4888-8999-aaaaaaaaaaaa'
const API = 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee'
const CLIENT = '0f0f0f0f-1e1e-4d2d-8c3c-4b4b4b4b4b4b'

interface Row {
  readonly policy: () => IssuerPolicy
  readonly scopes?: readonly string[]
  readonly roles?: readonly string[]
  /** Changes that must make the token refused, and what the message must say. */
  readonly refused: Readonly<Record<string, TokenChanges & { readonly says: RegExp }>>
}

const ANOTHER_AUDIENCE = { claims: { aud: 'https://other.example' }, says: /^401 audience_mismatch/ }
const WITH_NONCE = {
  claims: { nonce: 'n', aud: 'my_client_id', azp: 'my_client_id' },
  says: /^401 token_type .*ID token/,
}
const v2 = (): IssuerPolicy => providers.entra({ tenantId: TENANT, audience: API, clientId: CLIENT })
const ofTenant = (tid: string): TokenChanges['claims'] & object => ({
  tid,
  iss: `https://login.microsoftonline.com/${tid}/v2.0`,
})

const rows: Readonly<Record<string, Row>> = {
  adfs: {
    policy: () => providers.adfs({ host: 'adfs.example.com', audience: 'orders-api', clientId: CLIENT }),
    scopes: ['openid'],
    refused: {
      'an ID token': {
        claims: { iss: 'https://adfs.example.com/adfs' },
        says: /^401 issuer_mismatch .*ID token of AD FS/,
      },
      'another client': { claims: { appid: 'other' }, says: /^401 claim_mismatch .*"appid" names the client/ },
      'another API': ANOTHER_AUDIENCE,
    },
  },
  apple: {
    policy: () => providers.apple({ clientId: 'com.example.app' }),
    refused: { 'another app': { claims: { aud: 'com.other.app' }, says: /^401 audience_mismatch .*com.other.app/ } },
  },
  'auth0-rfc9068': {
    policy: () =>
      providers.auth0({
        domain: 'my-domain.auth0.com',
        audience: 'https://example.com/health-api',
        clientId: 'my_client_id',
      }),
    scopes: ['openid', 'read:patients'],
    roles: [],
    refused: {
      'another client': { claims: { client_id: 'other' }, says: /^401 claim_mismatch/ },
      'another API': ANOTHER_AUDIENCE,
    },
  },
  auth0: {
    policy: () =>
      providers.auth0({
        domain: 'my-domain.auth0.com',
        audience: 'https://example.com/health-api',
        clientId: 'my_client_id',
      }),
    scopes: ['openid', 'profile', 'read:patients'],
    roles: ['read:patients', 'write:patients'],
    refused: {
      'an ID token': WITH_NONCE,
      'another tenant': { claims: { iss: 'https://other.auth0.com/' }, says: /^401 issuer_mismatch .*other.auth0.com/ },
      'another client': { claims: { azp: 'other' }, says: /^401 claim_mismatch/ },
      'another API': ANOTHER_AUDIENCE,
    },
  },
  'aws-alb': {
    policy: () =>
      providers.awsAlb({
        region: 'eu-west-1',
        loadBalancerArn: 'arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/my-alb/0123456789abcdef',
        issuer: 'https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_example',
        clientId: 'xxxxxxxxxxxxexample',
      }),
    refused: {
      'another load balancer': {
        header: {
          signer: 'arn:aws:elasticloadbalancing:eu-west-1:999999999999:loadbalancer/app/my-alb/0123456789abcdef',
        },
        says: /^401 claim_mismatch .*"signer" in the header/,
      },
      'another client': { header: { client: 'other' }, says: /^401 claim_mismatch .*"client" in the header/ },
      'a kid that is no UUID': {
        header: { kid: '../../6d1f2c3e-0000-4000-8000-000000000001' },
        says: /^401 key_not_found .*a UUID as kid/,
      },
    },
  },
  clerk: {
    policy: () => providers.clerk({ frontendApi: 'clerk.example.com', authorizedParties: ['https://app.example.com'] }),
    roles: ['admin'],
    refused: {
      'a pending session': { claims: { sts: 'pending' }, says: /^401 token_type .*another sts than pending/ },
      'another app': { claims: { azp: 'https://evil.example' }, says: /^401 claim_mismatch .*"azp" names the client/ },
    },
  },
  'cloudflare-access': {
    policy: () =>
      providers.cloudflareAccess({
        team: 'yourteam',
        audience: '32eafc7626e974616deaf0dc3ce63d7bcbed58a2731e84d06bc3cdf1b53c4228',
      }),
    refused: {
      'a global session': { claims: { type: 'org' }, says: /^401 token_type .*type app/ },
      'another application': { claims: { aud: ['other'] }, says: /^401 audience_mismatch/ },
    },
  },
  'cognito-access': {
    policy: () =>
      providers.cognito({ region: 'eu-west-1', userPoolId: 'eu-west-1_example', clientId: 'xxxxxxxxxxxxexample' }),
    scopes: ['orders/read', 'openid'],
    roles: ['admins'],
    refused: {
      'an ID token': {
        claims: { token_use: 'id', aud: 'xxxxxxxxxxxxexample' },
        says: /^401 token_type .*token_use access.*not the ID token/,
      },
      'another client': { claims: { client_id: 'other' }, says: /^401 claim_mismatch .*"client_id" names the client/ },
      'another user pool': {
        claims: { iss: 'https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_other' },
        says: /^401 issuer_mismatch/,
      },
    },
  },
  'cognito-id': {
    policy: () =>
      providers.cognito({
        region: 'eu-west-1',
        userPoolId: 'eu-west-1_example',
        clientId: 'xxxxxxxxxxxxexample',
        tokenUse: 'id',
      }),
    roles: ['admins'],
    refused: {
      'an access token': { claims: { token_use: 'access' }, says: /^401 token_type .*token_use id/ },
      'another client': { claims: { aud: 'other' }, says: /^401 audience_mismatch/ },
    },
  },
  duende: {
    policy: () => providers.duende({ authority: 'https://ids.example.com', audience: 'invoice', clientId: 'client' }),
    scopes: ['invoice.read', 'invoice.pay'],
    refused: {
      'an ID token': {
        header: { typ: 'JWT' },
        claims: { nonce: 'n', aud: 'client' },
        says: /^401 token_type .*ID token/,
      },
      'another client': { claims: { client_id: 'other' }, says: /^401 claim_mismatch .*"client_id"/ },
      'another API': ANOTHER_AUDIENCE,
    },
  },
  'entra-external-id': {
    policy: () =>
      providers.entraExternalId({ subdomain: 'contoso', tenantId: TENANT, audience: API, clientId: CLIENT }),
    scopes: ['Todo.Read'],
    refused: {
      'an ID token': { claims: { azp: undefined, nonce: 'n' }, says: /^401 token_type .*no "azp"/ },
      'another tenant': { claims: { tid: CUSTOMER }, says: /^401 issuer_mismatch .*"tid" names no trusted tenant/ },
      'another client': { claims: { azp: 'other' }, says: /^401 claim_mismatch .*"azp" names the client/ },
    },
  },
  'entra-multitenant': {
    policy: () => providers.entra({ tenants: [CUSTOMER], audience: API, clientId: CLIENT }),
    scopes: ['Orders.Read'],
    refused: {
      'another tenant': {
        claims: ofTenant(TENANT),
        says: /^401 issuer_mismatch .*"tid" names no trusted tenant: "11111111/,
      },
      'a tenant other than its issuer': { claims: { tid: TENANT }, says: /^401 issuer_mismatch/ },
      'the issuer of another tenant': { claims: { iss: ofTenant(TENANT)['iss'] }, says: /^401 issuer_mismatch/ },
      'the template as issuer': {
        claims: { iss: 'https://login.microsoftonline.com/{tenantid}/v2.0', tid: '{tenantid}' },
        says: /^401 issuer_mismatch/,
      },
      "another tenant's key": {
        header: { kid: 'yreX2PsLi-qkbR8QDOmB_ySxp8Q' },
        says: /^401 issuer_mismatch .*9188040d.* may sign only for the issuer that its JWK names/,
      },
      'an ID token': { claims: { azp: undefined }, says: /^401 token_type .*no "azp"/ },
      'another client': { claims: { azp: 'other' }, says: /^401 claim_mismatch .*"azp"/ },
    },
  },
  'entra-v1': {
    policy: () => providers.entra({ tenantId: TENANT, audience: `api://${API}`, version: 1, clientId: CLIENT }),
    scopes: ['user_impersonation'],
    refused: {
      'a version 2 token': { claims: ofTenant(TENANT), says: /^401 issuer_mismatch .*write "version": 2/ },
      'another client': { claims: { appid: 'other' }, says: /^401 claim_mismatch .*"appid"/ },
      'an ID token': { claims: { appid: undefined }, says: /^401 token_type .*no "appid"/ },
    },
  },
  'entra-v2-app-only': {
    policy: v2,
    scopes: [],
    roles: ['Orders.Read.All'],
    refused: {
      'another client': { claims: { azp: 'other' }, says: /^401 claim_mismatch .*"azp"/ },
      'another API': ANOTHER_AUDIENCE,
    },
  },
  'entra-v2-delegated': {
    policy: v2,
    scopes: ['Orders.Read', 'Orders.Write'],
    roles: ['Orders.Admin'],
    refused: {
      'a version 1 token': {
        claims: { iss: `https://sts.windows.net/${TENANT}/` },
        says: /^401 issuer_mismatch .*requestedAccessTokenVersion/,
      },
      'another tenant': { claims: ofTenant(CUSTOMER), says: /^401 issuer_mismatch .*"tid" names no trusted tenant/ },
      'an ID token': { claims: { azp: undefined, nonce: 'n' }, says: /^401 token_type .*no "azp"/ },
    },
  },
  'firebase-x509': {
    policy: () => providers.firebase({ projectId: 'my-project', keys: 'x509' }),
    refused: { 'another project': { claims: { aud: 'other' }, says: /^401 audience_mismatch/ } },
  },
  firebase: {
    policy: () => providers.firebase({ projectId: 'my-project', tenantId: 't-1' }),
    refused: {
      'a session cookie': {
        claims: { iss: 'https://session.firebase.google.com/my-project' },
        says: /^401 issuer_mismatch .*session cookie/,
      },
      'another tenant': { claims: { firebase: { tenant: 't-2' } }, says: /^401 claim_mismatch .*firebase.tenant/ },
      'no user': { claims: { sub: '' }, says: /^401 token_type .*another sub/ },
    },
  },
  'github-actions': {
    policy: () =>
      providers.githubActions({ audience: 'https://api.example.com', repositoryId: 456789, ownerId: '123456' }),
    refused: {
      'another repository': { claims: { repository_id: '1' }, says: /^401 claim_mismatch .*"repository_id"/ },
      'another owner': { claims: { repository_owner_id: '1' }, says: /^401 claim_mismatch .*"repository_owner_id"/ },
      'another API': ANOTHER_AUDIENCE,
    },
  },
  'google-iap': {
    policy: () => providers.googleIap({ audience: '/projects/123/global/backendServices/456' }),
    refused: {
      'another backend': {
        claims: { aud: '/projects/123/global/backendServices/457' },
        says: /^401 audience_mismatch/,
      },
    },
  },
  'google-id': {
    policy: () => providers.google({ clientId: '1234.apps.googleusercontent.com', hostedDomain: 'example.com' }),
    refused: {
      'another app': { claims: { aud: 'other' }, says: /^401 audience_mismatch/ },
      'another domain': { claims: { hd: undefined }, says: /^401 claim_missing .*"hd"/ },
    },
  },
  'keycloak-24-nonce': {
    policy: () =>
      providers.keycloak({ url: 'https://sso.example.com', realm: 'shop', audience: 'orders-api', roles: 'realm' }),
    scopes: ['openid', 'profile'],
    roles: ['buyer'],
    refused: { 'an ID token': { claims: { typ: 'ID' }, says: /^401 token_type .*typ Bearer.*found "ID"/ } },
  },
  keycloak: {
    policy: () =>
      providers.keycloak({
        url: 'https://sso.example.com',
        realm: 'shop',
        audience: 'orders-api',
        clientId: 'web-shop',
      }),
    scopes: ['profile', 'email'],
    roles: ['orders-admin'],
    refused: {
      'an ID token': { claims: { typ: 'ID', aud: 'web-shop' }, says: /^401 token_type .*typ Bearer/ },
      'a refresh token': { claims: { typ: 'Refresh' }, says: /^401 token_type .*typ Bearer/ },
      'another realm': { claims: { iss: 'https://sso.example.com/realms/other' }, says: /^401 issuer_mismatch/ },
      'another client': { claims: { azp: 'other' }, says: /^401 claim_mismatch .*"azp"/ },
    },
  },
  kubernetes: {
    policy: () =>
      providers.kubernetes({
        serviceAccounts: ['shop/web'],
        audience: 'orders-api',
        apiServer: 'https://10.0.0.1:6443',
        token: () => 'own-token\n',
      }),
    refused: {
      'another service account': {
        claims: { sub: 'system:serviceaccount:shop:other' },
        says: /^401 claim_mismatch .*"sub"/,
      },
      'another namespace': { claims: { sub: 'system:serviceaccount:other:web' }, says: /^401 claim_mismatch .*"sub"/ },
      'another API': ANOTHER_AUDIENCE,
    },
  },
  'okta-custom': {
    policy: () =>
      providers.okta({ domain: 'dev-1.okta.com', audience: 'api://default', clientId: 'nmdP1fcyvdVO11AL7ECm' }),
    scopes: ['openid', 'orders.read'],
    roles: ['Everyone'],
    refused: {
      'another client': { claims: { cid: 'other' }, says: /^401 claim_mismatch .*"cid" names the client/ },
      'an ID token': { claims: { nonce: 'n', aud: 'nmdP1fcyvdVO11AL7ECm' }, says: /^401 token_type .*ID token/ },
    },
  },
  'sap-ias': {
    policy: () => providers.sapIas({ url: 'https://tenant.accounts.ondemand.com', clientId: CLIENT, appTid: TENANT }),
    refused: {
      'another tenant': { claims: { app_tid: CUSTOMER }, says: /^401 claim_mismatch .*"app_tid"/ },
      'another client': ANOTHER_AUDIENCE,
    },
  },
  'sap-xsuaa': {
    policy: () =>
      providers.sapXsuaa({
        url: 'https://shop.authentication.eu10.hana.ondemand.com',
        clientId: 'sb-orders!t1',
        xsappname: 'orders!t1',
        zoneId: TENANT,
      }),
    scopes: ['orders!t1.Read', 'openid'],
    refused: {
      'another subaccount': { claims: { zid: CUSTOMER }, says: /^401 claim_mismatch .*"zid"/ },
      'another application': ANOTHER_AUDIENCE,
    },
  },
  supabase: {
    policy: () => providers.supabase({ projectRef: 'abcdefgh' }),
    roles: ['admin'],
    refused: {
      'an API key': {
        claims: { iss: 'supabase', role: 'anon', aud: undefined },
        says: /^401 issuer_mismatch .*anon or service_role/,
      },
      'another project': { claims: { iss: 'https://other.supabase.co/auth/v1' }, says: /^401 issuer_mismatch/ },
    },
  },
  workos: {
    policy: () => providers.workos({ clientId: 'client_123456789' }),
    roles: ['posts:read', 'posts:write'],
    refused: {
      'another client': {
        claims: { iss: 'https://api.workos.com/user_management/client_2' },
        says: /^401 issuer_mismatch .*client_2/,
      },
    },
  },
  zitadel: {
    policy: () =>
      providers.zitadel({
        domain: 'acme.zitadel.cloud',
        projectId: '358982239599491392',
        clientId: '358982420441159448',
        roles: 'urn:zitadel:iam:org:project:roles',
      }),
    roles: ['admin'],
    refused: {
      'another client': { claims: { client_id: '1' }, says: /^401 claim_mismatch/ },
      'another project': { claims: { aud: ['1'] }, says: /^401 audience_mismatch/ },
    },
  },
  'entra-b2c': {
    policy: () =>
      providers.entraB2c({
        tenant: 'contoso',
        tenantId: TENANT,
        policy: 'B2C_1_signin',
        audience: API,
        clientId: CLIENT,
      }),
    scopes: ['orders.read'],
    refused: {
      'another user flow': { claims: { tfp: 'B2C_1_other' }, says: /^401 token_type .*tfp B2C_1_signin/ },
      'an ID token': { claims: { azp: undefined }, says: /^401 token_type .*no "azp"/ },
    },
  },
  'gitlab-ci': {
    policy: () => providers.gitlabCi({ audience: 'https://api.example.com', projectId: '456789', namespaceId: 123456 }),
    refused: {
      'another project': { claims: { project_id: '1' }, says: /^401 claim_mismatch .*"project_id"/ },
      'another namespace': { claims: { namespace_id: '1' }, says: /^401 claim_mismatch .*"namespace_id"/ },
      'another API': ANOTHER_AUDIENCE,
    },
  },
  'ory-hydra': {
    policy: () =>
      providers.oryHydra({
        issuer: 'https://hydra.example.com/',
        audience: 'https://api.acme.example',
        clientId: 'my-client',
      }),
    scopes: ['orders.read', 'offline'],
    roles: ['admin'],
    refused: {
      'no audience': { claims: { aud: [] }, says: /^401 audience_mismatch/ },
      'another client': { claims: { client_id: 'other' }, says: /^401 claim_mismatch .*"client_id"/ },
    },
  },
  fusionauth: {
    policy: () => providers.fusionauth({ url: 'https://auth.example.com', issuer: 'acme.com', applicationId: CLIENT }),
    scopes: ['openid', 'offline_access'],
    roles: ['admin'],
    refused: {
      'an ID token': { claims: { at_hash: 'h' }, says: /^401 token_type .*ID token/ },
      'an ID token without hashes and nonce': {
        claims: { applicationId: undefined, roles: undefined },
        says: /^401 token_type .*applicationId .*ID token/,
      },
      'a token for another application': { claims: { applicationId: TENANT }, says: /^401 token_type .*applicationId/ },
      'another application': ANOTHER_AUDIENCE,
    },
  },
  logto: {
    policy: () =>
      providers.logto({ endpoint: 'https://acme.logto.app', audience: 'https://api.acme.example', clientId: 'my-app' }),
    scopes: ['read:orders'],
    refused: {
      'another API': ANOTHER_AUDIENCE,
      'another client': { claims: { client_id: 'other' }, says: /^401 claim_mismatch/ },
    },
  },
  pingone: {
    policy: () =>
      providers.pingone({
        environmentId: TENANT,
        region: 'eu',
        audience: 'https://api.acme.example',
        clientId: CLIENT,
      }),
    scopes: ['orders:read'],
    refused: {
      'another environment': {
        claims: { iss: `https://auth.pingone.eu/${CUSTOMER}/as` },
        says: /^401 issuer_mismatch/,
      },
      'another client': { claims: { client_id: 'other' }, says: /^401 claim_mismatch/ },
    },
  },
  descope: {
    policy: () => providers.descope({ projectId: 'P2abcdefghijklmnopqrstuvwxyz', tenantId: 'T2abcdef' }),
    roles: ['admin'],
    refused: {
      'a refresh token': { claims: { drn: 'DSR' }, says: /^401 token_type .*drn DS.*not the refresh token/ },
      'another tenant': { claims: { tenants: { T3: {} } }, says: /^401 claim_missing .*tenants.T2abcdef/ },
    },
  },
  stytch: {
    policy: () => providers.stytch({ projectId: 'project-test-00000000-1111-4222-8333-444444444444' }),
    roles: ['stytch_user', 'admin'],
    refused: {
      'another project': { claims: { iss: 'stytch.com/project-test-1' }, says: /^401 issuer_mismatch/ },
      'another audience': ANOTHER_AUDIENCE,
      'a connected app or an M2M client': {
        claims: { 'https://stytch.com/session': undefined, client_id: 'connected-app-test-1', scope: 'openid' },
        says: /^401 claim_missing .*stytch\.com\/session/,
      },
    },
  },
  salesforce: {
    policy: () => providers.salesforce({ domain: 'acme.my.salesforce.com', clientId: '3MVG9example' }),
    scopes: ['api', 'openid'],
    refused: { 'another app': { claims: { client_id: 'other' }, says: /^401 claim_mismatch .*"client_id"/ } },
  },
  kinde: {
    policy: () =>
      providers.kinde({
        domain: 'acme.kinde.com',
        audience: 'https://api.acme.example',
        clientId: 'my_client_id',
        organization: 'org_1234',
      }),
    scopes: ['openid', 'profile'],
    roles: ['orders:read'],
    refused: {
      'another organization': { claims: { org_code: 'org_2' }, says: /^401 claim_mismatch .*"org_code"/ },
      'another client': { claims: { azp: 'other' }, says: /^401 claim_mismatch .*"azp"/ },
    },
  },
}

/** Okta says that its clients alone may read these tokens, so no profile accepts them. */
const REFUSED = ['okta-org']

it('has a row for each fixture', () => {
  expect([...Object.keys(rows), ...REFUSED].toSorted()).toEqual(Object.keys(fixtures).toSorted())
})

describe.each(Object.entries(rows))('52. %s', (id, { policy, scopes, roles, refused }) => {
  it('is accepted', async () => {
    const token = await outcomeOf(verifierOf(id, policy()), await tokenOf(id))
    expect(token).toMatchObject({ claims: { iss: expect.any(String) } })
    if (typeof token === 'string') return
    if (scopes !== undefined) expect([...token.scopes]).toEqual(scopes)
    if (roles !== undefined) expect([...(token.roles ?? [])]).toEqual(roles)
  })

  it.each(Object.entries(refused))('refuses %s', async (_name, { says, ...changes }) => {
    expect(await outcomeOf(verifierOf(id, policy()), await tokenOf(id, changes))).toMatch(says)
  })

  it('refuses an expired token', async () => {
    expect(
      await outcomeOf(
        verifierOf(id, policy()),
        await tokenOf(id, { claims: { exp: 1_780_000_000, iat: 1_779_999_000, nbf: undefined } }),
      ),
    ).toMatch(/^401 token_expired/)
  })
})

describe('52. A tenant is named by its exact GUID, in the token and in its issuer', () => {
  const known = ofTenant(CUSTOMER)
  it.each<[string, unknown, unknown]>([
    ['another case', CUSTOMER.toUpperCase(), undefined],
    ['a space after it', `${CUSTOMER} `, undefined],
    ['a line break after it', `${CUSTOMER}\n`, undefined],
    ['a list', [CUSTOMER], known['iss']],
    ['an object', { [CUSTOMER]: CUSTOMER }, known['iss']],
    ['no tid', undefined, known['iss']],
    ['an alias', 'common', undefined],
    ['another alias', 'organizations', undefined],
    ['a path', `../${CUSTOMER}`, undefined],
    ['a pattern of replacement', '$&', 'https://login.microsoftonline.com/{tenantid}/v2.0'],
    ['a list as issuer', CUSTOMER, [known['iss']]],
    ['another end of the issuer', CUSTOMER, `${String(known['iss'])}/`],
  ])('%s', async (_name, tid, iss) => {
    const claims = { tid, iss: iss ?? `https://login.microsoftonline.com/${String(tid)}/v2.0` }
    for (const tenants of [[CUSTOMER], 'any'] as const) {
      const policy = providers.entra({ tenants, audience: API })
      const verifier = verifierOf('entra-multitenant', policy)
      expect(await outcomeOf(verifier, await tokenOf('entra-multitenant'))).toHaveProperty('claims')
      expect(await outcomeOf(verifier, await tokenOf('entra-multitenant', { claims }))).toMatch(
        /^401 (?:issuer_mismatch|claim_malformed)/,
      )
    }
  })
})

describe('52. A key of all tenants names its issuer (Entra ID)', () => {
  const withoutIssuer = async (policy: IssuerPolicy) => {
    const { fetch } = network('entra-multitenant')
    const verifier = createVerifier({
      ...policy,
      clock: { now: () => NOW },
      fetch: async (url, init) => {
        const { keys } = (await (await fetch(url, init)).json()) as { keys: object[] }
        return Response.json({ keys: keys.map((key) => ({ ...key, issuer: undefined })) })
      },
    })
    return outcomeOf(verifier, await tokenOf('entra-multitenant'))
  }

  it('or signs no token', async () => {
    for (const tenants of [[CUSTOMER], 'any'] as const)
      expect(await withoutIssuer(providers.entra({ tenants, audience: API }))).toMatch(
        /^401 issuer_mismatch .*does not say for which issuer it signs/,
      )
  })

  it('unless the key is at the address of one tenant', async () => {
    const policy = providers.entra({ tenantId: CUSTOMER, audience: API })
    expect(await withoutIssuer({ ...policy, jwksUri: fixtures['entra-multitenant']?.jwks.uri ?? '' })).toHaveProperty(
      'claims',
    )
  })
})

describe('National clouds of Entra ID', () => {
  it.each([
    ['public', 2, 'https://login.microsoftonline.com/TENANT/v2.0', undefined],
    ['us-government', 2, 'https://login.microsoftonline.us/TENANT/v2.0', undefined],
    ['china', 2, 'https://login.partner.microsoftonline.cn/TENANT/v2.0', undefined],
    ['public', 1, 'https://sts.windows.net/TENANT/', 'https://login.microsoftonline.com'],
    ['us-government', 1, 'https://sts.windows.net/TENANT/', 'https://login.microsoftonline.us'],
    ['china', 1, 'https://sts.chinacloudapi.cn/TENANT/', 'https://login.partner.microsoftonline.cn'],
  ] as const)('%s, version %i', (cloud, version, issuer, login) => {
    const one = providers.entra({ tenantId: TENANT, audience: API, cloud, version })
    expect(one.issuer).toBe(issuer.replace('TENANT', TENANT))
    if (login !== undefined) expect(one.metadataUri).toBe(`${login}/${TENANT}/.well-known/openid-configuration`)
    const many = providers.entra({ tenants: [TENANT], audience: API, cloud, version })
    const host = login ?? issuer.split('/TENANT')[0]
    expect(many.jwksUri).toBe(`${host}/common/discovery/${version === 1 ? '' : 'v2.0/'}keys`)
  })

  it('have other issuers, so a token of another cloud is refused', async () => {
    const policy = providers.entra({ tenantId: TENANT, audience: API, cloud: 'us-government' })
    const jwksUri = fixtures['entra-v2-delegated']?.jwks.uri ?? ''
    const token = await tokenOf('entra-v2-delegated')
    expect(await outcomeOf(verifierOf('entra-v2-delegated', { ...policy, jwksUri }), token)).toMatch(
      /^401 issuer_mismatch/,
    )
    const claims = { iss: `https://login.microsoftonline.us/${TENANT}/v2.0` }
    const own = await tokenOf('entra-v2-delegated', { claims })
    // The key of the fixture names the issuer of the public cloud.
    expect(await outcomeOf(verifierOf('entra-v2-delegated', { ...policy, jwksUri }), own)).toMatch(
      /^401 issuer_mismatch/,
    )
  })

  it('are named exactly', () => {
    expect(() => providers.entra({ tenantId: TENANT, audience: API, cloud: 'gov' as never })).toThrow(
      '"cloud" must be "public" or "us-government" or "china"',
    )
  })
})

describe('Roles of Zitadel in an organization', () => {
  const PROJECT = '358982239599491392'
  const rolesFor = async (organizationId: string | readonly (string | number)[] | undefined, given?: unknown) => {
    const words = { domain: 'acme.zitadel.cloud', projectId: PROJECT, ...(organizationId && { organizationId }) }
    const roles = {
      admin: { '1': 'customer.example' },
      editor: { '2': 'acme.example', '1': 'customer.example' },
      reader: {},
    }
    const claims = { [`urn:zitadel:iam:org:project:${PROJECT}:roles`]: given ?? roles }
    const token = await outcomeOf(verifierOf('zitadel', providers.zitadel(words)), await tokenOf('zitadel', { claims }))
    return typeof token === 'string' ? token : [...(token.roles ?? [])]
  }

  it('count if the user has them in that one', async () => {
    expect(await rolesFor(undefined)).toEqual(['admin', 'editor', 'reader'])
    expect(await rolesFor('2')).toEqual(['editor'])
    expect(await rolesFor(['1', 2])).toEqual(['admin', 'editor'])
    expect(await rolesFor('3')).toEqual([])
    for (const roles of ['admin', ['admin'], [{ '2': 'acme.example' }]])
      expect(await rolesFor('2', roles)).toMatch(/^401 claim_malformed/)
    // Names of Object.prototype are no organizations.
    expect(() => providers.zitadel({ domain: 'a.example', projectId: PROJECT, organizationId: 'toString' })).toThrow(
      '"organizationId" must be the number',
    )
  })
})

describe('52. Roles of an object are its names, if each has an object', () => {
  const zitadel = (): IssuerPolicy =>
    providers.zitadel({ domain: 'acme.zitadel.cloud', projectId: '358982239599491392' })
  it.each<[string, unknown, unknown]>([
    ['objects', { admin: { '1': 'acme' }, editor: { '1': 'acme' } }, ['admin', 'editor']],
    ['no role', {}, []],
    ['null', null, []],
    ['false', { admin: false }, /^401 claim_malformed/],
    ['a member null', { admin: null }, /^401 claim_malformed/],
    ['a number', 5, /^401 claim_malformed/],
    ['a list of numbers', [1], /^401 claim_malformed/],
    ['a list of lists', [['admin']], /^401 claim_malformed/],
  ])('%s', async (_name, roles, expected) => {
    const claims = { 'urn:zitadel:iam:org:project:358982239599491392:roles': roles }
    const token = await outcomeOf(verifierOf('zitadel', zitadel()), await tokenOf('zitadel', { claims }))
    if (typeof token === 'string') expect(token).toMatch(expected as RegExp)
    else expect([...(token.roles ?? [])]).toEqual(expected)
  })
})

describe('okta-org', () => {
  it('stops the start, with the reason', () => {
    expect(() =>
      providers.okta({ domain: 'dev-1.okta.com', authorizationServer: 'org', audience: 'https://dev-1.okta.com' }),
    ).toThrow(/^Cannot use Okta: tokens of the org authorization server are for Okta alone/)
  })

  it('is refused by the profile of a custom server, with the reason', async () => {
    const verifier = verifierOf(
      'okta-org',
      providers.okta({ domain: 'dev-1.okta.com', audience: 'https://dev-1.okta.com' }),
    )
    expect(await outcomeOf(verifier, await tokenOf('okta-org'))).toMatch(
      /^401 issuer_mismatch .*org authorization server/,
    )
  })
})
