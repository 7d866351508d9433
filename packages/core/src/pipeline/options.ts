import { type ClaimRequirement, isClaimRequirement } from '../authorization/requirements.ts'
import type { ClaimsSchema } from '../claims/application-checks.ts'
import type { CredentialSource } from '../http/credential-sources.ts'
import { isHost, isUrl, printedUri } from '../keys/fetch/key-uri.ts'
import type { SecretAndPublicKeys } from '../keys/first-of.ts'
import type { JSONWebKeySet } from '../keys/jwk/jwk-set.ts'
import type { KeySource, KeySourcePlan } from '../keys/key-source.ts'
import type { PublicKeyInput } from '../keys/public-key.ts'
import { fetchOption, httpHosts, KEY_SET_TUNING, type RemoteKeySetTuning } from '../keys/remote/options.ts'
import type { Algorithm } from '../model/algorithm.ts'
import { type ClaimCondition, type ClaimPath, isClaimPath } from '../model/claim-path.ts'
import type { EventListener } from '../model/events.ts'
import { DEFAULT_LIMITS, type Limits, MAXIMUM_LIMITS } from '../model/limits.ts'
import { type Clock, type FetchLike, systemClock } from '../model/runtime.ts'
import type { Claims, PublishedAs } from '../model/token.ts'
import { has, ignoreRejection, own } from '../model/values.ts'
import {
  anything,
  callback,
  isOptions,
  isRecord,
  listOf,
  misconfigured,
  narrowing,
  numberIn,
  objectWith,
  oneOf,
  type OptionRow,
  type OptionRule,
  optionsOf,
  type OptionTable,
  required,
  schemaValidator,
} from '../options/option-rules.ts'
import type { TokenCheck } from './token-checks.ts'
import { TOKEN_CACHE, type TokenCacheOptions } from './token-cache-options.ts'

/** How to verify tokens: the rules for one issuer or several, and the options that all issuers share. */
export type VerifierOptions<C extends object = object> = SingleIssuerOptions<C> | ManyIssuersOptions<C>

/** Trusts one issuer. */
export interface SingleIssuerOptions<C extends object = object> extends IssuerPolicy, SharedOptions<C> {
  readonly issuers?: never
}

/** Trusts several issuers. Each has its own keys, audience, algorithms and profile. */
export interface ManyIssuersOptions<C extends object = object> extends SharedOptions<C> {
  /**
   * The trusted issuers, found by exact match of `iss`; or a function from an unverified `iss` to its policy, or to `undefined`.
   * If the function throws, requests get status 503; an `AuthError` refuses with its own status. @defaultValue one issuer, by the other options
   */
  readonly issuers: readonly IssuerPolicy[] | IssuerResolver
  readonly issuer?: never
}

/**
 * Returns the policy of an issuer, or `undefined` if it is not trusted. `iss` is unverified input from the caller. An `AuthError` that it throws
 * refuses the token with its own status; anything else means status 503.
 */
export type IssuerResolver = (iss: string) => Promise<IssuerPolicy | undefined>

/** The rules for tokens from one issuer. */
export interface IssuerPolicy extends ClaimRules, KeyLocation {
  /** The exact `iss` (RFC 7519 section 4.1.1). `null` accepts tokens of any issuer or none: only the keys decide. */
  readonly issuer: string | null
  /** This resource server's name or names in `aud`. `null` accepts any audience: use it only for issuers that set none. */
  readonly audience: string | readonly string[] | null
  /**
   * Signature algorithms to accept, compared as exact strings. @defaultValue every asymmetric algorithm of RFC 7518 and
   * RFC 8037; with `secret`, HS256; required with `firstOf`
   */
  readonly algorithms?: readonly Algorithm[]
  /**
   * `accept` accepts tokens whose parts end with base64 padding, which RFC 7515 forbids and AWS Application Load Balancers send. The
   * padding must be exact, in every part that needs it. @defaultValue 'refuse'
   */
  readonly padding?: 'accept' | 'refuse' | undefined
  /** What the profile of a provider knows beyond these options. Only profiles set it. @defaultValue none */
  readonly provider?: ProviderRules
}

/** The rules of a provider in code. Each is called with unverified claims, and must return at once. */
export interface ProviderRules {
  /** The name of the provider, such as `Microsoft Entra ID`. */
  readonly name: string
  /** The exact `iss` that a token must have, for an issuer that signs for many tenants. `undefined` for a tenant that is not trusted. */
  readonly issuerOf?: (claims: Claims) => string | undefined
  /** What to tell about a token of another issuer, in the log. */
  readonly hintOf?: (claims: Claims) => string | undefined
  /** Where requests carry the tokens, if the authenticator's option `credentials` does not say. @defaultValue the `Authorization` header */
  readonly credentials?: readonly CredentialSource[]
  /** Whether a role counts, for a claim that is an object of roles: `granted` is the value of the role. @defaultValue each counts */
  readonly roleCounts?: (granted: object) => boolean
  /** Throws `AuthError` `token_type` for a token of another kind. */
  readonly checkKind?: (claims: Claims) => void
  /** Throws `AuthError` for a token whose key must not sign it. `key` is `undefined` for a key of your own source. */
  readonly checkKey?: (claims: Claims, key: PublishedAs | undefined) => void
}

