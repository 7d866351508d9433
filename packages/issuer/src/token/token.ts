import { assertAudience, assertTyp, LONGEST_TTL, type ResolvedOptions } from '../issuer-options.ts'
import { assertSeconds, knownOptions } from '../option-rules.ts'
import { bare, refusal } from '../refusal.ts'

/**
 * The claims of a token: `sub`, `client_id`, `scope` and so on. You cannot set `iss`, `aud`, `iat` and `exp` here: they come from
 * the issuer and from {@link IssueOptions}. Values must be plain JSON: no class instances, no `toJSON`, no `__proto__`.
 */
export interface Claims {
  readonly [claim: string]: unknown
}

/** Options for one token. They override the issuer's options. */
export interface IssueOptions {
  /** Seconds this token lives, counted from its `iat`. From 1 to 86400. @defaultValue the issuer's `ttl` */
  readonly ttl?: number
  /**
   * The `iat` of this token: `true` is now; a number is seconds since 1970, from 0 to one day ahead. A token with an `iat` in the
   * past may have expired already. @defaultValue true
   */
  readonly setIat?: true | number
  /**
   * The `jti` of this token; it overrides one in the claims. `true` is a new UUID, a string is used as is. If omitted, the token has
   * the `jti` of its claims, or a new UUID.
   */
  readonly setJti?: true | string
  /** The `aud` of this token. @defaultValue the issuer's `audience` */
  readonly audience?: string | readonly string[]
  /** The `sub` of this token. The claims must not have a different one. @defaultValue the `sub` of the claims, if any */
  readonly subject?: string
  /** The `typ` of this token. @defaultValue the issuer's `typ` */
  readonly typ?: string
  /** More members for the protected header. You cannot set `alg`, `kid`, `typ`, `crit` and `b64`. */
  readonly header?: Readonly<Record<string, unknown>>
}

/** A token before it is signed. */
interface UnsignedToken {
  readonly typ: string
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>> & { readonly exp: number }
}

/** The names of the options. */
export const ISSUE_OPTIONS: readonly (keyof IssueOptions)[] = [
  'ttl',
  'setIat',
  'setJti',
  'audience',
  'subject',
  'typ',
  'header',
]

const ACTION = 'issue token'
const OWN_CLAIMS = ['iss', 'aud', 'iat', 'exp'] as const
const OWN_HEADER = ['alg', 'kid', 'typ', 'crit', 'b64'] as const
const STRING_CLAIMS = ['sub', 'client_id', 'scope', 'jti'] as const

/**
 * The claims and header of a token issued at `now` (epoch milliseconds).
 *
 * @throws TypeError if the caller sets a reserved claim or header member, or a claim or option has the wrong type.
 */
export const unsignedToken = (
  claims: Claims,
  given: IssueOptions,
  options: ResolvedOptions,
  now: number,
): UnsignedToken => {
  const issueOptions = knownOptions(ACTION, given, ISSUE_OPTIONS)
  const { ttl = options.ttl, audience: aud = options.audience, typ = options.typ } = issueOptions
  // The checks run on the same copy that is signed.
  const own = plainJson(ACTION, 'claims', claims)
  const { header: givenHeader = {} } = issueOptions
  const header = plainJson(ACTION, '"header"', givenHeader)
  assertClaims(own)
  assertHeader(header)
  assertSeconds(ACTION, 'ttl', ttl, { min: 1, max: LONGEST_TTL })
  assertAudience(ACTION, aud)
  assertTyp(ACTION, typ)
  const iat = issuedAt(issueOptions.setIat, Math.floor(now / 1000))
  const sub = subject(issueOptions.subject, own['sub'])
  const jti = tokenId(issueOptions.setJti, own['jti'], options)
  return { typ, header, claims: { ...own, iss: options.issuer, sub, aud, iat, exp: iat + ttl, jti } }
}

const issuedAt = (setIat: unknown, seconds: number): number => {
  if (setIat === undefined || setIat === true) return seconds
  // A later iat would keep a replaced key published until the token expires.
  const latest = seconds + LONGEST_TTL
  if (typeof setIat === 'number' && Number.isInteger(setIat) && setIat >= 0 && setIat <= latest) return setIat
  throw refusal(ACTION, '"setIat" must be true or a whole number of seconds since 1970, at most a day ahead', setIat)
}

