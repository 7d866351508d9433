import type { ClaimPath } from '../adapter.ts'
import { type Profile, profile } from './profile.ts'
import { hintsBy, kindBy } from './rules.ts'
import { host, like, needed, rolesWord, text, unseen } from './words.ts'

/** The settings of Clerk. */
export interface ClerkWords {
  /** API keys → Frontend API URL, without https://. */
  readonly frontendApi: string
  /** The origins of the apps whose sessions are accepted, as in `azp`. */
  readonly authorizedParties: readonly string[]
  /** Another claim with roles. @defaultValue ['o', 'rol'], the role in the active organization */
  readonly roles?: ClaimPath
}

/** Session tokens of Clerk. */
export const clerk: Profile<ClerkWords> = /* @__PURE__ */ profile<ClerkWords>({
  name: 'clerk',
  title: 'Clerk',
  words: {
    frontendApi: needed(host('clerk.example.com')),
    authorizedParties: needed({
      be: 'a list of origins, such as ["https://app.example.com"]',
      fits: (value) => {
        const origins: readonly unknown[] = Array.isArray(value) ? value : []
        return (
          origins.length > 0 &&
          origins.every((one) => typeof one === 'string' && URL.canParse(one) && new URL(one).origin === one)
        )
      },
      example: ['https://app.example.com'],
      variable: 'list',
    }),
    roles: rolesWord(),
  },
  wrong: { audience: 'session tokens have no aud: write "authorizedParties"', domain: 'write "frontendApi"' },
  arrives:
    '`sub` is the user, `sid` the session; `o` the active organization, whose role is in `roles` without the prefix `org:`; no scopes',
  traps: [
    'Session tokens have no `aud`. `azp` says which app the session belongs to.',
    'A session with open tasks, such as choosing an organization, has `sts: pending` and is refused.',
    'Tokens of version 1 have `org_role` instead of `o`: upgrade, or name that claim as `roles`.',
  ],
  policy: ({ frontendApi, authorizedParties, roles }) => ({
    issuer: `https://${frontendApi}`,
    audience: null,
    jwksUri: `https://${frontendApi}/.well-known/jwks.json`,
    clientId: authorizedParties,
    clientClaims: ['azp'],
    roleSource: roles ?? ['o', 'rol'],
    provider: {
      name: 'Clerk',
      credentials: [{ from: 'authorization' }, { from: 'cookie', name: '__session' }],
      checkKind: kindBy({
        claim: 'sts',
        refuse: ['pending'],
        hint: 'The session has open tasks: the user must complete them first',
      }),
    },
  }),
})

/** The settings of WorkOS AuthKit. */
export interface WorkosWords {
  /** API keys → Client ID. */
  readonly clientId: string
  /** The issuer of your tokens, if it is another. @defaultValue 'https://api.workos.com/user_management/<clientId>' */
  readonly issuer?: string
  /** Another claim with roles, such as `roles`. @defaultValue 'permissions' */
  readonly roles?: ClaimPath
}

/** Access tokens of WorkOS AuthKit sessions. */
export const workos: Profile<WorkosWords> = /* @__PURE__ */ profile<WorkosWords>({
  name: 'workos',
  title: 'WorkOS AuthKit',
  words: {
    clientId: needed(like(/^client_\w+$/, 'the client ID, such as "client_123456789"', 'client_123456789')),
    issuer: unseen(text('https://api.workos.com')),
    roles: rolesWord(),
  },
  wrong: { audience: 'session tokens have no aud: write "clientId"' },
  arrives: '`roles` from `permissions`; `org_id`, `sid`, `role`, `entitlements`; no scopes',
  traps: [
    'Session tokens have no `aud`. The keys belong to your client alone, so no other client can sign for it.',
    'Some environments have the issuer `https://api.workos.com`: write it as `issuer`.',
  ],
  policy: ({ clientId, issuer = `https://api.workos.com/user_management/${clientId}`, roles }) => ({
    issuer,
    audience: null,
    jwksUri: `https://api.workos.com/sso/jwks/${clientId}`,
    roleSource: roles ?? 'permissions',
    provider: {
      name: 'WorkOS',
      hintOf: hintsBy({
        'https://api.workos.com': 'Write "issuer": "https://api.workos.com" if that is the issuer of your environment',
      }),
    },
  }),
})

