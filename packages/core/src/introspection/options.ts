import {
  type Algorithm,
  type ClaimRules,
  type ClaimsVerifierOptions,
  type Clock,
  clockOption,
  type EventListener,
  type FetchLike,
  fetchOption,
  type Filled,
  httpHosts,
  isAlgorithm,
  isOptions,
  isUrl,
  kindOf,
  type KeySource,
  type Limits,
  misconfigured,
  narrowing,
  numberIn,
  objectWith,
  oneOf,
  type OptionTable,
  own,
  POLICY,
  readOptions,
  required,
  SHARED,
  type TokenCheck,
  transportOf,
  type Verifier,
  wrappedVerifier,
} from '../adapter.ts'
import { type IntrospectionClient, isTlsClient } from './client.ts'

/** Options for `createIntrospectionVerifier`. Those for claims, checks, events, limits and the clock are those of a verifier. */
export interface IntrospectionOptions<C extends object = object>
  extends Omit<ClaimRules, 'profile' | 'tokenTypes'>, Omit<ClaimsVerifierOptions<C>, keyof ClaimRules> {
  /** How this API authenticates: `clientSecretBasic(id, secret)`, `clientSecretPost`, `privateKeyJwt` or `tlsClient`. */
  readonly client: IntrospectionClient
  /** The introspection endpoint. @defaultValue `introspection_endpoint` of the metadata, on the host of the issuer */
  readonly endpoint?: string | URL | undefined
  /** Verifies tokens that are JWTs, which are then never sent to the endpoint. @defaultValue none: every token is sent */
  readonly jwts?: Verifier<C>
  /** `signed` accepts only answers signed by the issuer (RFC 9701), never plain JSON. @defaultValue 'json' */
  readonly answers?: 'json' | 'signed' | undefined
  /** Keys of signed answers. @defaultValue those of the issuer's metadata */
  readonly keys?: KeySource
  /** Algorithms of signed answers. @defaultValue every asymmetric algorithm that all runtimes have */
  readonly algorithms?: readonly Algorithm[]
  /**
   * Decrypts signed answers that are also encrypted: `async (answer) => (await decryptJwe(answer, { keys })).plaintext` with `decryptJwe`
   * of `@claimgate/core/jwe`. Then every answer must be encrypted. @defaultValue answers are not encrypted
   */
  readonly decrypt?: (answer: string) => Promise<Uint8Array>
  /** How long answers are cached. `false` asks for every request. @defaultValue the values of `IntrospectionCacheOptions` */
  readonly cache?: IntrospectionCacheOptions | false | undefined
  /**
   * Seconds to wait for an answer, including the issuer's metadata. Without one, requests get status 503. A request waits at most as long for its
   * turn, and half as long for a cache store. From 0.01 to 30. @defaultValue 2
   */
  readonly timeout?: number | undefined
  /** Most requests to the endpoint at once; up to 1,000 more wait for their turn. From 1 to 1,000. @defaultValue 32 */
  readonly maxInFlight?: number | undefined
  /** Hosts that may be asked over plain http, with their port unless it is 80. Loopback always may. @defaultValue none */
  readonly allowHttpHosts?: readonly string[] | undefined
  /** Sends the requests. @defaultValue undici on Node, the runtime's own `fetch` elsewhere */
  readonly fetch?: FetchLike | undefined
}

/** How long answers are cached. */
export interface IntrospectionCacheOptions {
  /** Seconds an active token is accepted without asking again, but never past its `exp`. From 0 to 300. @defaultValue 30 */
  readonly maxAge?: number | undefined
  /** Seconds an inactive token is refused without asking again. From 0 to 300. @defaultValue 5 */
  readonly negativeMaxAge?: number | undefined
  /** Most answers about active tokens, and as many about inactive ones. From 1 to 1,000,000. @defaultValue 10000 */
  readonly maxEntries?: number | undefined
  /** Where processes share answers, instead of memory. @defaultValue memory */
  readonly store?: IntrospectionCacheStore | undefined
}

/** An answer about a token (RFC 7662 section 2.2), as plain JSON. */
export interface IntrospectionAnswer {
  readonly active: boolean
  readonly [member: string]: unknown
}

/**
 * Where processes share answers: Redis, a KV. Anyone who can write to it can make any token valid. If a method fails or does not answer, the
 * endpoint is asked instead.
 *
 * Keys are SHA-256 hashes in hexadecimal of a token, the issuer and the client. No token reaches the store, but answers contain claims. Run
 * `introspectionCacheStoreCases` of `@claimgate/testing` to test your store.
 */
export interface IntrospectionCacheStore {
  /** The answer stored under a key, unless it has expired. */
  get(key: string): Promise<IntrospectionAnswer | undefined>
  /** Stores an answer for so many seconds, more than 0. */
  set(key: string, answer: IntrospectionAnswer, seconds: number): Promise<void>
}