const subject = (given: unknown, own: unknown): unknown => {
  if (given === undefined) return own
  if (typeof given !== 'string' || given === '') {
    throw refusal(ACTION, '"subject" must be a non-empty string', given)
  }
  if (own === undefined || own === given) return given
  throw refusal(ACTION, '"subject" must be left out where the claims have another "sub"', own)
}

const tokenId = (setJti: unknown, own: unknown, { randomUUID }: ResolvedOptions): unknown => {
  if (setJti === undefined) return own ?? randomUUID()
  if (setJti === true) return randomUUID()
  if (typeof setJti === 'string' && setJti !== '') return setJti
  throw refusal(ACTION, '"setJti" must be true or a non-empty string', setJti)
}

const assertClaims = (claims: JsonObject): void => {
  for (const name of OWN_CLAIMS) {
    if (Object.hasOwn(claims, name)) throw refusal(ACTION, `"${name}" must be left to the issuer`, claims[name])
  }
  for (const name of STRING_CLAIMS) {
    const value = claims[name]
    if (value !== undefined && (typeof value !== 'string' || value === '')) {
      throw refusal(ACTION, `"${name}" must be a non-empty string`, value)
    }
  }
  const nbf = claims['nbf']
  if (nbf !== undefined && typeof nbf !== 'number') throw refusal(ACTION, '"nbf" must be a number of seconds', nbf)
}

const assertHeader = (header: JsonObject): void => {
  const taken = OWN_HEADER.find((name) => Object.hasOwn(header, name))
  if (taken !== undefined) throw refusal(ACTION, `"header.${taken}" must be left to the issuer`, header[taken])
}

/** An object that JSON can represent exactly. */
export interface JsonObject {
  readonly [name: string]: JsonValue
}

/** A JSON value (RFC 8259 section 3). */
type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject

const DEEPEST = 64

/**
 * Copies an object of plain JSON values. The copy has no prototype and no `undefined` members. Each member is read once, so a
 * getter cannot return one value to the checks and another to the signature.
 *
 * @throws TypeError for values that JSON drops, rewrites or cannot represent (functions, `toJSON`, class instances, `NaN`), and
 * for a member named `__proto__`.
 */
export const plainJson = (action: string, name: string, value: unknown): JsonObject => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw refusal(action, `${name} must be an object`, value)
  }
  return copiedObject(value, { action, name, depth: 1 })
}

interface Place {
  readonly action: string
  readonly name: string
  readonly depth: number
}

const copiedObject = (object: object, place: Place): JsonObject => {
  const { action, name, depth } = place
  if (depth > DEEPEST) throw refusal(action, `${name} must not be nested deeper than ${DEEPEST}`, 'more, or a circle')
  if (!isPlain(object)) throw refusal(action, `${name} must be made of plain objects`, 'an instance of a class')
  const members = Object.entries(object).filter(([, value]) => value !== undefined)
  if (members.some(([member]) => member === '__proto__')) {
    throw refusal(action, `${name} must not have a member "__proto__"`, 'one')
  }
  return bare(
    Object.fromEntries(members.map(([member, value]) => [member, copied(value, { ...place, depth: depth + 1 })])),
  )
}

const copied = (value: unknown, place: Place): JsonValue => {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number' && Number.isFinite(value)) return value
  if (Array.isArray(value)) return copiedArray(value, place)
  if (typeof value === 'object') return copiedObject(value, place)
  throw refusal(place.action, `${place.name} must be made of what JSON can say`, value)
}

const copiedArray = (values: readonly unknown[], place: Place): readonly JsonValue[] => {
  const { action, name, depth } = place
  if (depth > DEEPEST) throw refusal(action, `${name} must not be nested deeper than ${DEEPEST}`, 'more, or a circle')
  return Array.from(values, (value) => copied(value, { ...place, depth: depth + 1 }))
}

// Works in any realm: the prototype of a plain object has no prototype.
const isPlain = (object: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(object)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}
