import type { ClaimRequirement } from '../authorization/requirements.ts'
import type { ClaimsSchema, TokenCheck } from '../claims/application-checks.ts'
import type { SecretAndPublicKeys } from '../keys/first-of.ts'
import type { JSONWebKeySet } from '../keys/jwk/jwk-set.ts'
import type { KeySource } from '../keys/key-source.ts'
import type { PublicKeyInput } from '../keys/public-key.ts'
import type { RemoteKeySetTuning } from '../keys/remote-key-set.ts'
import { type Algorithm, DEFAULT_ALGORITHMS } from '../model/algorithm.ts'
import type { ClaimCondition, ClaimPath } from '../model/claim-path.ts'
import type { EventListener } from '../model/events.ts'
import { DEFAULT_LIMITS, type Limits, MAXIMUM_LIMITS } from '../model/limits.ts'
import { type Clock, type FetchLike, systemClock } from '../model/runtime.ts'
import { has, ignoreRejection, own } from '../model/values.ts'
import { assertKnownOptions } from '../options/known-options.ts'
import {
  callback,
  checkOptions,
  misconfigured,
  type NumberRange,
  objectWith,
  readNumbers,
} from '../options/option-rules.ts'

/** How to verify tokens: the rules for one issuer, or for several, and what is shared by all of them. */
export type VerifierOptions<C extends object = object> = SingleIssuerOptions<C> | ManyIssuersOptions<C>

/** Trusts one issuer. */
export interface SingleIssuerOptions<C extends object = object> extends IssuerPolicy, SharedOptions<C> {
  readonly issuers?: never
}

/** Trusts several issuers, each with keys, audience, algorithms and profile of its own. */
export interface ManyIssuersOptions<C extends object = object> extends SharedOptions<C> {
  /**
   * The trusted issuers, found by exact look-up of `iss`; or a function from an `iss`, which nobody has verified yet, to its policy
   * or `undefined`. What the function throws means status 503.
   */
  readonly issuers: readonly IssuerPolicy[] | IssuerResolver
  readonly issuer?: never
}

/** Gives the policy for an issuer, or `undefined` for one that is not trusted. `iss` is text from a stranger. */
export type IssuerResolver = (iss: string) => Promise<IssuerPolicy | undefined>

/** What a token from one issuer must be. */
export interface IssuerPolicy extends ClaimRules, KeyLocation {
  /** The exact `iss` (RFC 7519 section 4.1.1). `null` accepts tokens of any issuer or none: only the keys decide then. */
  readonly issuer: string | null
  /** This resource server's name, or names, in `aud`. `null` accepts tokens for any audience: only for issuers that set none. */
  readonly audience: string | readonly string[] | null
  /**
   * Signature algorithms to accept, compared as exact strings. @defaultValue every asymmetric algorithm of RFC 7518 and
   * RFC 8037; with `secret`, HS256; with `firstOf` there is none
   */
  readonly algorithms?: readonly Algorithm[]
  /**
   * `accept` takes tokens whose parts end with base64 padding, which RFC 7515 forbids and AWS Application Load Balancers send. Only exact
   * padding, in every part that needs it. @defaultValue 'refuse'
   */
  readonly padding?: 'accept' | 'refuse' | undefined
}

/** Where the keys of an issuer come from: at most one of these; none means discovery from the issuer (OIDC, then RFC 8414). */
export interface KeyLocation {
  /** The address of the issuer's JWK Set; https, or http on a loopback address. */
  readonly jwksUri?: string | URL | undefined
  /** With discovery: hosts besides the issuer's own that its keys may be on, exact, without port. @defaultValue none */
  readonly allowedKeyHosts?: readonly string[]
  /**
   * Hosts that `issuer` or `jwksUri` may spell with `http:`, exact, with their port unless it is 80, such as `keycloak:8080`. For a network
   * of your own: on Node they must resolve to addresses that are not public. @defaultValue none
   */
  readonly allowHttpHosts?: readonly string[] | undefined
  /** A JWK Set with public keys (RFC 7517 section 5). */
  readonly jwks?: JSONWebKeySet
  /**
   * One public key: SPKI PEM or X.509 PEM, as text or bytes, within quotes or with `\n` written out as environment files keep them, the
   * base64 of it, or a JWK.
   */
  readonly publicKey?: PublicKeyInput
  /**
   * An HMAC secret at least as long as the hash of its algorithm (RFC 7518 section 3.2): 32 bytes for HS256. Text stands for its UTF-8
   * bytes: decode base64 first.
   */
  readonly secret?: string | Uint8Array
  /** A key source of your own, or `firstOf` for a secret and public keys side by side. */
  readonly keys?: KeySource | SecretAndPublicKeys
}

