import { AuthError, type ClaimPath, type Claims, type ProviderRules } from '../adapter.ts'
import { type Profile, profile, wrongWords } from './profile.ts'
import { perTenant } from './rules.ts'
import { choice, clientRules, clients, guid, isGuid, label, like, needed, rolesWord, texts } from './words.ts'

/** Where tokens and keys of a cloud are, and the issuers of version 1. */
const CLOUDS = {
  public: { login: 'https://login.microsoftonline.com', v1: 'https://sts.windows.net' },
  'us-government': { login: 'https://login.microsoftonline.us', v1: 'https://sts.windows.net' },
  china: { login: 'https://login.partner.microsoftonline.cn', v1: 'https://sts.chinacloudapi.cn' },
} as const

type Cloud = (typeof CLOUDS)[keyof typeof CLOUDS]

const CLIENT = '0f0f0f0f-1e1e-4d2d-8c3c-4b4b4b4b4b4b'
const TENANT = '11111111-2222-4333-8444-555555555555'
const API = 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee'

/** The settings of Microsoft Entra ID. Give `tenantId` or `tenants`. */
export interface EntraWords {
  /** Overview → Directory (tenant) ID: for an API of one tenant. */
  readonly tenantId?: string
  /** For a multi-tenant API: the tenant IDs of your customers, or `any` for every tenant and personal account in the world. */
  readonly tenants?: readonly string[] | 'any'
  /** App registrations → your API → Application (client) ID. With version 1 also the Application ID URI, as in `api://…`. */
  readonly audience: string | readonly string[]
  /** App registrations → your API → Manifest → `requestedAccessTokenVersion`; `null` there means 1. @defaultValue 2 */
  readonly version?: 1 | 2
  /** The cloud of the tenants: `us-government` for portal.azure.us, `china` for portal.azure.cn (21Vianet). @defaultValue 'public' */
  readonly cloud?: 'public' | 'us-government' | 'china'
  /** Application (client) IDs of the clients whose tokens are accepted. @defaultValue any */
  readonly clientId?: string | readonly string[]
  /** Another claim with roles. @defaultValue 'roles' */
  readonly roles?: ClaimPath
}

/** Access tokens of Microsoft Entra ID, for one tenant or several. */
export const entra: Profile<EntraWords> = /* @__PURE__ */ profile<EntraWords>({
  name: 'entra',
  title: 'Microsoft Entra ID',
  words: {
    tenantId: guid(TENANT),
    tenants: {
      be: 'a list of tenant IDs, which are GUIDs, or "any"',
      fits: (value) => value === 'any' || (Array.isArray(value) && value.length > 0 && value.every(isGuid)),
      variable: 'list',
    },
    audience: needed(texts(API)),
    version: { be: '1 or 2', fits: (value) => value === 1 || value === 2, default: 2 },
    cloud: { ...choice('public', 'us-government', 'china'), default: 'public' },
    clientId: clients(CLIENT),
    roles: rolesWord(),
  },
  wrong: {
    tenant: 'write "tenantId"',
    issuer: 'write "tenantId"',
    authority: 'write "tenantId"',
    clientID: 'write "clientId"',
  },
  arrives:
    '`scopes` from `scp` (users) and `roles` from `roles` (users and daemons); `oid` and `tid` identify a user; the client is in `azp` (`appid` in version 1)',
  traps: [
    'New API registrations issue version 1 tokens, with another issuer. Set `requestedAccessTokenVersion` to 2, or write `version: 1`.',
    'A daemon has no `scp`: require a role, not a scope.',
    'With `tenants: "any"`, every Microsoft account can get a token for your API. Check `tid` against your customers.',
    'Tenants of a national cloud need `cloud`: their issuers and keys are on other hosts.',
    'Tokens for Microsoft Graph cannot be verified by anyone else: ask for a scope of your own API.',
  ],
  policy: ({ tenantId, tenants, audience, version, cloud: name = 'public', clientId, roles }) => {
    const cloud = CLOUDS[name]
    const values = tenantsOf(tenantId, tenants)
    if (version === 2 && [audience].flat().some((id) => id.startsWith('api://')))
      throw wrongWords(
        'Microsoft Entra ID',
        'tokens of version 2 name the Application (client) ID, a GUID: write it as "audience"',
        audience,
      )
    const isV1 = version === 1
    const [v1, v2] = [`${cloud.v1}/{tenantid}/`, `${cloud.login}/{tenantid}/v2.0`]
    const template = isV1 ? v1 : v2
    const issuer = tenantId === undefined ? template : template.replace('{tenantid}', () => tenantId.toLowerCase())
    const client = isV1 ? 'appid' : 'azp'
    const rules = perTenant({
      claim: 'tid',
      values,
      issuer: template,
      keyIssuers: isV1 ? [v1, v2] : [v2],
      // The keys of version 2 for all tenants name their issuers. Those of version 1 do not, nor need those of one tenant.
      keyWithoutIssuer: isV1 || tenantId !== undefined ? 'accept' : 'refuse',
    })
    return {
      issuer,
      audience,
      ...keysOf(tenantId, version, cloud),
      ...clientRules(clientId, client),
      scopeSources: ['scp'],
      roleSource: roles ?? 'roles',
      provider: {
        name: 'Microsoft Entra ID',
        ...rules,
        hintOf: (claims) => versionHint(claims, isV1, cloud) ?? rules.hintOf?.(claims),
        checkKind: accessTokenWith(client),
      },
    }
  },
})

