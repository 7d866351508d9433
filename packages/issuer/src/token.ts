import { assertAudience, assertTyp, LONGEST_TTL, type ResolvedOptions } from './issuer-options.ts'
import { assertKnownOptions } from './known-options.ts'
import { type JsonObject, plainJson } from './plain-json.ts'
import { refusal } from './refusal.ts'
import { assertSeconds } from './seconds.ts'

/**
 * The claims of a token, as its issuer sees fit: `sub`, `client_id`, `scope` and so on. `iss`, `aud`, `iat` and `exp` are
 * not among them: those come from the issuer and from {@link IssueOptions}. Only what JSON can say: no class instances, no
 * `toJSON`, no `__proto__`.
 */
export interface Claims {
  readonly [claim: string]: unknown
}

/** What holds for one token in place of the issuer's options. */
export interface IssueOptions {
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

const ACTION = 'issue token'
const OPTIONS = ['ttl', 'audience', 'typ', 'header'] as const
const OWN_CLAIMS = ['iss', 'aud', 'iat', 'exp'] as const
const OWN_HEADER = ['alg', 'kid', 'typ', 'crit', 'b64'] as const
const STRING_CLAIMS = ['sub', 'client_id', 'scope', 'jti'] as const

/**
 * The claims and header of a token issued at `now` (epoch milliseconds). `jti` is the caller's or a new one.
 *
 * @throws TypeError where the caller sets what the issuer sets, or a claim or option has the wrong type.
 */
export const unsignedToken = (
  claims: Claims,
  issueOptions: IssueOptions,
  options: ResolvedOptions,
  now: number,
): UnsignedToken => {
  assertKnownOptions(ACTION, issueOptions, OPTIONS)
  const { ttl = options.ttl, audience: aud = options.audience, typ = options.typ } = issueOptions
  // What is checked is the very copy that gets signed.
  const own = plainJson(ACTION, 'claims', claims)
  const header = plainJson(ACTION, '"header"', issueOptions.header ?? {})
  assertClaims(own)
  assertHeader(header)
  assertSeconds(ACTION, 'ttl', ttl, { min: 1, max: LONGEST_TTL })
  assertAudience(ACTION, aud)
  assertTyp(ACTION, typ)
  const iat = Math.floor(now / 1000)
  const exp = iat + ttl
  const jti = own['jti'] ?? options.randomUUID()
  return { typ, header, claims: { ...own, iss: options.issuer, aud, iat, exp, jti } }
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