/** Where the keys of an issuer come from. Set at most one; with none, they are discovered from the issuer (OIDC, then RFC 8414). */
export interface KeyLocation {
  /** The address of the issuer's JWK Set; https, or http on a loopback address. @defaultValue discovery from the issuer */
  readonly jwksUri?: string | URL | undefined
  /** With discovery: hosts besides the issuer's own where its keys may be, exact, without port. @defaultValue none */
  readonly allowedKeyHosts?: readonly string[]
  /** With discovery: where the metadata is, if its address does not follow from `issuer`, which it must name. @defaultValue the well-known addresses */
  readonly metadataUri?: string | URL | undefined
  /**
   * Hosts that `issuer` or `jwksUri` may use with `http:`, exact, with their port unless it is 80, such as `keycloak:8080`. Only for your own
   * network: on Node they must resolve to addresses that are not public. @defaultValue none
   */
  readonly allowHttpHosts?: readonly string[] | undefined
  /** A JWK Set with public keys (RFC 7517 section 5). @defaultValue none */
  readonly jwks?: JSONWebKeySet
  /**
   * One public key: SPKI PEM or X.509 PEM, as text or bytes, the base64 of that PEM, or a JWK. Quotes and literal `\n`, as in environment
   * files, are accepted.
   */
  readonly publicKey?: PublicKeyInput
  /**
   * An HMAC secret at least as long as the hash of its algorithm (RFC 7518 section 3.2): 32 bytes for HS256. Text is used as UTF-8 bytes, so
   * decode base64 first.
   */
  readonly secret?: string | Uint8Array
  /** Your own key source, `firstOf` for a secret and public keys side by side, or what makes a source for each verifier. */
  readonly keys?: KeySource | SecretAndPublicKeys | KeySourcePlan
}

/** Rules for the claims of a token. A claim that a rule checks is required. */
export interface ClaimRules {
  /** `rfc9068` requires `typ` `at+jwt` and all claims of RFC 9068 section 2.2. @defaultValue no profile */
  readonly profile?: 'rfc9068'
  /** Accepted `typ` values. Case and a leading `application/` are ignored. By default, `typ` may also be absent. @defaultValue ['jwt', 'at+jwt'] */
  readonly tokenTypes?: readonly string[]
  /**
   * `accept` accepts tokens that look like ID tokens (`nonce`, `at_hash`, `c_hash`). Use it for issuers that put a `nonce` into access
   * tokens, such as Keycloak before 25 and authentik. Then only `audience` rejects ID tokens. @defaultValue 'refuse'
   */
  readonly idTokens?: 'accept' | 'refuse' | undefined
  /** Clients whose tokens are accepted. @defaultValue any */
  readonly clientId?: string | readonly string[]
  /**
   * Claims that name the client; the first one present is used. Okta uses `cid`, Microsoft `azp` or `appid`. Needs `clientId`.
   * @defaultValue ['client_id', 'azp']
   */
  readonly clientClaims?: readonly ClaimPath[]
  /**
   * Claims that must be present, or meet a condition. In a list, a nested list of names is a path to a nested claim, and `claim(…)` gives a
   * condition: `['sub', ['act', 'sub'], claim(['realm_access', 'roles'], 'admin')]`. @defaultValue none
   */
  readonly requiredClaims?: readonly (ClaimPath | ClaimRequirement)[] | Readonly<Record<string, ClaimCondition>>
  /** Longest time since `iat`, in seconds. From 1. @defaultValue no limit */
  readonly maxAge?: number
  /** Longest time from `iat` to `exp`, in seconds. From 1. @defaultValue no limit */
  readonly maxLifetime?: number
  /**
   * Seconds of clock difference to allow in `exp` and `nbf`. For an `iat` in the future, 60 s or this value, whichever is larger.
   * From 0 to 300. @defaultValue 5
   */
  readonly clockTolerance?: number | undefined
  /**
   * Claims to read scopes from, each a space-separated string or a list; scopes from all of them are combined. A list of names is a path to
   * a nested claim: `['scope', ['realm_access', 'roles']]`. @defaultValue ['scope', 'scp']
   */
  readonly scopeSources?: readonly ClaimPath[]
  /** The one claim to read roles, groups or permissions from, for `token.roles`: `['realm_access', 'roles']`. @defaultValue none */
  readonly roleSource?: ClaimPath
  /** Scopes that a scope includes: `{ 'orders:write': ['orders:read'] }`. @defaultValue nothing */
  readonly scopeHierarchy?: Readonly<Record<string, readonly string[]>> | undefined
}