function tenantsOf(tenantId: string | undefined, tenants: EntraWords['tenants']): readonly string[] | 'any' {
  if ((tenantId === undefined) === (tenants === undefined))
    throw wrongWords(
      'Microsoft Entra ID',
      'say whose tokens are accepted: "tenantId" for one tenant, or "tenants" with a list of tenant IDs, or "any" to accept every tenant in the world',
    )
  if (tenants === 'any') return 'any'
  return (tenants ?? [tenantId ?? '']).map((id) => id.toLowerCase())
}

function keysOf(
  tenantId: string | undefined,
  version: 1 | 2 | undefined,
  { login }: Cloud,
): { readonly jwksUri?: string; readonly metadataUri?: string } {
  if (version === 1 && tenantId !== undefined)
    return { metadataUri: `${login}/${tenantId.toLowerCase()}/.well-known/openid-configuration` }
  if (tenantId !== undefined) return {}
  return { jwksUri: `${login}/common/discovery/${version === 1 ? '' : 'v2.0/'}keys` }
}

function versionHint({ iss = '' }: Claims, isV1: boolean, { login, v1 }: Cloud): string | undefined {
  const isV1Token = iss.startsWith(`${v1}/`)
  if (isV1 === isV1Token) return undefined
  if (isV1Token)
    return 'This is a version 1 token: set requestedAccessTokenVersion to 2 in the manifest of the API, or write "version": 1'
  return iss.startsWith(`${login}/`) ? 'This is a version 2 token: write "version": 2' : undefined
}

// The audience alone does not tell: an app that is its own API gets ID tokens with the same aud.
function accessTokenWith(client: string): NonNullable<ProviderRules['checkKind']> {
  return (claims) => {
    if (typeof claims[client] === 'string') return
    const hint = `This looks like an ID token: it has no "${client}". Send the access token instead`
    throw new AuthError('token_type', { expected: `an access token with ${client}`, actual: undefined, hint })
  }
}

/** The settings of Azure AD B2C. */
export interface EntraB2cWords {
  /** The name before `.onmicrosoft.com`. */
  readonly tenant: string
  /** Overview → Tenant ID. */
  readonly tenantId: string
  /** User flows → the name of yours, such as `B2C_1_signin`. */
  readonly policy: string
  /** App registrations → your API → Application (client) ID. */
  readonly audience: string | readonly string[]
  /** Application (client) IDs of the clients whose tokens are accepted. @defaultValue any */
  readonly clientId?: string | readonly string[]
}