/** Rules about the claims of a token. Every rule that is set makes its claim required. */
export interface ClaimRules {
  /** `rfc9068` demands `typ` `at+jwt` and all claims of RFC 9068 section 2.2. @defaultValue no profile */
  readonly profile?: 'rfc9068'
  /** Accepted `typ` values; case and a leading `application/` do not matter. @defaultValue absent, JWT or at+jwt */
  readonly tokenTypes?: readonly string[]
  /**
   * `accept` takes tokens with the marks of an ID token (`nonce`, `at_hash`, `c_hash`): for issuers that put a `nonce` into access tokens, as
   * Keycloak before 25 and authentik do. Then `audience` alone keeps ID tokens out. @defaultValue 'refuse'
   */
  readonly idTokens?: 'accept' | 'refuse' | undefined
  /** Clients whose tokens are accepted. @defaultValue any */
  readonly clientId?: string | readonly string[]
  /**
   * Claims that name the client: the first that is present counts. Okta's is `cid`, and Microsoft's `azp` or `appid`. Needs `clientId`.
   * @defaultValue ['client_id', 'azp']
   */
  readonly clientClaims?: readonly ClaimPath[]
  /**
   * Claims that must be present, or present with a value that meets a condition. In a list, a list of names is a claim within others, and
   * `claim(…)` gives a condition: `['sub', ['act', 'sub'], claim(['realm_access', 'roles'], 'admin')]`. @defaultValue none
   */
  readonly requiredClaims?: readonly (ClaimPath | ClaimRequirement)[] | Readonly<Record<string, ClaimCondition>>
  /** Longest time since `iat`, in seconds. From 1. @defaultValue no bound */
  readonly maxAge?: number
  /** Longest time from `iat` to `exp`, in seconds. From 1. @defaultValue no bound */
  readonly maxLifetime?: number
  /**
   * Seconds of clock difference to forgive in `exp` and `nbf`. An `iat` in the future is forgiven up to 60 s, or up to this if it is more.
   * From 0 to 300. @defaultValue 5
   */
  readonly clockTolerance?: number | undefined
  /**
   * Claims that scopes are read from, each a string of words or a list: all of them count. A list of names is a claim within others:
   * `['scope', ['realm_access', 'roles']]`. @defaultValue ['scope', 'scp']
   */
  readonly scopeSources?: readonly ClaimPath[]
  /** What a scope implies: `{ 'orders:write': ['orders:read'] }`. @defaultValue nothing */
  readonly scopeHierarchy?: Readonly<Record<string, readonly string[]>> | undefined
}

/** What holds for all issuers of a verifier. */
export interface SharedOptions<C extends object = object> {
  /**
   * A Standard Schema validator for the claims; the verified claims have its type. `signedClaims(token)` gives the claims as they were signed.
   * @defaultValue none
   */
  readonly claims?: ClaimsSchema<C>
  /** Further checks, run in order after the claims. @defaultValue none */
  readonly checks?: readonly TokenCheck[]
  /**
   * Accepted tokens that are remembered, so that one that comes again costs little. Answers are the same without: the policy, the key,
   * times, predicates, confirmations, the schema and `checks` are gone through again each time. `false` remembers none.
   * @defaultValue the values of `TokenCacheOptions`
   */
  readonly tokenCache?: TokenCacheOptions | false | undefined
  /** Caps on what is read before a signature has been verified. @defaultValue DEFAULT_LIMITS */
  readonly limits?: Partial<Limits> | undefined
  /** How keys are fetched and kept. @defaultValue the values of `RemoteKeySetTuning` */
  readonly keySet?: RemoteKeySetTuning | undefined
  /** Called for each event (`VerifierEvent`). What it throws is ignored. @defaultValue none */
  readonly onEvent?: EventListener | undefined
  /** Fetches keys and metadata. @defaultValue undici on Node, the runtime's own `fetch` elsewhere */
  readonly fetch?: FetchLike | undefined
  /** Where time comes from. @defaultValue the runtime's clocks */
  readonly clock?: (Pick<Clock, 'now'> & Partial<Clock>) | undefined
}