/** Options that all issuers of a verifier share. */
export interface SharedOptions<C extends object = object> {
  /**
   * A Standard Schema validator for the claims. It sets the type of the verified claims. `signedClaims(token)` returns the claims as signed.
   * @defaultValue none
   */
  readonly claims?: ClaimsSchema<C>
  /** Further checks, run in order after the claims. @defaultValue none */
  readonly checks?: readonly TokenCheck[]
  /**
   * Caches accepted tokens, so repeated tokens cost little. It never changes the result: the policy, the key, times, predicates,
   * confirmations, the schema and `checks` are evaluated every time. `false` turns it off.
   * @defaultValue the values of `TokenCacheOptions`
   */
  readonly tokenCache?: TokenCacheOptions | false | undefined
  /** Limits on what is read before a signature has been verified. @defaultValue the values of `Limits` */
  readonly limits?: Partial<Limits> | undefined
  /** How keys are fetched and cached. @defaultValue the values of `RemoteKeySetTuning` */
  readonly keySet?: RemoteKeySetTuning | undefined
  /** Called for each event (`VerifierEvent`). Its exceptions are ignored. @defaultValue none */
  readonly onEvent?: EventListener | undefined
  /** Fetches keys and metadata. @defaultValue undici on Node, the runtime's own `fetch` elsewhere */
  readonly fetch?: FetchLike | undefined
  /** Where time comes from. @defaultValue the runtime's clocks */
  readonly clock?: (Pick<Clock, 'now'> & Partial<Clock>) | undefined
}

/** The limits. */
export const LIMITS: OptionTable<Limits> = Object.fromEntries(
  Object.entries(MAXIMUM_LIMITS).map(([name, most]: [string, number]) => [
    name,
    numberIn({ least: 1, most, whole: true, default: DEFAULT_LIMITS[name as keyof Limits] }),
  ]),
) as OptionTable<Limits>

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''
/** Whether a value is a non-empty list of non-empty strings. */
export const isTextList = (value: unknown): boolean => isFilledList(value, isText)
const isFilledList = (value: unknown, fits: (item: unknown) => boolean): boolean =>
  Array.isArray(value) && value.length > 0 && value.every(fits)
const pathsOf = (be: string): OptionRule => ({ be, fits: (value) => isFilledList(value, isClaimPath) })

/** Where keys come from. Options that accept `anything` here are checked when their key source is created. */
export const KEY_LOCATION: OptionTable<KeyLocation> = {
  jwksUri: {
    be: 'the URL of a JWK Set, such as "https://auth.example.com/.well-known/jwks.json"',
    fits: isUrl,
    printed: printedUri,
  },
  metadataUri: {
    be: 'the URL of the metadata, such as "https://auth.example.com/.well-known/openid-configuration"',
    fits: isUrl,
    printed: printedUri,
  },
  jwks: anything,
  publicKey: anything,
  secret: anything,
  keys: anything,
  allowHttpHosts: httpHosts,
  allowedKeyHosts: narrowing({
    be: 'a list of host names as URLs spell them, without port, such as ["keys.example.com"]',
    fits: (value) => Array.isArray(value) && value.every(isHost),
  }),
}

