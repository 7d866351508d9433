import { type ClaimPath, firstOf } from '../adapter.ts'
import { type Profile, profile, wrongWords } from './profile.ts'
import { hintsBy, kindBy } from './rules.ts'
import { label, needed, rolesWord, texts } from './words.ts'

/** The settings of Supabase Auth. */
export interface SupabaseWords {
  /** Project Settings → General → Project ID. */
  readonly projectRef: string
  /** The `aud` of your users. @defaultValue 'authenticated' */
  readonly audience?: string | readonly string[]
  /** Project Settings → JWT Keys → Legacy JWT Secret, during a migration. It verifies only HS256. Needs `legacyUntil`. @defaultValue none */
  readonly legacySecret?: string
  /** When the migration ends: from then on, the legacy secret verifies no token. */
  readonly legacyUntil?: Date
  /** Another claim with roles. @defaultValue ['app_metadata', 'roles'] */
  readonly roles?: ClaimPath
}

/** Access tokens of Supabase Auth. */
export const supabase: Profile<SupabaseWords> = /* @__PURE__ */ profile<SupabaseWords>({
  name: 'supabase',
  title: 'Supabase Auth',
  words: {
    projectRef: needed(label('abcdefgh')),
    audience: { ...texts('authenticated', false), default: 'authenticated' },
    legacySecret: {
      be: 'the legacy JWT secret, at least 32 characters',
      fits: isSecret,
      printed: () => 'another value',
      variable: 'text',
    },
    legacyUntil: { be: 'a Date, such as new Date("2027-01-31")', fits: isDate, variable: 'date' },
    roles: rolesWord(),
  },
  wrong: {
    url: 'write "projectRef", the name before .supabase.co',
    secret: 'write "legacySecret" and "legacyUntil"',
    jwtSecret: 'write "legacySecret" and "legacyUntil"',
  },
  arrives:
    '`roles` from `app_metadata.roles`; `sub`, `email`, `aal`, `session_id`; `role` is the role in Postgres; no scopes',
  traps: [
    'The user can change `user_metadata`: never read roles from it.',
    'New projects sign with ES256. For older ones, create signing keys first; `legacySecret` accepts HS256 during the migration.',
    'API keys (`anon`, `service_role`) are no user tokens, and are refused.',
  ],
  policy: ({ projectRef, audience = '', legacySecret, legacyUntil, roles }) => {
    if ((legacySecret === undefined) !== (legacyUntil === undefined))
      throw wrongWords(
        'Supabase Auth',
        '"legacySecret" and "legacyUntil" belong together: say until when the secret is accepted',
      )
    const issuer = `https://${projectRef}.supabase.co/auth/v1`
    const jwksUri = `${issuer}/.well-known/jwks.json`
    return {
      issuer,
      audience,
      ...(legacySecret === undefined
        ? { jwksUri, algorithms: ['ES256', 'RS256'] as const }
        : {
            keys: firstOf({ secret: legacySecret, until: legacyUntil }, { jwksUri }),
            algorithms: ['HS256', 'ES256', 'RS256'] as const,
          }),
      roleSource: roles ?? ['app_metadata', 'roles'],
      provider: {
        name: 'Supabase',
        hintOf: hintsBy({
          supabase: 'This is an API key of Supabase (anon or service_role). Send the access token of a user',
        }),
      },
    }
  },
})

function isSecret(value: unknown): boolean {
  return typeof value === 'string' && value.length >= 32
}

function isDate(value: unknown): boolean {
  return Object.prototype.toString.call(value) === '[object Date]' && Number.isFinite(Number(value))
}

/** The settings of Cloudflare Access. */
export interface CloudflareAccessWords {
  /** Zero Trust → Settings → Team domain: the name before `.cloudflareaccess.com`. */
  readonly team: string
  /** Access → Applications → yours → Application Audience (AUD) tag. */
  readonly audience: string | readonly string[]
}

/** Application tokens of Cloudflare Access (`Cf-Access-Jwt-Assertion`). */
export const cloudflareAccess: Profile<CloudflareAccessWords> = /* @__PURE__ */ profile<CloudflareAccessWords>({
  name: 'cloudflare-access',
  title: 'Cloudflare Access',
  words: {
    team: needed(label('yourteam')),
    audience: needed(texts('32eafc7626e974616deaf0dc3ce63d7bcbed58a2731e84d06bc3cdf1b53c4228')),
  },
  wrong: {
    domain: 'write "team", the name before .cloudflareaccess.com',
    teamDomain: 'write "team", the name before .cloudflareaccess.com',
  },
  arrives: '`sub` and `email` of a user, or `common_name` of a service token; no scopes and no roles',
  traps: [
    'Requests carry the token in `Cf-Access-Jwt-Assertion`, which the profile reads, and not in `Authorization`.',
  ],
  policy: ({ team, audience }) => ({
    issuer: `https://${team}.cloudflareaccess.com`,
    audience,
    jwksUri: `https://${team}.cloudflareaccess.com/cdn-cgi/access/certs`,
    algorithms: ['RS256'],
    provider: {
      name: 'Cloudflare Access',
      credentials: [{ from: 'header', name: 'cf-access-jwt-assertion' }],
      checkKind: kindBy({
        claim: 'type',
        accept: ['app'],
        hint: 'Only application tokens are for applications, not global session tokens',
      }),
    },
  }),
})

/** The settings of Sign in with Apple. */
export interface AppleWords {
  /** Identifiers → the bundle ID of your app, or the Services ID of your website. */
  readonly clientId: string | readonly string[]
}

/** ID tokens of Sign in with Apple. */
export const apple: Profile<AppleWords> = /* @__PURE__ */ profile<AppleWords>({
  name: 'apple',
  title: 'Sign in with Apple',
  words: { clientId: needed(texts('com.example.app')) },
  wrong: { audience: 'write "clientId"', bundleId: 'write "clientId"' },
  arrives: '`sub` identifies the user for your team; `email` at the first sign-in; no scopes and no roles',
  traps: [
    '`email_verified` and `is_private_email` may be strings.',
    'Compare `nonce` in your app: the API cannot know it.',
  ],
  policy: ({ clientId }) => ({
    issuer: 'https://appleid.apple.com',
    audience: clientId,
    jwksUri: 'https://appleid.apple.com/auth/keys',
    algorithms: ['RS256'],
    idTokens: 'accept',
    provider: { name: 'Apple' },
  }),
})
