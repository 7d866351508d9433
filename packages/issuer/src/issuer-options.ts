import type { JWK } from 'jose'
import { assertNotMissing, readOptions, type Rules } from './options.ts'
import * as rule from './rules.ts'
import { refusal } from './refusal.ts'
import type { KeyPair } from './signer/local-signer.ts'
import { type Signer, type SigningAlgorithm, signingAlgorithm } from './signer/signer.ts'

/** The clock of an issuer. */
export interface Clock {
  /** The current time, in epoch milliseconds. */
  now(): number
}

/** How long two keys are published side by side around a rotation. */
export interface Overlap {
  /**
   * Seconds a new key is published before it signs. Must be at least as long as verifiers cache a JWK Set.
   * From 0 to 86400. @defaultValue the value of `jwksMaxAge`
   */
  readonly publishAhead?: number | undefined
  /**
   * Seconds an old key stays published after its last token has expired: the clock difference that verifiers tolerate.
   * From 0 to 300. @defaultValue 5
   */
  readonly clockTolerance?: number | undefined
}

/** Options for `createIssuer`. */
export interface IssuerOptions {
  /** The `iss` of every token: an http or https URL without query, fragment or credentials (RFC 8414 section 2). */
  readonly issuer: string
  /** The algorithm of generated keys, and of keys given without an `alg`. @defaultValue 'ES256' */
  readonly algorithm?: SigningAlgorithm | undefined
  /** The `aud` of tokens issued without their own `audience`. If neither is set, tokens have no `aud`. */
  readonly audience?: string | readonly string[]
  /** Seconds a token lives. From 1 to 86400. @defaultValue 600 */
  readonly ttl?: number | undefined
  /** The `typ` of tokens (RFC 9068 section 2.1). @defaultValue 'at+jwt' */
  readonly typ?: string | undefined
  /** Seconds a verifier may cache the JWK Set: the `max-age` of its `Cache-Control`. From 0 to 86400. @defaultValue 300 */
  readonly jwksMaxAge?: number | undefined
  /** How long old and new keys overlap during a rotation. */
  readonly overlap?: Overlap | undefined
  /** The only key to sign with. The same as `signers` with one element. */
  readonly signer?: Signer
  /**
   * The keys to sign with, in order of use: the first one signs, and each `rotate()` moves to the next. All are published from the
   * start; each stays published until it has stopped signing and its last token has expired. At least one. If a key signed before
   * the start and its tokens are still in use, put it last.
   */
  readonly signers?: readonly Signer[]
  /**
   * Keys to start with, so that tokens survive a restart; rotation still creates new keys. Private JWKs, WebCrypto key pairs, or
   * signers. The first one signs. The others are earlier keys, published for the longest lifetime of a token, 86400 seconds. If
   * empty, one key is created. Cannot be combined with `signer` or `signers`.
   */
  readonly keys?: readonly (JWK | KeyPair | Signer)[]
  /**
   * Creates each new key: the first one if none is given, and one per rotation when `signers` has no unused signer left.
   * @defaultValue creates a local key; with `signer` or `signers`, none
   */
  readonly createSigner?: () => Promise<Signer>
  /** The clock to use. @defaultValue the wall clock */
  readonly clock?: Clock | undefined
  /** Creates each `jti`. @defaultValue `crypto.randomUUID` */
  readonly randomUUID?: (() => string) | undefined
}

/** The options with every default filled in. */
export interface ResolvedOptions extends Defined<
  Omit<IssuerOptions, 'audience' | 'createSigner' | 'overlap' | 'signer' | 'signers'>
> {
  /** Which option gave `keys`. */
  readonly keysOption: 'signer' | 'signers' | 'keys'
  readonly audience: string | readonly string[] | undefined
  readonly createSigner: (() => Promise<Signer>) | undefined
  readonly overlap: Defined<Overlap>
}

/** `T` with a value for every member. */
type Defined<T> = { readonly [name in keyof T]-?: Exclude<T[name], undefined> }

