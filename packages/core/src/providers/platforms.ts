import { claim, type ClaimPath } from '../adapter.ts'
import { type Profile, profile, wrongWords } from './profile.ts'
import { hintsBy } from './rules.ts'
import { clientRules, clients, host, like, needed, rolesWord, text, texts, unseen } from './words.ts'

/** The settings of Auth0. */
export interface Auth0Words {
  /** Applications → your application → Domain; with a custom domain, that one. */
  readonly domain: string
  /** Applications → APIs → your API → Identifier. */
  readonly audience: string | readonly string[]
  /** Client IDs of the applications whose tokens are accepted. @defaultValue any */
  readonly clientId?: string | readonly string[]
  /** Another claim with roles, such as your own `https://acme.example/roles`. @defaultValue 'permissions' */
  readonly roles?: ClaimPath
}

/** Access tokens of Auth0, of both token profiles. */
export const auth0: Profile<Auth0Words> = /* @__PURE__ */ profile<Auth0Words>({
  name: 'auth0',
  title: 'Auth0',
  words: {
    domain: needed(host('acme.eu.auth0.com')),
    audience: needed(texts('https://api.acme.example')),
    clientId: clients('my_client_id'),
    roles: rolesWord(),
  },
  wrong: {
    issuer: 'write "domain", such as "acme.eu.auth0.com"',
    issuerBaseURL: 'write "domain", such as "acme.eu.auth0.com"',
    identifier: 'write "audience"',
  },
  arrives:
    '`scopes` from `scope`, `roles` from `permissions`; the client in `azp`, or `client_id` in the RFC 9068 profile; `org_id`',
  traps: [
    'Without `audience` in the authorization request, Auth0 gives an opaque token for its own `/userinfo`.',
    '`permissions` are there only with RBAC and "Add Permissions in the Access Token" in the API\'s settings.',
    'The issuer ends with a slash, which the profile adds.',
  ],
  policy: ({ domain, audience, clientId, roles }) => ({
    issuer: `https://${domain}/`,
    audience,
    ...clientRules(clientId, 'azp', 'client_id'),
    scopeSources: ['scope'],
    roleSource: roles ?? 'permissions',
    provider: { name: 'Auth0' },
  }),
})

/** The settings of Okta. */
export interface OktaWords {
  /** The domain of your Okta organization, or a custom domain. */
  readonly domain: string
  /** Security → API → the last part of your authorization server's Issuer URI. @defaultValue 'default' */
  readonly authorizationServer?: string
  /** Security → API → your authorization server → Audience. */
  readonly audience: string | readonly string[]
  /** Client IDs of the applications whose tokens are accepted. @defaultValue any */
  readonly clientId?: string | readonly string[]
  /** Another claim with roles. @defaultValue 'groups' */
  readonly roles?: ClaimPath
}

const OPAQUE =
  'tokens of the org authorization server are for Okta alone, and may change at any time: use a custom authorization server, or introspection'

/** Access tokens of an Okta custom authorization server. */
export const okta: Profile<OktaWords> = /* @__PURE__ */ profile<OktaWords>({
  name: 'okta',
  title: 'Okta',
  words: {
    domain: needed(host('dev-1.okta.com')),
    authorizationServer: {
      ...like(/^[\w-]+$/, 'the name or ID of a custom authorization server, such as "default"', 'default'),
      default: 'default',
    },
    audience: needed(texts('api://default')),
    clientId: clients('nmdP1fcyvdVO11AL7ECm'),
    roles: rolesWord(),
  },
  wrong: { issuer: 'write "domain" and "authorizationServer"', orgUrl: 'write "domain"' },
  arrives:
    '`scopes` from `scp`, `roles` from `groups` if your server has a groups claim; the client in `cid`; the user in `uid` and `sub`',
  traps: [
    'Tokens of the org authorization server (issuer without `/oauth2/…`) are refused: Okta alone may validate them.',
    '`groups` is absent until you add a groups claim to the authorization server.',
  ],
  policy: ({ domain, authorizationServer, audience, clientId, roles }) => {
    if (authorizationServer === 'org') throw wrongWords('Okta', OPAQUE)
    return {
      issuer: `https://${domain}/oauth2/${authorizationServer}`,
      audience,
      ...clientRules(clientId, 'cid'),
      scopeSources: ['scp'],
      roleSource: roles ?? 'groups',
      provider: { name: 'Okta', hintOf: hintsBy({ [`https://${domain}`]: `Okta: ${OPAQUE}` }) },
    }
  },
})

/** The settings of PingOne. */
export interface PingoneWords {
  /** Environment → Properties → Environment ID. */
  readonly environmentId: string
  /** The region, as the end of the host `auth.pingone.<region>`. */
  readonly region: 'com' | 'eu' | 'ca' | 'asia' | 'com.au' | 'sg'
  /** Resources → yours → Audience. */
  readonly audience: string | readonly string[]
  /** Client IDs of the applications whose tokens are accepted. @defaultValue any */
  readonly clientId?: string | readonly string[]
  /** The attribute of the resource with roles or groups. @defaultValue none */
  readonly roles?: ClaimPath
}

