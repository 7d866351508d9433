import { assertAudience, assertTyp, LONGEST_TTL, type ResolvedOptions } from './issuer-options.ts'
import { refusal } from './refusal.ts'
import { assertSeconds } from './seconds.ts'

/**
 * The claims of a token, as its issuer sees fit: `sub`, `client_id`, `scope` and so on. `iss`, `aud`, `iat` and `exp` are
 * not among them: those come from the issuer and from {@link MintOptions}.
 */
export interface Claims {
  readonly [claim: string]: unknown
}

/** What holds for one token in place of the issuer's options. */
export interface MintOptions {
  /** Seconds this token lives. From 1 to 86400. @defaultValue the issuer's `ttl` */
  readonly ttl?: number
  /** The `aud` of this token. @defaultValue the issuer's `audience` */
  readonly audience?: string | readonly string[]
  /** The `typ` of this token. @defaultValue the issuer's `typ` */
  readonly typ?: string
  /** More members for the protected header. `alg`, `kid`, `typ`, `crit` and `b64` are not for the caller to set. */
  readonly header?: Readonly<Record<string, unknown>>
}

/** A token before it is signed. */
export interface UnsignedToken {
  readonly typ: string
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>> & { readonly exp: number }
}

const ACTION = 'mint token'
const OWN_CLAIMS = ['iss', 'aud', 'iat', 'exp'] as const
const OWN_HEADER = ['alg', 'kid', 'typ', 'crit', 'b64'] as const
const STRING_CLAIMS = ['sub', 'client_id', 'scope', 'jti'] as const

/**
 * The claims and header of a token minted at `now` (epoch milliseconds). `jti` is the caller's or a new one.
 *
 * @throws TypeError where the caller sets what the issuer sets, or a claim or option has the wrong type.
 */
export const unsignedToken = (
  claims: Claims,
  { ttl, audience, typ, header = {} }: MintOptions,
  options: ResolvedOptions,
  now: number,
): UnsignedToken => {
  assertClaims(claims)
  assertHeader(header)
  const lifetime = ttl ?? options.ttl
  const aud = audience ?? options.audience
  const type = typ ?? options.typ
  assertSeconds(ACTION, 'ttl', lifetime, { min: 1, max: LONGEST_TTL })
  assertAudience(ACTION, aud)
  assertTyp(ACTION, type)
  const iat = Math.floor(now / 1000)
  const exp = iat + lifetime
  const jti = claims['jti'] ?? options.randomUUID()
  return { typ: type, header, claims: { ...claims, iss: options.issuer, aud, iat, exp, jti } }
}

const assertClaims = (claims: unknown): void => {
  if (!isObject(claims)) throw refusal(ACTION, 'claims must be an object', claims)
  for (const name of OWN_CLAIMS) {
    if (claims[name] !== undefined) throw refusal(ACTION, `"${name}" must be left to the issuer`, claims[name])
  }
  for (const name of STRING_CLAIMS) {
    const value = claims[name]
    if (value !== undefined && (typeof value !== 'string' || value === '')) {
      throw refusal(ACTION, `"${name}" must be a non-empty string`, value)
    }
  }
  const nbf = claims['nbf']
  if (nbf !== undefined && !Number.isFinite(nbf)) throw refusal(ACTION, '"nbf" must be a number of seconds', nbf)
}

const assertHeader = (header: unknown): void => {
  if (!isObject(header)) throw refusal(ACTION, '"header" must be an object', header)
  const taken = OWN_HEADER.find((name) => Object.hasOwn(header, name))
  if (taken !== undefined) throw refusal(ACTION, `"header.${taken}" must be left to the issuer`, header[taken])
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