/** The default values. `overlap.publishAhead` defaults to `jwksMaxAge`. */
export const DEFAULTS = {
  algorithm: 'ES256',
  ttl: 600,
  typ: 'at+jwt',
  jwksMaxAge: 300,
  clockTolerance: 5,
} as const

/** The longest lifetime of a token, in seconds. */
export const LONGEST_TTL = 86_400

/** The clock and the UUIDs of the runtime. */
export const RUNTIME: { readonly clock: Clock; readonly randomUUID: () => string } = {
  clock: { now: () => Date.now() },
  randomUUID: () => crypto.randomUUID(),
}

const ACTION = 'create issuer'

const RULES: Rules<IssuerOptions> = {
  issuer: rule.anything,
  algorithm: rule.optional(signingAlgorithm),
  audience: rule.optional(rule.audiences),
  ttl: rule.seconds(1, LONGEST_TTL),
  typ: rule.text,
  jwksMaxAge: rule.seconds(0, 86_400),
  overlap: rule.anything,
  signer: rule.anything,
  signers: rule.optional(
    rule.secret(rule.of('be an array of at least one', (value) => Array.isArray(value) && value.length > 0)),
  ),
  keys: rule.optional(rule.secret(rule.of('be an array', Array.isArray))),
  createSigner: rule.optional(rule.callback),
  clock: rule.objectWith('now'),
  randomUUID: rule.callback,
}

const OVERLAP_RULES: Rules<Overlap> = { publishAhead: rule.seconds(0, 86_400), clockTolerance: rule.seconds(0, 300) }

/**
 * Checks every option once and fills in the defaults.
 *
 * @throws TypeError that names the option, its rule, and the value found.
 */
export const resolveOptions = (given: IssuerOptions): ResolvedOptions => {
  const { ttl, typ, jwksMaxAge, clockTolerance } = DEFAULTS
  const options = readOptions(ACTION, given, RULES, { ...RUNTIME, ttl, typ, jwksMaxAge, overlap: {} })
  const defaults = { publishAhead: options.jwksMaxAge, clockTolerance }
  const overlap = readOptions(ACTION, options.overlap, OVERLAP_RULES, defaults, 'overlap.')
  assertIssuer(options.issuer)
  // An undefined key would silently create a new one, which verifiers do not know after a restart.
  assertNotMissing(ACTION, options, ['signer', 'signers', 'keys'])
  const { signer, signers, audience, createSigner, algorithm = DEFAULTS.algorithm } = options
  const keysOption = onlySource(options)
  const keys = signer === undefined ? (signers ?? options.keys ?? []) : [signer]
  return Object.freeze({ ...options, algorithm, audience, createSigner, overlap, keys, keysOption })
}

const onlySource = (options: Omit<IssuerOptions, 'issuer'>): ResolvedOptions['keysOption'] => {
  const { signer, signers, keys, algorithm } = options
  const given = Object.entries({ signer, signers, keys }).filter(([, value]) => value !== undefined)
  const [first = 'keys', second] = given.map(([name]) => name as ResolvedOptions['keysOption'])
  if (second !== undefined) {
    const advice = 'list all in "signers", in the order of their use (localSigner makes one of a JWK or a key pair)'
    throw new TypeError(`Cannot ${ACTION}: "${first}" and "${second}" must not both be given: ${advice}`)
  }
  if (algorithm !== undefined && first !== 'keys')
    throw new TypeError(`Cannot ${ACTION}: "algorithm" must be left out beside "${first}": each signer has its own`)
  return first
}

const assertIssuer = (issuer: unknown): void => {
  const url = typeof issuer === 'string' && URL.canParse(issuer) ? new URL(issuer) : undefined
  const hasCredentials = url !== undefined && url.username + url.password !== ''
  const isWeb = url !== undefined && ['http:', 'https:'].includes(url.protocol)
  if (isWeb && !hasCredentials && !/[?#\s]/.test(String(issuer))) return
  // The message may be logged, so it must not contain the URL's credentials.
  const found = hasCredentials ? `${url.protocol}//***@${url.host}` : issuer
  throw refusal(ACTION, '"issuer" must be an http or https URL without query, fragment or credentials', found)
}