/** The settings of Stytch. */
export interface StytchWords {
  /** Dashboard → Project ID, which says whether it is `test` or `live`. */
  readonly projectId: string
  /** The product of the project. @defaultValue 'consumer' */
  readonly product?: 'consumer' | 'b2b'
}

/** Session JWTs of Stytch. */
export const stytch: Profile<StytchWords> = /* @__PURE__ */ profile<StytchWords>({
  name: 'stytch',
  title: 'Stytch',
  words: {
    projectId: needed(
      like(
        /^project-(?:test|live)-[\da-f-]{36}$/,
        'the project ID, such as "project-live-00000000-…"',
        'project-live-00000000-1111-4222-8333-444444444444',
      ),
    ),
    product: {
      be: '"consumer" or "b2b"',
      fits: (value) => value === 'consumer' || value === 'b2b',
      default: 'consumer',
      variable: 'text',
    },
  },
  wrong: { audience: 'the project is the aud: write "projectId"' },
  arrives: '`sub` is the user or member; `roles` from the session in `https://stytch.com/session`; no scopes',
  traps: [
    'A session JWT lives five minutes, and is valid until then even if the session is revoked.',
    'Tokens of connected apps and of M2M clients have the same issuer, audience and keys. They have no `https://stytch.com/session`, and are refused.',
  ],
  policy: ({ projectId, product }) => ({
    issuer: `stytch.com/${projectId}`,
    audience: projectId,
    jwksUri: `https://${projectId.startsWith('project-test-') ? 'test' : 'api'}.stytch.com/v1/${product === 'b2b' ? 'b2b/' : ''}sessions/jwks/${projectId}`,
    algorithms: ['RS256'],
    requiredClaims: ['https://stytch.com/session'],
    roleSource: ['https://stytch.com/session', 'roles'],
    provider: { name: 'Stytch' },
  }),
})

/** The settings of Descope. */
export interface DescopeWords {
  /** Project → Project ID. */
  readonly projectId: string
  /** The tenant of Descope whose members are accepted; roles are then those in that tenant. @defaultValue any user, with the roles of the project */
  readonly tenantId?: string
  /** The `iss` of your tokens, if it is not the project ID. @defaultValue the project ID */
  readonly issuer?: string
}

/** Session tokens of Descope. */
export const descope: Profile<DescopeWords> = /* @__PURE__ */ profile<DescopeWords>({
  name: 'descope',
  title: 'Descope',
  words: {
    projectId: needed(
      like(/^P[\w-]{10,}$/, 'the project ID, such as "P2abcdefghijklmnopqrstuvwxyz"', 'P2abcdefghijklmnopqrstuvwxyz'),
    ),
    tenantId: unseen(text('T2abcdef')),
    issuer: unseen(text('https://api.descope.com/P2abcdefghijklmnopqrstuvwxyz')),
  },
  wrong: { audience: 'session tokens have no aud: write "projectId"' },
  arrives:
    '`roles` of the project, or of the tenant with `tenantId`; `sub`, `dct` (current tenant), `tenants`; no scopes',
  traps: [
    'The refresh token is a JWT of the same issuer. `drn` tells them apart: `DS` is a session, `DSR` a refresh token, which is refused.',
    'Projects with a custom domain or a token format have an address as `iss`: write it as `issuer`.',
  ],
  policy: ({ projectId, tenantId, issuer = projectId }) => ({
    issuer,
    audience: null,
    jwksUri: `https://api.descope.com/v2/keys/${projectId}`,
    roleSource: tenantId === undefined ? 'roles' : ['tenants', tenantId, 'roles'],
    ...(tenantId !== undefined && { requiredClaims: [['tenants', tenantId]] }),
    provider: {
      name: 'Descope',
      checkKind: kindBy({ claim: 'drn', accept: ['DS'], hint: 'Send the session token (DS), not the refresh token' }),
    },
  }),
})
