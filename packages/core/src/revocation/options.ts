import {
  type Clock,
  clockOption,
  type Filled,
  type IssuerPolicy,
  type KeyLocation,
  listOf,
  logOption,
  narrowing,
  numberIn,
  objectWith,
  oneOf,
  type OptionRule,
  type OptionTable,
  POLICY,
  readOptions,
  type RefusalLog,
  type RequestView,
  required,
  type SharedOptions,
  type VerifiedToken,
} from '../adapter.ts'

/** Where revocations go: `denylist(…)` of `@claimgate/core/denylist`, the one that is in `checks` of the verifier. */
export interface RevocationList {
  check(token: VerifiedToken): Promise<void>
  denyToken(token: Pick<VerifiedToken, 'claims'>): Promise<void>
  denySubject(issuer: string | null, subject: string, options?: { readonly issuedUpTo?: number }): Promise<void>
  denySession(issuer: string | null, session: string): Promise<void>
}

/** How the tokens that report a revocation are verified: as access tokens are, with the same defaults. */
export interface TokenRules
  extends
    KeyLocation,
    Pick<IssuerPolicy, 'algorithms' | 'clockTolerance'>,
    Pick<SharedOptions, 'limits' | 'keySet' | 'onEvent' | 'fetch' | 'clock'> {}

/** What both kinds of endpoint need. */
export interface EndpointOptions extends TokenRules {
  /** The denylist that is in `checks` of the verifier of your API. */
  readonly denylist: RevocationList
  /** Logs why requests are refused, one line per code and minute: anything with `warn`, such as `console`. @defaultValue none */
  readonly log?: RefusalLog | false | undefined
  /** Seconds to wait for the denylist and for `authenticate`. Then the answer is 503. From 0.01 to 60. @defaultValue 5 */
  readonly timeout?: number | undefined
}

/** Options for the endpoint of OpenID Connect Back-Channel Logout 1.0. */
export interface BackchannelLogoutOptions extends EndpointOptions {
  /** The exact `iss` of logout tokens, and of the access tokens that they revoke. */
  readonly issuer: string
  /** The client, or the clients, that logout tokens are for: their `aud`. */
  readonly clientId: string | readonly string[]
  /**
   * Accepted `typ` values. Providers that send no `logout+jwt`, such as Keycloak before 25 and authentik before 2025.12, need
   * `['logout+jwt', 'JWT']`. @defaultValue ['logout+jwt']
   */
  readonly tokenTypes?: readonly string[]
  /**
   * Seconds after `iat` that a logout token without `exp` is accepted. Only older providers leave `exp` out. From 1 to 86,400.
   * @defaultValue none: `exp` is required
   */
  readonly maxAge?: number
  /**
   * What a logout token with `sid` revokes: tokens of that session, or all tokens of `sub`. Use `subject` if access tokens have no `sid`.
   * @defaultValue 'session'
   */
  readonly revokes?: 'session' | 'subject' | undefined
}

/** Options for the endpoint of security event tokens (RFC 8935). */
export interface SecurityEventsOptions extends EndpointOptions {
  /** The exact `iss` of security event tokens. */
  readonly issuer: string
  /** The name or names of this receiver in `aud`. */
  readonly audience: string | readonly string[]
  /**
   * Whether a request comes from the transmitter: `sharedBearer(secret)`, or your own function. `null` relies on the signature of the token
   * alone.
   */
  readonly authenticate: ((request: RequestView) => Promise<boolean>) | null
  /**
   * The issuers whose tokens the transmitter may revoke: the exact `iss` of access tokens. @defaultValue the value of `issuer`
   */
  readonly subjectIssuers?: readonly string[]
  /** Seconds after `iat` that a token without `exp` is accepted. Transmitters repeat a delivery after a failure. From 1 to 31,536,000. @defaultValue 86400 */
  readonly maxAge?: number | undefined
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''
const texts = (be: string): OptionRule => ({
  be,
  fits: (value) => isText(value) || (Array.isArray(value) && value.length > 0 && value.every(isText)),
})
const ISSUER: OptionRule = { be: 'the exact iss of the tokens', fits: isText }

const ENDPOINT: OptionTable<Omit<EndpointOptions, keyof TokenRules>> = {
  denylist: required(
    objectWith(
      'the denylist of your API, such as denylist({ store: createMemoryDenylist() })',
      'check',
      'denyToken',
      'denySubject',
      'denySession',
    ),
  ),
  log: logOption,
  timeout: numberIn({ least: 0.01, most: 60, default: 5 }),
}

/** The options of back-channel logout, without those of `TokenRules`. */
export const LOGOUT: OptionTable<Omit<BackchannelLogoutOptions, keyof TokenRules>> = {
  issuer: required(ISSUER),
  clientId: required(texts('the client ID that logout tokens are for, or a list of them')),
  tokenTypes: {
    ...(POLICY.tokenTypes as OptionRule),
    be: 'a list of typ values, such as ["logout+jwt"]',
    default: ['logout+jwt'],
  },
  maxAge: narrowing(numberIn({ least: 1, most: 86_400 })),
  revokes: { ...oneOf('session', 'subject'), default: 'session' },
  ...ENDPOINT,
}

/** The options of security events, without those of `TokenRules`. */
export const SECURITY_EVENTS: OptionTable<Omit<SecurityEventsOptions, keyof TokenRules>> = {
  issuer: required(ISSUER),
  audience: required(texts('the name of this receiver in aud, or a list of names')),
  authenticate: required({
    be: 'sharedBearer(secret) or another async function, or null to rely on the signature alone',
    fits: (value) => value === null || typeof value === 'function',
  }),
  subjectIssuers: narrowing(listOf('a list of issuers', ISSUER)),
  maxAge: numberIn({ least: 1, most: 31_536_000, default: 86_400 }),
  ...ENDPOINT,
}

// The type makes the list complete.
const TOKEN_RULES = Object.keys({
  jwksUri: true,
  allowedKeyHosts: true,
  metadataUri: true,
  allowHttpHosts: true,
  jwks: true,
  publicKey: true,
  secret: true,
  keys: true,
  algorithms: true,
  clockTolerance: true,
  limits: true,
  keySet: true,
  onEvent: true,
  fetch: true,
  clock: true,
} satisfies Record<keyof TokenRules, true>) as readonly (keyof TokenRules)[]

/** Options with defaults filled in, checked and frozen. The verifier checks those of `TokenRules`. */
export type Resolved<T extends EndpointOptions, Names extends keyof T> = Filled<T, Names | 'timeout'> & {
  readonly clock: Clock
}

/**
 * Reads the options of an endpoint.
 *
 * @throws TypeError for options that are missing, unknown or out of range
 */
export function readEndpointOptions<T extends EndpointOptions, Names extends keyof T>(
  action: string,
  given: T,
  table: OptionTable,
): Resolved<T, Names> {
  return readOptions(action, given, { ...table, clock: clockOption }, { beside: TOKEN_RULES }) as Resolved<T, Names>
}

/** The options of `TokenRules` among the options of an endpoint. */
export function tokenRules(options: TokenRules): TokenRules {
  return Object.fromEntries(
    TOKEN_RULES.filter((name) => Object.hasOwn(options, name)).map((name) => [name, options[name]]),
  )
}
