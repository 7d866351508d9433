import { LONGEST_TTL, type ResolvedOptions } from './issuer-options.ts'
import { checkMembers, readOptions, type Rules } from './options.ts'
import * as rule from './rules.ts'
import { bare, refusal } from './refusal.ts'

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

/** What the options must be. `setIat`, `subject` and `header` are checked further with the claims. */
export const ISSUE_RULES: Rules<IssueOptions> = {
  ttl: rule.seconds(1, LONGEST_TTL),
  setIat: rule.anything,
  setJti: rule.optional(rule.of('be true or a non-empty string', (value) => value === true || rule.isText(value))),
  audience: rule.optional(rule.audiences),
  subject: rule.optional(rule.text),
  typ: rule.text,
  header: rule.anything,
}

const leftOut = rule.of('be left to the issuer', (value) => value === undefined)

const CLAIM_RULES: Rules = {
  iss: leftOut,
  aud: leftOut,
  iat: leftOut,
  exp: leftOut,
  sub: rule.optional(rule.text),
  client_id: rule.optional(rule.text),
  scope: rule.optional(rule.text),
  jti: rule.optional(rule.text),
  nbf: rule.optional(rule.of('be a number of seconds', (value) => typeof value === 'number')),
}

const HEADER_RULES: Rules = { alg: leftOut, kid: leftOut, typ: leftOut, crit: leftOut, b64: leftOut }

const ACTION = 'issue token'

/** A token before it is signed. */
interface UnsignedToken {
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>> & { readonly exp: number }
}

/**
 * The claims and header of a token issued at `now` (epoch milliseconds). `alg` and `kid` are still missing in the header.
 *
 * @throws TypeError if the caller sets a reserved claim or header member, or a claim or option has the wrong type.
 */
export const unsignedToken = (
  claims: Claims,
  given: IssueOptions,
  { issuer: iss, randomUUID, ...issuer }: ResolvedOptions,
  now: number,
): UnsignedToken => {
  const defaults = { ttl: issuer.ttl, audience: issuer.audience, typ: issuer.typ, header: {} }
  const options = readOptions(ACTION, given, ISSUE_RULES, defaults)
  // The checks run on the same copy that is signed.
  const own = plainJson(ACTION, 'claims', claims)
  const header = plainJson(ACTION, '"header"', options.header)
  checkMembers(ACTION, own, CLAIM_RULES)
  checkMembers(ACTION, header, HEADER_RULES, 'header.')
  const { ttl, audience: aud, typ, setJti, subject: sub = own['sub'] } = options
  if (own['sub'] !== undefined && own['sub'] !== sub)
    throw refusal(ACTION, '"subject" must be left out where the claims have another "sub"', own['sub'])
  const iat = issuedAt(options.setIat, Math.floor(now / 1000))
  const jti = setJti === true ? randomUUID() : (setJti ?? own['jti'] ?? randomUUID())
  return { header: { typ, ...header }, claims: { ...own, iss, sub, aud, iat, exp: iat + ttl, jti } }
}

const issuedAt = (setIat: unknown, now: number): number => {
  if (setIat === undefined || setIat === true) return now
  // A later iat would keep a replaced key published until the token expires.
  const latest = now + LONGEST_TTL
  if (typeof setIat === 'number' && Number.isInteger(setIat) && setIat >= 0 && setIat <= latest) return setIat
  throw refusal(ACTION, '"setIat" must be true or a whole number of seconds since 1970, at most a day ahead', setIat)
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
  const refuse: Refuse = (must, found) => refusal(action, `${name} must ${must}`, found)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refuse('be an object', value)
  return copied(value, 1, refuse) as JsonObject
}

type Refuse = (must: string, found: unknown) => TypeError

const copied = (value: unknown, depth: number, refuse: Refuse): JsonValue => {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number' && Number.isFinite(value)) return value
  if (typeof value !== 'object') throw refuse('contain only JSON values', value)
  if (depth > DEEPEST) throw refuse(`not be nested deeper than ${DEEPEST}`, 'more, or a circle')
  if (Array.isArray(value)) return Array.from(value, (item: unknown) => copied(item, depth + 1, refuse))
  if (!isPlain(value)) throw refuse('contain only plain objects', 'an instance of a class')
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  if (members.some(([name]) => name === '__proto__')) throw refuse('not have a member "__proto__"', 'one')
  return bare(Object.fromEntries(members.map(([name, member]) => [name, copied(member, depth + 1, refuse)])))
}

// Works in any realm: the prototype of a plain object has no prototype.
const isPlain = (object: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(object)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}