/** The options of an issuer. */
export const POLICY: OptionTable<IssuerPolicy> = {
  issuer: required({
    be: 'the exact iss of the tokens, or null to accept any',
    fits: (value) => value === null || isText(value),
  }),
  audience: required({
    be: 'the name of this API in aud, a list of names, or null to accept tokens for any audience',
    fits: (value) => value === null || isText(value) || isTextList(value),
  }),
  algorithms: narrowing({ be: 'a list of algorithms, such as ["RS256"]', fits: isTextList }),
  ...KEY_LOCATION,
  padding: { ...oneOf('accept', 'refuse'), default: 'refuse' },
  provider: narrowing({ be: 'what a profile of @claimgate/core/providers gives', fits: isRecord }),
  profile: narrowing(oneOf('rfc9068')),
  tokenTypes: {
    ...narrowing({ be: 'a list of typ values, such as ["at+jwt"]', fits: isTextList }),
    default: ['jwt', 'at+jwt'],
  },
  idTokens: { ...oneOf('accept', 'refuse'), default: 'refuse' },
  clientId: narrowing({
    be: 'the ID of the client whose tokens are accepted, or a list of IDs',
    fits: (value) => isText(value) || isTextList(value),
  }),
  clientClaims: {
    ...narrowing(pathsOf('a list of claims, such as ["client_id", "cid"]')),
    default: ['client_id', 'azp'],
  },
  requiredClaims: narrowing({
    be: 'a list of claim names and of claim("…", "…"), such as ["sub"], or an object of conditions, such as { tenant: "acme" }',
    fits: (value) =>
      (isRecord(value) && !isClaimRequirement(value)) ||
      (Array.isArray(value) && value.every((item) => isClaimPath(item) || isClaimRequirement(item))),
  }),
  maxAge: narrowing(numberIn({ least: 1 })),
  maxLifetime: narrowing(numberIn({ least: 1 })),
  clockTolerance: numberIn({ least: 0, most: 300, default: 5 }),
  scopeSources: {
    ...narrowing(pathsOf('a list of claims, such as ["scope", ["realm_access", "roles"]]')),
    default: ['scope', 'scp'],
  },
  roleSource: narrowing({ be: 'the name of a claim, or a list of names for a nested one', fits: isClaimPath }),
  scopeHierarchy: {
    be: 'an object of lists, such as { "orders:write": ["orders:read"] }',
    fits: isRecord,
    default: {},
  },
}

/** Where time comes from. */
export const clockOption: OptionRow = {
  ...objectWith('an object with a "now" that gives milliseconds', 'now'),
  read: resolveClock,
  default: systemClock,
}

/** The options that all issuers share. */
export const SHARED: OptionTable<SharedOptions & Pick<ManyIssuersOptions, 'issuers'>> = {
  issuers: {
    be: 'a list of policies, or an async function from an iss to a policy',
    fits: (value) => Array.isArray(value) || typeof value === 'function',
  },
  claims: narrowing(schemaValidator),
  checks: {
    ...narrowing(
      listOf('a list, such as [denylist]', {
        be: 'an object { name, check }',
        fits: (check) => objectWith('', 'check').fits(check) && typeof own(check as object, 'name') === 'string',
      }),
    ),
    default: [],
  },
  tokenCache: {
    be: 'false, or an object such as { maxEntries: 1000 }',
    fits: (value) => value === false || isOptions(value),
    table: TOKEN_CACHE,
  },
  limits: optionsOf('an object, such as { tokenLength: 32_768 }', LIMITS),
  keySet: optionsOf('an object, such as { timeout: 3 }', KEY_SET_TUNING),
  onEvent: callback,
  fetch: fetchOption,
  clock: clockOption,
}

/** The names allowed in an `IssuerPolicy`. */
export const POLICY_OPTIONS: readonly string[] = Object.freeze(Object.keys(POLICY))

/** The names allowed in `VerifierOptions`. */
export const VERIFIER_OPTIONS: readonly string[] = Object.freeze([...POLICY_OPTIONS, ...Object.keys(SHARED)])

/**
 * Fills in the missing parts of a clock from the runtime's.
 *
 * @throws TypeError for one that gives seconds, and for parts that are no functions
 */
function resolveClock(action: string, clock: SharedOptions['clock']): Clock {
  if (clock === undefined) return systemClock
  for (const name of ['monotonic', 'setTimeout'] as const) {
    const member: unknown = own(clock, name)
    if (member !== undefined && typeof member !== 'function')
      throw misconfigured(action, `"clock.${name}" must be a function`, member)
  }
  const now: unknown = clock.now()
  if (typeof now !== 'number' || !Number.isFinite(now) || looksLikeSeconds(now))
    throw misconfigured(action, '"clock.now" must return milliseconds since the epoch, as Date.now does', now)
  const hasMonotonic = has(clock, 'monotonic')
  const timers = own(clock, 'setTimeout') ? clock : systemClock
  return {
    now: () => numberFrom('now', clock.now()),
    monotonic: () => {
      const time = hasMonotonic ? clock.monotonic?.() : undefined
      return numberFrom('monotonic', time ?? systemClock.monotonic())
    },
    setTimeout: (fire, milliseconds) => {
      const cancel: unknown = timers.setTimeout?.(fire, milliseconds)
      return typeof cancel === 'function' ? (cancel as () => void) : () => {}
    },
  }
}

// Comparisons with NaN or a promise are always false.
function numberFrom(name: 'now' | 'monotonic', value: unknown): number {
  if (typeof value === 'number' && !Number.isNaN(value)) return value
  ignoreRejection(value)
  throw new TypeError(`"clock.${name}" must return milliseconds as a number, not a promise`)
}

// Matches seconds from 2001 to 2286. As milliseconds, these values fall in early 1970, when no token is verified.
function looksLikeSeconds(now: number): boolean {
  return now >= 1e9 && now < 1e10
}