/** Access tokens of Azure AD B2C, of one user flow. */
export const entraB2c: Profile<EntraB2cWords> = /* @__PURE__ */ profile<EntraB2cWords>({
  name: 'entra-b2c',
  title: 'Azure AD B2C',
  words: {
    tenant: needed(label('contoso')),
    tenantId: needed(guid(TENANT)),
    policy: needed(
      like(/^B2C_1A?_\w+$/i, 'the name of a user flow or custom policy, such as "B2C_1_signin"', 'B2C_1_signin'),
    ),
    audience: needed(texts(API)),
    clientId: clients(CLIENT),
  },
  wrong: { userFlow: 'write "policy"', domain: 'write "tenant", the name before .onmicrosoft.com' },
  arrives: '`scopes` from `scp`; the user flow in `tfp` or `acr`; the client in `azp`; no roles',
  traps: [
    'Each user flow has its own metadata. For several, list one profile each: they share an issuer, so use a verifier each.',
    'The issuer ends with a slash and contains the tenant ID, not the name.',
  ],
  policy: ({ tenant, tenantId, policy, audience, clientId }) => ({
    issuer: `https://${tenant}.b2clogin.com/${tenantId.toLowerCase()}/v2.0/`,
    audience,
    metadataUri: `https://${tenant}.b2clogin.com/${tenant}.onmicrosoft.com/${policy}/v2.0/.well-known/openid-configuration`,
    ...clientRules(clientId, 'azp'),
    scopeSources: ['scp'],
    provider: {
      name: 'Azure AD B2C',
      checkKind: (claims) => {
        accessTokenWith('azp')(claims)
        const flow = claims['tfp'] ?? claims['acr']
        if (typeof flow === 'string' && flow.toLowerCase() === policy.toLowerCase()) return
        const hint = 'Another user flow of this tenant issued it ("tfp" or "acr")'
        throw new AuthError('token_type', { expected: `tfp ${policy}`, actual: flow, hint })
      },
    },
  }),
})

/** The settings of Microsoft Entra External ID. */
export interface EntraExternalIdWords {
  /** The name before `.ciamlogin.com`. */
  readonly subdomain: string
  /** Overview → Tenant ID. */
  readonly tenantId: string
  /** App registrations → your API → Application (client) ID. */
  readonly audience: string | readonly string[]
  /** Application (client) IDs of the clients whose tokens are accepted. @defaultValue any */
  readonly clientId?: string | readonly string[]
  /** Another claim with roles. @defaultValue 'roles' */
  readonly roles?: ClaimPath
}

/** Access tokens of Microsoft Entra External ID. */
export const entraExternalId: Profile<EntraExternalIdWords> = /* @__PURE__ */ profile<EntraExternalIdWords>({
  name: 'entra-external-id',
  title: 'Microsoft Entra External ID',
  words: {
    subdomain: needed(label('contoso')),
    tenantId: needed(guid(TENANT)),
    audience: needed(texts(API)),
    clientId: clients(CLIENT),
    roles: rolesWord(),
  },
  wrong: { tenant: 'write "subdomain" and "tenantId"', domain: 'write "subdomain", the name before .ciamlogin.com' },
  arrives: '`scopes` from `scp`, `roles` from `roles`; the client in `azp`',
  traps: [
    'The issuer is on `<tenant ID>.ciamlogin.com`, although sign-in pages and metadata are on `<name>.ciamlogin.com`.',
  ],
  policy: ({ subdomain, tenantId: given, audience, clientId, roles }) => {
    const tenantId = given.toLowerCase()
    const issuer = `https://${tenantId}.ciamlogin.com/${tenantId}/v2.0`
    return {
      issuer,
      audience,
      metadataUri: `https://${subdomain}.ciamlogin.com/${tenantId}/v2.0/.well-known/openid-configuration`,
      allowedKeyHosts: [`${tenantId}.ciamlogin.com`],
      ...clientRules(clientId, 'azp'),
      scopeSources: ['scp'],
      roleSource: roles ?? 'roles',
      provider: {
        name: 'Microsoft Entra External ID',
        ...perTenant({ claim: 'tid', values: [tenantId], issuer, keyIssuers: [issuer], keyWithoutIssuer: 'accept' }),
        checkKind: accessTokenWith('azp'),
      },
    }
  },
})