const REGIONS: readonly unknown[] = ['com', 'eu', 'ca', 'asia', 'com.au', 'sg']

/** Access tokens of PingOne. */
export const pingone: Profile<PingoneWords> = /* @__PURE__ */ profile<PingoneWords>({
  name: 'pingone',
  title: 'PingOne',
  words: {
    environmentId: needed(
      like(
        /^[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}$/,
        'the environment ID, a GUID',
        '11111111-2222-4333-8444-555555555555',
      ),
    ),
    region: needed({
      be: '"com", "eu", "ca", "asia", "com.au" or "sg"',
      fits: (value) => REGIONS.includes(value),
      example: 'eu',
      variable: 'text',
    }),
    audience: needed(texts('https://api.acme.example')),
    clientId: clients('0f0f0f0f-1e1e-4d2d-8c3c-4b4b4b4b4b4b'),
    roles: rolesWord(),
  },
  wrong: { envId: 'write "environmentId"', issuer: 'write "environmentId" and "region"' },
  arrives: '`scopes` from `scope`; the client in `client_id`; `roles` if you name their claim',
  traps: [
    'Without a custom resource, the token is for the API of PingOne itself.',
    'Tokens of client credentials have no `sub`.',
  ],
  policy: ({ environmentId, region, audience, clientId, roles }) => ({
    issuer: `https://auth.pingone.${region}/${environmentId}/as`,
    audience,
    algorithms: ['RS256'],
    ...clientRules(clientId, 'client_id'),
    scopeSources: ['scope'],
    ...(roles !== undefined && { roleSource: roles }),
    provider: { name: 'PingOne' },
  }),
})

/** The settings of Kinde. */
export interface KindeWords {
  /** Settings → your application → Domain; with a custom domain, that one. */
  readonly domain: string
  /** Settings → APIs → your API → Audience. */
  readonly audience: string | readonly string[]
  /** Client IDs of the applications whose tokens are accepted. @defaultValue any */
  readonly clientId?: string | readonly string[]
  /** Another claim with roles. @defaultValue 'permissions' */
  readonly roles?: ClaimPath
  /** The organization (`org_code`) whose members are accepted. @defaultValue any */
  readonly organization?: string
}

/** Access tokens of Kinde. */
export const kinde: Profile<KindeWords> = /* @__PURE__ */ profile<KindeWords>({
  name: 'kinde',
  title: 'Kinde',
  words: {
    domain: needed(host('acme.kinde.com')),
    audience: needed(texts('https://api.acme.example')),
    clientId: clients('my_client_id'),
    roles: rolesWord(),
    organization: unseen(text('org_1234')),
  },
  wrong: { issuer: 'write "domain"' },
  arrives: '`scopes` from `scp`, `roles` from `permissions`; the client in `azp`; `org_code`',
  traps: ['Without an API that the application is authorized for, `aud` is empty.'],
  policy: ({ domain, audience, clientId, roles, organization }) => ({
    issuer: `https://${domain}`,
    audience,
    jwksUri: `https://${domain}/.well-known/jwks`,
    ...clientRules(clientId, 'azp'),
    scopeSources: ['scp', 'scope'],
    roleSource: roles ?? 'permissions',
    ...(organization !== undefined && { requiredClaims: [claim('org_code', organization)] }),
    provider: { name: 'Kinde' },
  }),
})
/** The settings of Salesforce. */
export interface SalesforceWords {
  /** Setup → My Domain → Current My Domain URL, without https://. */
  readonly domain: string
  /** External Client Apps → yours → Consumer Key of each app whose tokens are accepted. */
  readonly clientId: string | readonly string[]
  /** The `aud` of the tokens. @defaultValue the address of My Domain */
  readonly audience?: string | readonly string[]
}

/** JWT-based access tokens of Salesforce. */
export const salesforce: Profile<SalesforceWords> = /* @__PURE__ */ profile<SalesforceWords>({
  name: 'salesforce',
  title: 'Salesforce',
  words: {
    domain: needed(host('acme.my.salesforce.com')),
    clientId: needed(texts('3MVG9example')),
    audience: texts('https://acme.my.salesforce.com', false),
  },
  wrong: { consumerKey: 'write "clientId"', instanceUrl: 'write "domain"' },
  arrives: '`scopes` from `scp`; `sub` is `uid:<user ID>`; the client in `client_id`; no roles',
  traps: [
    'Access tokens are opaque until the app has "Issue JWT-based access tokens".',
    'All apps of an org have the same `aud`, so the consumer key decides.',
  ],
  policy: ({ domain, clientId, audience = `https://${domain}` }) => ({
    issuer: `https://${domain}`,
    audience,
    jwksUri: `https://${domain}/id/keys`,
    algorithms: ['RS256'],
    clientId,
    clientClaims: ['client_id'],
    scopeSources: ['scp'],
    provider: { name: 'Salesforce' },
  }),
})
