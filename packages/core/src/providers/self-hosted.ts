import type { ClaimPath, ProviderRules } from '../adapter.ts'
import { type Profile, profile } from './profile.ts'
import { kindBy } from './rules.ts'
import {
  address,
  choice,
  clientRules,
  clients,
  host,
  ids,
  idTexts,
  like,
  needed,
  rolesWord,
  server,
  text,
  texts,
} from './words.ts'

/** The settings of Keycloak. */
export interface KeycloakWords {
  /** The address of Keycloak, with its path if it has one, such as `/auth` before version 17. */
  readonly url: string
  /** The name of the realm. */
  readonly realm: string
  /** The client of this API, which an audience mapper puts into `aud`. */
  readonly audience: string
  /** Whose roles count: those of the API's client, or those of the realm. @defaultValue 'client' */
  readonly roles?: 'client' | 'realm'
  /** Client IDs of the clients whose tokens are accepted. @defaultValue any */
  readonly clientId?: string | readonly string[]
}

/** Access tokens of a Keycloak realm. */
export const keycloak: Profile<KeycloakWords> = /* @__PURE__ */ profile<KeycloakWords>({
  name: 'keycloak',
  title: 'Keycloak',
  words: {
    url: needed(server('https://sso.example.com')),
    realm: needed(like(/^[^/?#\s]+$/, 'the name of a realm, such as "shop"', 'shop')),
    audience: needed(text('orders-api')),
    roles: { ...choice('client', 'realm'), default: 'client' },
    clientId: clients('web-shop'),
  },
  wrong: { issuer: 'write "url" and "realm"', authServerUrl: 'write "url"', resource: 'write "audience"' },
  arrives:
    '`scopes` from `scope`, `roles` from `resource_access.<audience>.roles`, or from `realm_access.roles` with `roles: "realm"`; the client in `azp`',
  traps: [
    "By default, `aud` is `account`. Add an audience mapper for the API's client to a client scope.",
    'Before version 25, access tokens carry a `nonce`. The claim `typ` tells them from ID tokens, so they are accepted.',
    'Roles of other clients (`resource_access`) never count.',
  ],
  policy: ({ url, realm, audience, roles, clientId }) => ({
    issuer: `${url}/realms/${realm}`,
    audience,
    idTokens: 'accept',
    ...clientRules(clientId, 'azp'),
    scopeSources: ['scope'],
    roleSource: roles === 'realm' ? ['realm_access', 'roles'] : ['resource_access', audience, 'roles'],
    provider: {
      name: 'Keycloak',
      checkKind: kindBy({
        claim: 'typ',
        accept: ['Bearer', 'DPoP'],
        hint: 'ID is an ID token, Refresh and Offline are refresh tokens: send the access token',
      }),
    },
  }),
})

/** The settings of Zitadel. */
export interface ZitadelWords {
  /** The domain of your instance. */
  readonly domain: string
  /** Projects → the project of this API → Resource Id. */
  readonly projectId: string
  /** Another claim with roles. @defaultValue 'urn:zitadel:iam:org:project:<projectId>:roles' */
  readonly roles?: ClaimPath
  /** Organization → Resource Id: only roles that users have in one of these organizations count. @defaultValue any organization */
  readonly organizationId?: string | number | readonly (string | number)[]
  /** Client IDs of the applications whose tokens are accepted. @defaultValue any */
  readonly clientId?: string | readonly string[]
}

/** JWT access tokens of Zitadel. */
export const zitadel: Profile<ZitadelWords> = /* @__PURE__ */ profile<ZitadelWords>({
  name: 'zitadel',
  title: 'Zitadel',
  words: {
    domain: needed(host('acme.zitadel.cloud')),
    projectId: needed({
      ...ids('358982239599491392'),
      be: 'the number that is the Resource Id of the project',
      variable: 'text',
    }),
    roles: rolesWord(),
    organizationId: ids('358981944035333912', false),
    clientId: clients('358982420441159448'),
  },
  wrong: { audience: 'write "projectId"', issuer: 'write "domain"', url: 'write "domain"' },
  arrives:
    '`roles` of your project (the names in the roles object); `sub`; the client in `client_id` or `azp`; `scopes` from `scope` if present',
  traps: [
    'Access tokens are opaque until the application has the token type JWT.',
    'Ask for the scopes `urn:zitadel:iam:org:project:id:<projectId>:aud` and `urn:zitadel:iam:org:projects:roles`, or switch on "Assert Roles".',
    'A project can be granted to other organizations, whose admins give its roles to their own users. Set `organizationId`, or compare `urn:zitadel:iam:user:resourceowner:id`.',
    "The claim `urn:zitadel:iam:org:project:roles` has the roles of the client's project, which may be another than yours. To use it, name it as `roles` and set `clientId`.",
  ],
  policy: ({ domain, projectId, roles, organizationId, clientId }) => ({
    issuer: `https://${domain}`,
    audience: projectId,
    jwksUri: `https://${domain}/oauth/v2/keys`,
    ...clientRules(clientId, 'client_id', 'azp'),
    roleSource: roles ?? `urn:zitadel:iam:org:project:${projectId}:roles`,
    provider: {
      name: 'Zitadel',
      ...(organizationId !== undefined && { roleCounts: inOrganization(idTexts(organizationId)) }),
    },
  }),
})

// Each role is an object whose names are the organizations in which the user has it.
function inOrganization(trusted: readonly string[]): NonNullable<ProviderRules['roleCounts']> {
  return (granted) => trusted.some((id) => Object.hasOwn(granted, id))
}

/** The settings of Duende IdentityServer. */
export interface DuendeWords {
  /** The address of IdentityServer. */
  readonly authority: string
  /** The name of the ApiResource. */
  readonly audience: string | readonly string[]
  /** Client IDs whose tokens are accepted. @defaultValue any */
  readonly clientId?: string | readonly string[]
  /** Another claim with roles. @defaultValue 'role' */
  readonly roles?: ClaimPath
}

/** Access tokens of Duende IdentityServer. */
export const duende: Profile<DuendeWords> = /* @__PURE__ */ profile<DuendeWords>({
  name: 'duende',
  title: 'Duende IdentityServer',
  words: {
    authority: needed(server('https://ids.example.com')),
    audience: needed(texts('invoice')),
    clientId: clients('client'),
    roles: rolesWord(),
  },
  wrong: { issuer: 'write "authority"', url: 'write "authority"' },
  arrives: '`scopes` from `scope`, a list or a string; `roles` from `role`; the client in `client_id`',
  traps: [
    'Without an ApiResource, tokens have no `aud`. Define one, or switch on `EmitStaticAudienceClaim` and use `<authority>/resources`.',
    'Reference tokens are opaque: set `AccessTokenType.Jwt`, or use introspection.',
  ],
  policy: ({ authority, audience, clientId, roles }) => ({
    issuer: authority,
    audience,
    tokenTypes: ['at+jwt'],
    ...clientRules(clientId, 'client_id'),
    scopeSources: ['scope'],
    roleSource: roles ?? 'role',
    provider: { name: 'Duende IdentityServer' },
  }),
})

/** The settings of Ory Hydra. */
export interface OryHydraWords {
  /** `urls.self.issuer`, with the slash at its end if it has one; on Ory Network, the address of the project. */
  readonly issuer: string
  /** One of the audiences that clients may ask for. */
  readonly audience: string | readonly string[]
  /** Client IDs whose tokens are accepted. @defaultValue any */
  readonly clientId?: string | readonly string[]
  /** Another claim with roles. @defaultValue ['ext', 'roles'] */
  readonly roles?: ClaimPath
}

/** JWT access tokens of Ory Hydra and Ory Network. */
export const oryHydra: Profile<OryHydraWords> = /* @__PURE__ */ profile<OryHydraWords>({
  name: 'ory-hydra',
  title: 'Ory Hydra',
  words: {
    issuer: needed(address('https://hydra.example.com/')),
    audience: needed(texts('https://api.acme.example')),
    clientId: clients('my-client'),
    roles: rolesWord(),
  },
  wrong: { url: 'write "issuer"' },
  arrives: '`scopes` from `scp`; `roles` from `ext.roles`, where your consent app puts them; the client in `client_id`',
  traps: [
    'Access tokens are opaque until `strategies.access_token` is `jwt`.',
    '`aud` is empty unless the client asks for an `audience` and may have it.',
  ],
  policy: ({ issuer, audience, clientId, roles }) => ({
    issuer,
    audience,
    ...clientRules(clientId, 'client_id'),
    scopeSources: ['scp', 'scope'],
    roleSource: roles ?? ['ext', 'roles'],
    provider: { name: 'Ory Hydra' },
  }),
})

/** The settings of FusionAuth. */
export interface FusionauthWords {
  /** The address of FusionAuth. */
  readonly url: string
  /** Tenants → yours → General → Issuer, exactly. */
  readonly issuer: string
  /** Applications → yours → Id. */
  readonly applicationId: string | readonly string[]
  /** Another claim with roles. @defaultValue 'roles' */
  readonly roles?: ClaimPath
}

/** Access tokens of FusionAuth. */
export const fusionauth: Profile<FusionauthWords> = /* @__PURE__ */ profile<FusionauthWords>({
  name: 'fusionauth',
  title: 'FusionAuth',
  words: {
    url: needed(server('https://auth.example.com')),
    issuer: needed(text('acme.com')),
    applicationId: needed(texts('0f0f0f0f-1e1e-4d2d-8c3c-4b4b4b4b4b4b')),
    roles: rolesWord(),
  },
  wrong: { audience: 'write "applicationId"', clientId: 'write "applicationId"' },
  arrives: '`roles` of the user in the application; `scopes` from `scope`; `sub`, `applicationId`, `tid`',
  traps: [
    'The default issuer is `acme.com`: change it in the tenant, and write the same text here.',
    'New installations sign with HS256, whose secret must not leave FusionAuth: choose an RSA or EC key for the application.',
    'ID tokens have the same `aud` as access tokens, but since version 1.24 no `applicationId`, which the profile demands. A JWT populate lambda that adds it to ID tokens makes them pass.',
    'A user without a registration for the application has no `applicationId` either, and is refused.',
  ],
  policy: ({ url, issuer, applicationId, roles }) => ({
    issuer,
    audience: applicationId,
    jwksUri: `${url}/.well-known/jwks.json`,
    scopeSources: ['scope'],
    roleSource: roles ?? 'roles',
    provider: {
      name: 'FusionAuth',
      checkKind: kindBy({
        claim: 'applicationId',
        accept: [applicationId].flat(),
        hint: 'Without it, this is an ID token, or the user has no registration for the application: send the access token of a registered user',
      }),
    },
  }),
})

/** The settings of Logto. */
export interface LogtoWords {
  /** Settings → Domains: the address of your tenant. */
  readonly endpoint: string
  /** API resources → yours → API identifier. */
  readonly audience: string | readonly string[]
  /** App IDs whose tokens are accepted. @defaultValue any */
  readonly clientId?: string | readonly string[]
  /** The claim with roles that your custom JWT script adds. @defaultValue none */
  readonly roles?: ClaimPath
}

/** Access tokens of Logto for an API resource. */
export const logto: Profile<LogtoWords> = /* @__PURE__ */ profile<LogtoWords>({
  name: 'logto',
  title: 'Logto',
  words: {
    endpoint: needed(server('https://acme.logto.app')),
    audience: needed(texts('https://api.acme.example')),
    clientId: clients('my-app'),
    roles: rolesWord(),
  },
  wrong: { issuer: 'write "endpoint"', resource: 'write "audience"', url: 'write "endpoint"' },
  arrives:
    '`scopes` from `scope`: the permissions of the user for the API; the client in `client_id`; `roles` if you name their claim',
  traps: ['Without `resource` in the authorization request, Logto gives an opaque token.'],
  policy: ({ endpoint, audience, clientId, roles }) => ({
    issuer: `${endpoint}/oidc`,
    audience,
    jwksUri: `${endpoint}/oidc/jwks`,
    ...clientRules(clientId, 'client_id'),
    scopeSources: ['scope'],
    ...(roles !== undefined && { roleSource: roles }),
    provider: { name: 'Logto' },
  }),
})