/** The options of the cache. */
export const INTROSPECTION_CACHE: OptionTable<IntrospectionCacheOptions> = {
  maxAge: numberIn({ least: 0, most: 300, default: 30 }),
  negativeMaxAge: numberIn({ least: 0, most: 300, default: 5 }),
  maxEntries: numberIn({ least: 1, most: 1_000_000, whole: true, default: 10_000 }),
  store: {
    be: 'an object { get, set }',
    // A Map fits otherwise, and would never let an answer expire.
    fits: (value) => isOptions(value) && objectWith('', 'get', 'set').fits(value),
  },
}

type RequestOptions = Omit<IntrospectionOptions, keyof ClaimRules | keyof ClaimsVerifierOptions>

// A wrong value may be a secret.
const found = (value: unknown): unknown => value && kindOf(value)

/** The options about requests and their answers. */
export const INTROSPECTION: OptionTable<RequestOptions> = {
  client: required({
    be: 'how this API authenticates, such as clientSecretBasic(id, secret)',
    fits: (value) => objectWith('', 'authenticate').fits(value) && typeof own(value as object, 'clientId') === 'string',
    printed: found,
  }),
  endpoint: narrowing({ be: 'the URL of the introspection endpoint', fits: isUrl, printed: found }),
  jwts: narrowing(wrappedVerifier),
  answers: { ...narrowing(oneOf('json', 'signed')), default: 'json' },
  keys: narrowing(objectWith('a key source with a resolve method', 'resolve')),
  algorithms: narrowing({
    be: 'a list of algorithms, such as ["RS256"]',
    fits: (value) => Array.isArray(value) && value.length > 0 && value.every(isAlgorithm),
  }),
  decrypt: narrowing({ be: 'a function', fits: (value) => typeof value === 'function' }),
  cache: {
    be: 'false, or an object such as { maxAge: 30 }',
    fits: (value) => value === false || isOptions(value),
    table: INTROSPECTION_CACHE,
  },
  timeout: numberIn({ least: 0.01, most: 30, default: 2 }),
  maxInFlight: numberIn({ least: 1, most: 1000, whole: true, default: 32 }),
  allowHttpHosts: { ...httpHosts, default: [] },
  fetch: fetchOption,
}

/** The options that are read here. The claims verifier reads the others. */
const OPTIONS: OptionTable<Omit<IntrospectionOptions, ClaimOption>> = {
  issuer: POLICY.issuer,
  audience: POLICY.audience,
  ...INTROSPECTION,
  checks: SHARED.checks,
  limits: SHARED.limits,
  onEvent: SHARED.onEvent,
  clock: clockOption,
}

type ClaimOption = Exclude<keyof ClaimRules, 'profile' | 'tokenTypes'> | 'claims'

// The type makes the list complete.
const CLAIM_OPTIONS = Object.keys({
  idTokens: true,
  clientId: true,
  clientClaims: true,
  requiredClaims: true,
  maxAge: true,
  maxLifetime: true,
  clockTolerance: true,
  scopeSources: true,
  roleSource: true,
  scopeHierarchy: true,
  claims: true,
} satisfies Record<ClaimOption, true>) as readonly ClaimOption[]

/** Options with defaults filled in, checked and frozen. */
export type ResolvedOptions<C extends object> = Filled<
  IntrospectionOptions<C>,
  'answers' | 'timeout' | 'maxInFlight' | 'allowHttpHosts' | 'fetch' | 'checks'
> & {
  readonly clock: Clock
  readonly limits: Limits
  readonly onEvent: EventListener | undefined
  readonly checks: readonly TokenCheck[]
  readonly cache: Filled<IntrospectionCacheOptions, 'maxAge' | 'negativeMaxAge' | 'maxEntries'> | false
}

export const ACTION = 'create introspection verifier'

/** @throws TypeError for options that are missing, contradict each other or are out of range */
export function resolveOptions<C extends object>(given: IntrospectionOptions<C>): ResolvedOptions<C> {
  const options = readOptions(ACTION, given, OPTIONS, {
    form: 'give options with "issuer", "audience" and "client"',
    beside: CLAIM_OPTIONS,
  }) as ResolvedOptions<C>
  if (options.issuer === null && options.endpoint === undefined)
    throw misconfigured(ACTION, 'without an "issuer", give the "endpoint"')
  if (options.answers === 'signed' && options.issuer === null)
    throw misconfigured(ACTION, 'signed answers need an "issuer"')
  const misplaced = (['keys', 'algorithms', 'decrypt'] as const).find((name) => own(given, name) !== undefined)
  if (options.answers === 'json' && misplaced !== undefined)
    throw misconfigured(ACTION, `"${misplaced}" is for signed answers: add "answers": "signed", or leave it out`)
  if (isTlsClient(options.client) && own(given, 'fetch') === undefined)
    throw misconfigured(ACTION, 'tlsClient needs a "fetch" that presents the client certificate')
  transportOf(options.fetch, undefined)
  return options
}

/** The options for the claims, as they were given. */
export function claimOptions<C extends object>(options: ResolvedOptions<C>): Partial<ClaimsVerifierOptions<C>> {
  return Object.fromEntries(
    CLAIM_OPTIONS.filter((name) => name in options).map((name) => [name, options[name]]),
  ) as Partial<ClaimsVerifierOptions<C>>
}
