import type { JWK } from 'jose'
import { assertClock, assertFunction, assertNotMissing, assertSeconds, knownOptions } from './option-rules.ts'
import { discreetRefusal, refusal } from './refusal.ts'
import { isSigningAlgorithm, type Signer, SIGNING_ALGORITHMS, type SigningAlgorithm } from './signer/signer.ts'
import type { KeyPair } from './signer/key-material.ts'

/** Where an issuer takes the time from. */
export interface Clock {
  /** The time, in epoch milliseconds. */
  now(): number
}

/** How long two keys are published side by side around a rotation. */
export interface Overlap {
  /**
   * Seconds a new key is published before it signs: at least as long as verifiers keep a JWK Set without looking again.
   * From 0 to 86400. @defaultValue the value of `jwksMaxAge`
   */
  readonly publishAhead?: number | undefined
  /**
   * Seconds an old key stays published after its last token has expired: the clock difference that verifiers forgive.
   * From 0 to 300. @defaultValue 5
   */
  readonly clockTolerance?: number | undefined
}

/** What `createIssuer` is told. */
export interface IssuerOptions {
  /** The `iss` of every token: an http or https URL without query, fragment or credentials (RFC 8414 section 2). */
  readonly issuer: string
  /** The algorithm of keys that are generated, or given without one. @defaultValue 'ES256' */
  readonly algorithm?: SigningAlgorithm | undefined
  /** The `aud` of tokens issued without one of their own. Without both, tokens have no `aud`. */
  readonly audience?: string | readonly string[]
  /** Seconds a token lives. From 1 to 86400. @defaultValue 600 */
  readonly ttl?: number | undefined
  /** The `typ` of tokens (RFC 9068 section 2.1). @defaultValue 'at+jwt' */
  readonly typ?: string | undefined
  /** Seconds a verifier may keep the JWK Set: `max-age` of its `Cache-Control`. From 0 to 86400. @defaultValue 300 */
  readonly jwksMaxAge?: number | undefined
  /** How rotation overlaps. */
  readonly overlap?: Overlap | undefined
  /** The one key to sign with; the same as `signers` with one element. */
  readonly signer?: Signer
  /**
   * The keys to sign with, in the order of their use: the first one signs, and each `rotate()` moves on to the next. All are
   * published from the start, and each until its turn is over and its last token has expired. At least one. One that signed
   * before the start, and whose tokens are still in use, goes to the end.
   */
  readonly signers?: readonly Signer[]
  /**
   * The keys that tokens are signed with, so that they survive a restart, where rotation makes new ones: private JWKs, WebCrypto key
   * pairs, or signers. The first one signs; the others are earlier ones, published for as long as a token can live, 86400
   * seconds. Without any, one is created. Not beside `signer` or `signers`.
   */
  readonly keys?: readonly (JWK | KeyPair | Signer)[]
  /**
   * Makes each new key: the first one where none is given, and one per rotation where no signer of `signers` is left in line.
   * @defaultValue a local key; beside `signer` or `signers` none
   */
  readonly createSigner?: () => Promise<Signer>
  /** Where the time comes from. @defaultValue the wall clock */
  readonly clock?: Clock | undefined
  /** Where each `jti` comes from. @defaultValue `crypto.randomUUID` */
  readonly randomUUID?: (() => string) | undefined
}

/** The options with every default filled in. */
export interface ResolvedOptions extends Defined<
  Omit<IssuerOptions, 'audience' | 'createSigner' | 'overlap' | 'signer' | 'signers'>
> {
  /** Those of `signer` or `signers`; `undefined` where neither is given. */
  readonly signers: readonly Signer[] | undefined
  /** Which of the two it was. */
  readonly signersOption: 'signer' | 'signers'

  readonly audience: string | readonly string[] | undefined
  readonly createSigner: (() => Promise<Signer>) | undefined
  readonly overlap: Defined<Overlap>
}

/** `T` with a value for every member. */
type Defined<T> = { readonly [name in keyof T]-?: Exclude<T[name], undefined> }

/** What holds where an option is left out; `overlap.publishAhead` follows `jwksMaxAge`. */
export const DEFAULTS = {
  algorithm: 'ES256',
  ttl: 600,
  typ: 'at+jwt',
  jwksMaxAge: 300,
  clockTolerance: 5,
} as const

/** Seconds the longest token may live. */
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
 * @throws TypeError that names the option, its rule, and what was found.
 */
export const resolveOptions = (given: IssuerOptions): ResolvedOptions => {
  const options = knownOptions(ACTION, given, OPTIONS)
  const { overlap: givenOverlap = {} } = options
  const overlap = knownOptions(ACTION, givenOverlap, ['publishAhead', 'clockTolerance'], { name: 'overlap' })
  // Without a key a new one would be made, which no verifier knows after a restart.
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
  // A URL with credentials must not reach a log by way of this message.
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

/** `undefined`, one audience, or a list of at least one; each a string with something in it. */
export const assertAudience = (action: string, audience: unknown): void => {
  if (audience === undefined) return
  const values: readonly unknown[] = Array.isArray(audience) ? audience : [audience]
  if (values.length === 0 || !values.every((value) => typeof value === 'string' && value !== '')) {
    throw refusal(action, '"audience" must be a non-empty string or an array of them', audience)
  }
}

/** A string with something in it. */
export const assertTyp = (action: string, typ: unknown): void => {
  if (typeof typ !== 'string' || typ === '') throw refusal(action, '"typ" must be a non-empty string', typ)
}
