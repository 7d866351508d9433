import { knownOptions } from '../option-rules.ts'
import { discreetRefusal } from '../refusal.ts'
import { assertSigner, type Signer, signJwt } from '../signer/signer.ts'
import { type Claims, type JsonObject, plainJson } from '../token/token.ts'
import {
  type LambdaHandlerOptions,
  LONGEST_LAMBDA_TTL,
  type ResolvedLambdaOptions,
  resolveLambdaOptions,
} from './lambda-handler-options.ts'

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

/**
 * Creates a Lambda function that signs the claims of its event with any {@link Signer}: local, or in a key service. Unlike with
 * `createIssuer`, the caller controls every claim; the options only fill in missing ones.
 *
 * It rejects with a `TypeError` if the event is wrong; the message quotes no value of the event. Errors of the signer are passed
 * on unchanged.
 *
 * @throws TypeError if an option is wrong: it names the option, its rule and the value found.
 */
export const createLambdaHandler = (options: LambdaHandlerOptions): LambdaHandler => {
  const resolved = resolveLambdaOptions(options)
  return async (event) => {
    // Checked first, so that a wrong event does not cost a call to a key service.
    const claims = eventClaims(event, resolved, resolved.clock.now())
    const signer: Signer = await resolved.currentSigner()
    assertSigner(signer)
    const { alg, kid } = signer
    return { token: await signJwt(signer, { alg, typ: resolved.typ, kid }, claims) }
  }
}

const ACTION = 'issue token'
const MEMBERS: readonly (keyof LambdaEvent)[] = ['claims', 'ttl', 'setIat', 'setJti']
const STRING_CLAIMS = ['iss', 'sub', 'jti'] as const
const TIME_CLAIMS = ['exp', 'nbf', 'iat'] as const

// The end of the year 9999. Larger than any real time in seconds, smaller than the current time in milliseconds.
const LAST_SECOND = 253_402_300_799

/**
 * The claims of an event at `now` (epoch milliseconds), with missing ones filled in from the options.
 *
 * @throws TypeError if the event is wrong, or the token would never expire without `allowNoExpiry`. The only text it quotes from
 * the event is the name of an unknown member.
 */
const eventClaims = (event: unknown, options: ResolvedLambdaOptions, now: number): JsonObject => {
  const { claims, ttl, setIat, setJti } = eventMembers(event)
  if (typeof claims !== 'object') throw discreetRefusal(ACTION, '"claims" must be an object', claims)
  const own = plainJson(ACTION, '"claims"', claims)
  assertClaims(own)
  const seconds = Math.floor(now / 1000)
  const iat = issuedAt(setIat, seconds) ?? own['iat']
  const jti = tokenId(setJti, options) ?? own['jti']
  const exp = expiry(ttl, own, options, typeof iat === 'number' ? iat : seconds)
  if (exp === undefined && !options.allowNoExpiry) throw neverExpires()
  // Copied again to drop the members that are undefined.
  return plainJson(ACTION, '"claims"', { iss: options.issuer, aud: options.audience, ...own, iat, exp, jti })
}

const eventMembers = (event: unknown): { readonly [member in keyof LambdaEvent]?: unknown } => {
  if (typeof event !== 'object' || event === null || Array.isArray(event)) {
    throw discreetRefusal(ACTION, 'the event must be an object with "claims"', event)
  }
  return knownOptions(ACTION, event, MEMBERS, { noun: 'member' })
}

const assertClaims = (claims: JsonObject): void => {
  for (const name of STRING_CLAIMS) {
    const value = claims[name]
    if (value !== undefined && !isText(value)) {
      throw discreetRefusal(ACTION, `"claims.${name}" must be a non-empty string`, value)
    }
  }
  for (const name of TIME_CLAIMS) {
    const value = claims[name]
    if (value !== undefined && !isTime(value)) {
      throw discreetRefusal(ACTION, `"claims.${name}" must be a number of seconds since 1970`, value)
    }
  }
  const { aud } = claims as { readonly aud?: unknown }
  if (aud !== undefined && !isText(aud) && !(Array.isArray(aud) && aud.length > 0 && aud.every(isText))) {
    throw discreetRefusal(ACTION, '"claims.aud" must be a non-empty string or an array of them', aud)
  }
}

const issuedAt = (setIat: unknown, seconds: number): number | undefined => {
  if (setIat === undefined || setIat === null || setIat === false) return undefined
  if (setIat === true) return seconds
  if (isTime(setIat)) return setIat
  throw discreetRefusal(ACTION, '"setIat" must be true or a number of seconds since 1970', setIat)
}

const tokenId = (setJti: unknown, { randomUUID }: ResolvedLambdaOptions): string | undefined => {
  if (setJti === undefined || setJti === null || setJti === false) return undefined
  if (setJti === true) return randomUUID()
  if (isText(setJti)) return setJti
  throw discreetRefusal(ACTION, '"setJti" must be true or a non-empty string', setJti)
}

const expiry = (
  ttl: unknown,
  { exp }: { readonly exp?: unknown },
  options: ResolvedLambdaOptions,
  from: number,
): number | undefined => {
  if (ttl !== undefined && ttl !== null) return from + seconds(ttl)
  if (typeof exp === 'number') return exp
  return options.ttl === undefined ? undefined : from + options.ttl
}

const seconds = (ttl: unknown): number => {
  if (typeof ttl === 'number' && Number.isInteger(ttl) && ttl >= 1 && ttl <= LONGEST_LAMBDA_TTL) return ttl
  throw discreetRefusal(ACTION, `"ttl" must be a whole number of seconds from 1 to ${LONGEST_LAMBDA_TTL}`, ttl)
}

const neverExpires = (): TypeError =>
  new TypeError(
    `Cannot ${ACTION}: it would never expire: give "ttl" or "claims.exp", or create the handler with "ttl" or "allowNoExpiry"`,
  )

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''

const isTime = (value: unknown): value is number => typeof value === 'number' && value >= 0 && value <= LAST_SECOND
