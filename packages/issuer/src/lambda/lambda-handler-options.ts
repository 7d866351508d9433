import { assertAudience, assertTyp, type Clock } from '../issuer-options.ts'
import { assertClock, assertFunction, assertSeconds, knownOptions } from '../option-rules.ts'
import { discreetRefusal, has, own, refusal } from '../refusal.ts'
import { assertSigner, type Signer, type SignerSource } from '../signer/signer.ts'

/** What `createLambdaHandler` is told. */
export interface LambdaHandlerOptions {
  /**
   * The key to sign with, or what gets it. A function is called at the first event, and its signer kept for as long as the
   * process lives; where it fails, the next event calls it again. A source, such as `parameterStoreKey`, is asked at every event.
   */
  readonly signer: Signer | SignerSource | (() => Signer | Promise<Signer>)
  /** The `iss` of tokens whose claims have none. Without both, tokens have no `iss`. */
  readonly issuer?: string
  /** The `aud` of tokens whose claims have none. Without both, tokens have no `aud`. */
  readonly audience?: string | readonly string[]
  /** Seconds a token lives where neither the event's `ttl` nor its `claims.exp` says. From 1 to 315360000. @defaultValue none */
  readonly ttl?: number
  /** The `typ` of tokens. `at+jwt` would promise more claims than a caller may give. @defaultValue 'JWT' */
  readonly typ?: string
  /** Whether a token may have no `exp` at all, and so be good forever. @defaultValue false */
  readonly allowNoExpiry?: boolean
  /** Where the time comes from. @defaultValue the wall clock */
  readonly clock?: Clock
  /** Where each `jti` comes from. @defaultValue `crypto.randomUUID` */
  readonly randomUUID?: () => string
}

/** The options with every default filled in. */
export interface ResolvedLambdaOptions {
  readonly currentSigner: () => Promise<Signer>
  readonly issuer: string | undefined
  readonly audience: string | readonly string[] | undefined
  readonly ttl: number | undefined
  readonly typ: string
  readonly allowNoExpiry: boolean
  readonly clock: Clock
  readonly randomUUID: () => string
}

/** Seconds the longest token of a Lambda function may live: ten years. */
export const LONGEST_LAMBDA_TTL = 315_360_000

const ACTION = 'create Lambda handler'
const OPTIONS: readonly (keyof LambdaHandlerOptions)[] = [
  'signer',
  'issuer',
  'audience',
  'ttl',
  'typ',
  'allowNoExpiry',
  'clock',
  'randomUUID',
]

/**
 * Checks every option once and fills in the defaults.
 *
 * @throws TypeError that names the option, its rule, and what was found.
 */
export const resolveLambdaOptions = (given: LambdaHandlerOptions): ResolvedLambdaOptions => {
  const options = knownOptions(ACTION, given, OPTIONS)
  const { signer, issuer, audience, ttl, typ = 'JWT', allowNoExpiry = false } = options
  const currentSigner = signerOption(signer)
  assertFunction(ACTION, 'randomUUID', options.randomUUID)
  assertClock(ACTION, options.clock, 'now')
  if (issuer !== undefined && (typeof issuer !== 'string' || issuer === '')) {
    throw refusal(ACTION, '"issuer" must be a non-empty string', issuer)
  }
  assertAudience(ACTION, audience)
  if (ttl !== undefined) assertSeconds(ACTION, 'ttl', ttl, { min: 1, max: LONGEST_LAMBDA_TTL })
  assertTyp(ACTION, typ)
  if (typeof allowNoExpiry !== 'boolean') throw refusal(ACTION, '"allowNoExpiry" must be a boolean', allowNoExpiry)
  return Object.freeze({
    currentSigner,
    issuer,
    audience,
    ttl,
    typ,
    allowNoExpiry,
    clock: options.clock ?? { now: () => Date.now() },
    randomUUID: options.randomUUID ?? (() => crypto.randomUUID()),
  })
}

const signerOption = (signer: LambdaHandlerOptions['signer']): (() => Promise<Signer>) => {
  if (typeof signer === 'function') return onceItSucceeds(async () => asserted(await signer()))
  const rule = '"signer" must be a signer, a source of signers, or a function that gives one'
  if (typeof signer !== 'object' || signer === null) throw discreetRefusal(ACTION, rule, signer)
  // One that failed would fail at every event of this process.
  if (typeof own(signer, 'then') === 'function')
    throw new TypeError(`Cannot ${ACTION}: ${rule}, found a promise: give the function that makes it`)
  if (isSource(signer)) return async () => signer.signer()
  if (!has(signer, 'sign')) throw refusal(ACTION, rule, signer)
  assertSigner(signer)
  return async () => signer
}

const isSource = (signer: Signer | SignerSource): signer is SignerSource => typeof own(signer, 'signer') === 'function'

const asserted = (signer: Signer): Signer => {
  assertSigner(signer)
  return signer
}

/** Calls `get` at the first call and keeps what it gave, for calls at the same time too. After a failure the next call calls it again. */
const onceItSucceeds = <T>(get: () => Promise<T>): (() => Promise<T>) => {
  let shared: Promise<T> | undefined
  return () => {
    shared ??= get().catch((error: unknown) => {
      shared = undefined
      throw error
    })
    return shared
  }
}
