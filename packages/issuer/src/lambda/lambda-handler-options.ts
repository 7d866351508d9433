import { assertAudience, assertTyp, type Clock } from '../issuer-options.ts'
import { assertClock, assertFunction, assertSeconds, knownOptions } from '../option-rules.ts'
import { discreetRefusal, has, own, refusal } from '../refusal.ts'
import { assertSigner, type Signer, type SignerSource } from '../signer/signer.ts'

/** Options for `createLambdaHandler`. */
export interface LambdaHandlerOptions {
  /**
   * The key to sign with, or a way to get it. A function is called at the first event and its signer is cached for the life of the
   * process; if it fails, the next event calls it again. A source, such as `parameterStoreKey`, is called at every event.
   */
  readonly signer: Signer | SignerSource | (() => Signer | Promise<Signer>)
  /** The `iss` of tokens whose claims have none. If neither is set, tokens have no `iss`. */
  readonly issuer?: string
  /** The `aud` of tokens whose claims have none. If neither is set, tokens have no `aud`. */
  readonly audience?: string | readonly string[]
  /** Seconds a token lives if the event has neither `ttl` nor `claims.exp`. From 1 to 315360000. @defaultValue none */
  readonly ttl?: number
  /** The `typ` of tokens. Not `at+jwt`, because RFC 9068 requires claims that a caller may omit. @defaultValue 'JWT' */
  readonly typ?: string
  /** Whether a token may have no `exp`, so that it never expires. @defaultValue false */
  readonly allowNoExpiry?: boolean
  /** The clock to use. @defaultValue the wall clock */
  readonly clock?: Clock
  /** Creates each `jti`. @defaultValue `crypto.randomUUID` */
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

/** The longest lifetime of a token issued by a Lambda function, in seconds: ten years. */
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
 * @throws TypeError that names the option, its rule, and the value found.
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
  // A rejected promise would fail every event of this process.
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

/** Calls `get` once and caches the result; concurrent calls share it. After a failure, the next call retries. */
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