/** How many accepted tokens a verifier remembers, and for how long; never past their `exp`. */
export interface TokenCacheOptions {
  /** Tokens. From 1 to 1,000,000. @defaultValue 10000 */
  readonly maxEntries?: number | undefined
  /** Bytes that tokens and their claims take up in memory: on Node never more than 1.5 times as many. From 65,536 to 1,073,741,824. @defaultValue 16777216 */
  readonly maxBytes?: number | undefined
  /** Seconds until a token is verified anew. From 1 to 300. @defaultValue 300 */
  readonly maxAge?: number | undefined
}

/** `TokenCacheOptions` with its defaults filled in. */
export type ResolvedTokenCache = Readonly<Record<keyof TokenCacheOptions, number>>

/** The numbers and words that hold where an option is left out. */
export const DEFAULTS: {
  readonly clockTolerance: number
  readonly tokenTypes: readonly string[]
  readonly clientClaims: readonly string[]
  readonly scopeSources: readonly string[]
  readonly idTokens: 'refuse'
  readonly padding: 'refuse'
  readonly algorithms: readonly Algorithm[]
  readonly realm: string
  readonly tokenCache: ResolvedTokenCache
} = Object.freeze({
  clockTolerance: 5,
  tokenTypes: Object.freeze(['jwt', 'at+jwt']),
  clientClaims: Object.freeze(['client_id', 'azp']),
  scopeSources: Object.freeze(['scope', 'scp']),
  idTokens: 'refuse',
  padding: 'refuse',
  algorithms: DEFAULT_ALGORITHMS,
  realm: 'api',
  tokenCache: Object.freeze({ maxEntries: 10_000, maxBytes: 16_777_216, maxAge: 300 }),
})

/**
 * Limits with defaults filled in, frozen.
 *
 * @throws TypeError for an unknown limit, or one that is not a whole number within its maximum
 */
export function resolveLimits(action: string, limits: Partial<Limits> = {}): Limits {
  assertKnownOptions(action, limits, Object.keys(MAXIMUM_LIMITS), 'limits.')
  return readNumbers(action, limits, LIMIT_RANGES, { defaults: DEFAULT_LIMITS, path: 'limits.' })
}

const LIMIT_RANGES = Object.fromEntries(
  Object.entries(MAXIMUM_LIMITS).map(([name, most]: [string, number]) => [name, { least: 1, most, whole: true }]),
) as Readonly<Record<keyof Limits, NumberRange>>

/**
 * The token cache with defaults filled in, or `undefined` for none.
 *
 * @throws TypeError for an unknown name, and for a number out of its range
 */
export function resolveTokenCache(
  action: string,
  options: TokenCacheOptions | false = {},
): ResolvedTokenCache | undefined {
  if (options === false) return undefined
  assertKnownOptions(action, options, Object.keys(TOKEN_CACHE_RANGES), 'tokenCache.')
  return readNumbers(action, options, TOKEN_CACHE_RANGES, { defaults: DEFAULTS.tokenCache, path: 'tokenCache.' })
}

const TOKEN_CACHE_RANGES: Readonly<Record<keyof ResolvedTokenCache, NumberRange>> = {
  maxEntries: { least: 1, most: 1_000_000, whole: true },
  maxBytes: { least: 65_536, most: 1_073_741_824, whole: true },
  maxAge: { least: 1, most: 300, whole: true },
}

/**
 * A clock whose missing parts are the runtime's.
 *
 * @throws TypeError for a clock without `now`, or one that gives seconds
 */
export function resolveClock(action: string, clock: SharedOptions['clock']): Clock {
  if (clock === undefined) return systemClock
  if (!objectWith('', 'now').fits(clock))
    throw misconfigured(action, '"clock" must be an object with a "now" that gives milliseconds', clock)
  checkOptions(action, clock, { monotonic: callback, setTimeout: callback }, { path: 'clock.' })
  const now: unknown = clock.now()
  if (typeof now !== 'number' || !Number.isFinite(now) || looksLikeSeconds(now))
    throw misconfigured(action, '"clock.now" must give milliseconds since the epoch, as Date.now does', now)
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

// No comparison with NaN or a promise is true, whichever way round.
function numberFrom(name: 'now' | 'monotonic', value: unknown): number {
  if (typeof value === 'number' && !Number.isNaN(value)) return value
  ignoreRejection(value)
  throw new TypeError(`"clock.${name}" must give milliseconds as a number, at once`)
}

// From 2001 to 2286 in seconds; in milliseconds that is a few months of 1970, where no token is verified.
function looksLikeSeconds(now: number): boolean {
  return now >= 1e9 && now < 1e10
}
