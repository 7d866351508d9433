import { type Clock, RUNTIME } from './issuer-options.ts'
import { checkMembers, type Filled, knownOptions, readOptions, type Rules } from './options.ts'
import * as rule from './rules.ts'
import type { Rule } from './rules.ts'
import { discreetRefusal, has, own, refusal } from './refusal.ts'
import { assertSigner, type Signer, type SignerSource, signJwt } from './signer/signer.ts'
import { type Claims, type JsonObject, plainJson } from './token.ts'

/** The event of a Lambda function that issues tokens. A member that is `null` is treated as absent. */
export interface LambdaEvent {
  /**
   * The claims to sign. The caller may set any claim, including `iss`, `aud`, `exp`, `iat` and `jti`. Values must be plain JSON.
   */
  readonly claims: Claims
  /**
   * Seconds the token lives: sets `exp` and overrides the one in `claims`. Counted from the token's `iat`, or from now if it has
   * none. From 1 to 315360000, which is ten years. @defaultValue the handler's `ttl`, if `claims` have no `exp`
   */
  readonly ttl?: number | null
  /** Sets `iat` and overrides the one in `claims`: `true` is now, a number is seconds since 1970. @defaultValue false */
  readonly setIat?: boolean | number | null
  /** Sets `jti` and overrides the one in `claims`: `true` is a new UUID, a string is used as is. @defaultValue false */
  readonly setJti?: boolean | string | null
}

/** The result of a Lambda function that issues tokens. */
export interface LambdaAnswer {
  /** A signed JWT with `alg`, `typ` and `kid` in its header. */
  readonly token: string
}

/** A Lambda function that issues tokens. It is invoked directly: any caller with permission to invoke it can get any token signed. */
export type LambdaHandler = (event: LambdaEvent) => Promise<LambdaAnswer>

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

/**
 * Creates a Lambda function that signs the claims of its event with any {@link Signer}: local, or in a key service. Unlike with
 * `createIssuer`, the caller controls every claim; the options only fill in missing ones.
 *
 * It rejects with a `TypeError` if the event is wrong; the message quotes no value of the event. Errors of the signer are passed
 * on unchanged.
 *
 * @throws TypeError if an option is wrong: it names the option, its rule and the value found.
 */
export const createLambdaHandler = (given: LambdaHandlerOptions): LambdaHandler => {
  const options = readOptions(CREATE, given, RULES, DEFAULTS)
  const currentSigner = signerFrom(options.signer)
  return async (event) => {
    // Checked first, so that a wrong event does not cost a call to a key service.
    const claims = eventClaims(event, options)
    return { token: await signJwt(await currentSigner(), { typ: options.typ }, claims) }
  }
}

const CREATE = 'create Lambda handler'
const ISSUE = 'issue token'

const DEFAULTS = { ...RUNTIME, typ: 'JWT', allowNoExpiry: false }

// Ten years.
const LONGEST_TTL = 315_360_000

const RULES: Rules<LambdaHandlerOptions> = {
  signer: rule.anything,
  issuer: rule.optional(rule.text),
  audience: rule.optional(rule.audiences),
  ttl: rule.optional(rule.seconds(1, LONGEST_TTL)),
  typ: rule.text,
  allowNoExpiry: rule.of('be a boolean', (value) => typeof value === 'boolean'),
  clock: rule.objectWith('now'),
  randomUUID: rule.callback,
}

const SIGNER_RULE = '"signer" must be a signer, a source of signers, or a function that gives one'

const signerFrom = (signer: LambdaHandlerOptions['signer']): (() => Promise<Signer>) => {
  if (typeof signer === 'function') return onceItSucceeds(async () => asserted(await signer()))
  if (typeof signer !== 'object' || signer === null) throw discreetRefusal(CREATE, SIGNER_RULE, signer)
  // A rejected promise would fail every event of this process.
  if (typeof own(signer, 'then') === 'function')
    throw new TypeError(`Cannot ${CREATE}: ${SIGNER_RULE}, found a promise: give the function that makes it`)
  if (isSource(signer)) return async () => asserted(await signer.signer())
  if (!has(signer, 'sign')) throw refusal(CREATE, SIGNER_RULE, signer)
  const only = asserted(signer)
  return async () => only
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

// The end of the year 9999. Larger than any real time in seconds, smaller than the current time in milliseconds.
const LAST_SECOND = 253_402_300_799
const isTime = (value: unknown): boolean => typeof value === 'number' && value >= 0 && value <= LAST_SECOND
const time = rule.of('be a number of seconds since 1970', isTime)

/** A value of the event that may be missing. Messages never quote it. */
const ofEvent = (of: Rule): Rule => rule.secret(rule.optional(of))

const EVENT_RULES: Rules<LambdaEvent> = {
  claims: rule.object('be an object'),
  ttl: ofEvent(rule.seconds(1, LONGEST_TTL)),
  setIat: ofEvent(rule.of('be true or a number of seconds since 1970', (value) => value === true || isTime(value))),
  setJti: ofEvent(rule.of('be true or a non-empty string', (value) => value === true || rule.isText(value))),
}

const CLAIM_RULES: Rules = {
  iss: ofEvent(rule.text),
  sub: ofEvent(rule.text),
  jti: ofEvent(rule.text),
  exp: ofEvent(time),
  nbf: ofEvent(time),
  iat: ofEvent(time),
  aud: ofEvent(rule.audiences),
}

/**
 * The claims of an event, with missing ones filled in from the options.
 *
 * @throws TypeError if the event is wrong, or the token would never expire without `allowNoExpiry`. The only text it quotes from
 * the event is the name of an unknown member.
 */
const eventClaims = (event: LambdaEvent, options: Filled<LambdaHandlerOptions, typeof DEFAULTS>): JsonObject => {
  if (typeof event !== 'object' || event === null || Array.isArray(event))
    throw discreetRefusal(ISSUE, 'the event must be an object with "claims"', event)
  const members = knownOptions(ISSUE, event, Object.keys(EVENT_RULES), '', 'member')
  const [ttl, setIat, setJti] = [members.ttl ?? undefined, unlessOff(members.setIat), unlessOff(members.setJti)]
  checkMembers(ISSUE, { claims: members.claims, ttl, setIat, setJti }, EVENT_RULES)
  const claims = plainJson(ISSUE, '"claims"', members.claims)
  checkMembers(ISSUE, claims, CLAIM_RULES, 'claims.')
  const now = Math.floor(options.clock.now() / 1000)
  const iat = setIat === true ? now : (setIat ?? claims['iat'])
  const jti = setJti === true ? options.randomUUID() : (setJti ?? claims['jti'])
  const lifetime = ttl ?? (claims['exp'] === undefined ? options.ttl : undefined)
  const exp = lifetime === undefined ? claims['exp'] : Number(iat ?? now) + lifetime
  if (exp === undefined && !options.allowNoExpiry) {
    const hint = 'give "ttl" or "claims.exp", or create the handler with "ttl" or "allowNoExpiry"'
    throw new TypeError(`Cannot ${ISSUE}: it would never expire: ${hint}`)
  }
  // Copied again to drop the members that are undefined.
  return plainJson(ISSUE, '"claims"', { iss: options.issuer, aud: options.audience, ...claims, iat, exp, jti })
}

const unlessOff = <T>(value: T | false | null | undefined): T | undefined =>
  value === false || value === null ? undefined : value
