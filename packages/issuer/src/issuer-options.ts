import type { JWK } from 'jose'
import { assertClock, assertFunction, assertNotMissing, assertSeconds, knownOptions } from './option-rules.ts'
import { discreetRefusal, refusal } from './refusal.ts'
import { isSigningAlgorithm, type Signer, SIGNING_ALGORITHMS, type SigningAlgorithm } from './signer/signer.ts'
import type { KeyPair } from './signer/key-material.ts'

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
  /** The signers from `signer` or `signers`; `undefined` if neither is given. */
  readonly signers: readonly Signer[] | undefined
  /** Which of the two options was given, for messages. */
  readonly signersOption: 'signer' | 'signers'

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

const ACTION = 'create issuer'
const OPTIONS: readonly (keyof IssuerOptions)[] = [
  'issuer',
  'algorithm',
  'audience',
  'ttl',
  'typ',
  'jwksMaxAge',
  'overlap',
  'signer',
  'signers',
  'keys',
  'createSigner',
  'clock',
  'randomUUID',
]

/**
 * Checks every option once and fills in the defaults.
 *
 * @throws TypeError that names the option, its rule, and the value found.
 */
export const resolveOptions = (given: IssuerOptions): ResolvedOptions => {
  const options = knownOptions(ACTION, given, OPTIONS)
  const { overlap: givenOverlap = {} } = options
  const overlap = knownOptions(ACTION, givenOverlap, ['publishAhead', 'clockTolerance'], { name: 'overlap' })
  // An undefined key would silently create a new one, which verifiers do not know after a restart.
  assertNotMissing(ACTION, options, ['signer', 'signers', 'keys'])
  assertFunction(ACTION, 'createSigner', options.createSigner)
  assertFunction(ACTION, 'randomUUID', options.randomUUID)
  assertClock(ACTION, options.clock, 'now')
  assertOneSource(options)
  const { algorithm = DEFAULTS.algorithm, jwksMaxAge = DEFAULTS.jwksMaxAge, keys = [] } = options
  const { ttl = DEFAULTS.ttl, typ = DEFAULTS.typ } = options
  const { publishAhead = jwksMaxAge, clockTolerance = DEFAULTS.clockTolerance } = overlap
  const resolved: ResolvedOptions = {
    issuer: options.issuer,
    algorithm,
    audience: options.audience,
    ttl,
    typ,
    jwksMaxAge,
    overlap: { publishAhead, clockTolerance },
    signers: options.signer === undefined ? options.signers : [options.signer],
    signersOption: options.signer === undefined ? 'signers' : 'signer',
    keys,
    createSigner: options.createSigner,
    clock: options.clock ?? { now: () => Date.now() },
    randomUUID: options.randomUUID ?? (() => crypto.randomUUID()),
  }
  assertOptions(resolved)
  return Object.freeze(resolved)
}

const assertOneSource = ({ signer, signers, keys, algorithm }: IssuerOptions): void => {
  const given = Object.entries({ signer, signers, keys }).flatMap(([name, value]) =>
    value === undefined ? [] : [name],
  )
  const [first, second] = given
  if (first !== undefined && second !== undefined) {
    const advice = 'list all in "signers", in the order of their use (localSigner makes one of a JWK or a key pair)'
    throw new TypeError(`Cannot ${ACTION}: "${first}" and "${second}" must not both be given: ${advice}`)
  }
  if (algorithm !== undefined && (signer !== undefined || signers !== undefined)) {
    throw new TypeError(`Cannot ${ACTION}: "algorithm" must be left out beside "${first}": each signer has its own`)
  }
}

const assertOptions = (options: ResolvedOptions): void => {
  const { algorithm, overlap, keys, signers } = options
  assertIssuer(options.issuer)
  if (!isSigningAlgorithm(algorithm)) {
    throw refusal(ACTION, `"algorithm" must be one of ${SIGNING_ALGORITHMS.join(', ')}`, algorithm)
  }
  assertAudience(ACTION, options.audience)
  assertTyp(ACTION, options.typ)
  assertSeconds(ACTION, 'ttl', options.ttl, { min: 1, max: LONGEST_TTL })
  assertSeconds(ACTION, 'jwksMaxAge', options.jwksMaxAge, { min: 0, max: 86_400 })
  assertSeconds(ACTION, 'overlap.publishAhead', overlap.publishAhead, { min: 0, max: 86_400 })
  assertSeconds(ACTION, 'overlap.clockTolerance', overlap.clockTolerance, { min: 0, max: 300 })
  if (!Array.isArray(keys)) throw discreetRefusal(ACTION, '"keys" must be an array', keys)
  if (signers !== undefined && (!Array.isArray(signers) || signers.length === 0)) {
    throw discreetRefusal(ACTION, '"signers" must be an array of at least one', signers)
  }
}

const assertIssuer = (issuer: unknown): void => {
  const url = typeof issuer === 'string' ? parseUrl(issuer) : undefined
  const secretive = url !== undefined && url.username + url.password !== ''
  if (url !== undefined && !secretive && /^https?:$/.test(url.protocol) && !/[?#\s]/.test(String(issuer))) return
  // The message may be logged, so it must not contain the URL's credentials.
  const found = secretive ? `${url.protocol}//***@${url.host}` : issuer
  throw refusal(ACTION, '"issuer" must be an http or https URL without query, fragment or credentials', found)
}

const parseUrl = (text: string): URL | undefined => {
  try {
    return new URL(text)
  } catch {
    return undefined
  }
}

/** Accepts `undefined`, one audience, or a non-empty list of them. Each must be a non-empty string. @throws TypeError otherwise */
export const assertAudience = (action: string, audience: unknown): void => {
  if (audience === undefined) return
  const values: readonly unknown[] = Array.isArray(audience) ? audience : [audience]
  if (values.length === 0 || !values.every((value) => typeof value === 'string' && value !== '')) {
    throw refusal(action, '"audience" must be a non-empty string or an array of them', audience)
  }
}

/** Accepts a non-empty string. @throws TypeError otherwise */
export const assertTyp = (action: string, typ: unknown): void => {
  if (typeof typ !== 'string' || typ === '') throw refusal(action, '"typ" must be a non-empty string', typ)
}
