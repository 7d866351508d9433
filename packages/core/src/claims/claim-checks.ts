import { AuthError, overLimit } from '../errors/auth-error.ts'
import { type ClaimPath, nameOfPath } from '../model/claim-path.ts'
import type { Limits } from '../model/limits.ts'
import { LAST_SECOND } from '../model/runtime.ts'
import type { Claims, JoseHeader } from '../model/token.ts'
import { valueAt } from '../model/values.ts'

/** The input of a claim check. Only `explain` runs checks before the signature has been verified. */
export interface ClaimSubject {
  readonly header: JoseHeader
  readonly claims: Claims
}

export interface ClaimContext {
  /** Seconds since the epoch at which the token must be valid. */
  readonly now: number
}

/** One rule about the claims. */
export interface ClaimCheck {
  /** The name of the step in an explanation: the claim it checks. */
  readonly step: string
  /** What the result depends on. A check that depends on more than the token runs again for a cached token. */
  readonly dependsOn: 'token' | 'time' | 'application'
  /** Throws `AuthError` if the token breaks the rule. */
  check(subject: ClaimSubject, context: ClaimContext): void
  /** What was compared, for `explain`. Called only for a token that passed. */
  compare(subject: ClaimSubject, context: ClaimContext): Comparison
  /** The checks that this one combines, if `explain` should report each one. */
  readonly parts?: readonly ClaimCheck[]
}

/** What a check compared. */
export interface Comparison {
  readonly expected?: unknown
  readonly actual?: unknown
}

/**
 * Registered claims must have the types of RFC 7519 section 4.1 and RFC 9068 section 2.2 if present, and contain no control character,
 * which could break out of a log line or a header. `null` counts as absent in `sub`, `client_id`, `azp` and `nbf`, because some issuers
 * write it, and as malformed in the others. Does not check their values.
 */
export function registeredClaims(limits: Pick<Limits, 'audiences'>): ClaimCheck {
  return {
    step: 'claims',
    dependsOn: 'token',
    check: ({ claims }, { now }) => {
      const { iss, sub, aud, exp, nbf, iat, jti, client_id: clientId, azp } = claims
      // Unrolled, because a loop over the names costs as much as all the other checks.
      if (iss !== undefined) assertText('iss', iss)
      if (sub !== undefined && sub !== null) assertText('sub', sub)
      if (jti !== undefined) assertText('jti', jti)
      if (clientId !== undefined && clientId !== null) assertText('client_id', clientId)
      if (azp !== undefined && azp !== null) assertText('azp', azp)
      if (Array.isArray(aud)) assertAudiences(aud, limits.audiences)
      else if (aud !== undefined) assertText('aud', aud)
      if (exp !== undefined) assertNumericDate('exp', exp, now)
      if (nbf !== undefined && nbf !== null) assertNumericDate('nbf', nbf, now)
      if (iat !== undefined) assertNumericDate('iat', iat, now)
    },
    compare: ({ claims }) => ({
      expected: 'well-formed registered claims',
      actual: Object.keys(claims).slice(0, 20),
    }),
  }
}

const PRINTABLE_ASCII = /^[\x20-\x7e]*$/
const CONTROL_CHARACTERS = /[\p{Cc}\p{Cs}\u2028\u2029]/u
const CENTURY = 3_155_760_000

/** Rejects anything but a string without control characters. */
export function assertText(name: string, value: unknown): asserts value is string {
  if (typeof value !== 'string') throw malformed(name, 'a string', kindOf(value))
  if (!PRINTABLE_ASCII.test(value) && CONTROL_CHARACTERS.test(value))
    throw malformed(name, 'text without control characters', value)
}

function assertAudiences(values: readonly unknown[], most: number): void {
  if (values.length > most)
    throw overLimit('claim_too_long', { limit: 'audiences', most, unit: 'values of aud', actual: values.length })
  for (const value of values) assertText('aud', value)
}

function assertNumericDate(name: string, value: unknown, now: number): void {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0)
    throw malformed(
      name,
      'a number of seconds since the epoch',
      typeof value === 'number' ? String(value) : kindOf(value),
    )
  if (value > LAST_SECOND)
    throw malformed(name, `seconds since the epoch, at most ${LAST_SECOND}`, value, millisecondsHint(name, value, now))
}

// Decided by the resulting date, because a valid number of seconds may be just as large.
function millisecondsHint(name: string, value: number, now: number): string | undefined {
  return Math.abs(value / 1000 - now) < CENTURY
    ? `${name} is in milliseconds: the issuer must divide it by 1000`
    : undefined
}

function malformed(name: string, expected: string, actual: unknown, hint?: string): AuthError {
  return new AuthError('claim_malformed', { expected: `${name}: ${expected}`, actual, hint })
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'an array' : `a value of type ${typeof value}`
}

export interface TokenTypeRules {
  /** Accepted `typ` values in lower case without `application/`. */
  readonly types: ReadonlySet<string>
  readonly typeRequired: 'required' | 'optional'
  readonly idTokens: 'accept' | 'refuse'
}

/**
 * `typ` and the claims must identify an access token, not another kind of JWT that the same issuer signs
 * with the same key (RFC 8725 section 3.11, RFC 9068 section 4).
 */
export function tokenType({ types, typeRequired, idTokens }: TokenTypeRules): ClaimCheck {
  return {
    step: 'typ',
    dependsOn: 'token',
    check: ({ header: { typ }, claims }) => {
      const name = typ === undefined || types.has(typ) ? typ : mediaTypeName(typ)
      if (name === undefined ? typeRequired === 'required' : !types.has(name))
        throw new AuthError('token_type', { expected: types, actual: typ, hint: typeHint(name, claims) })
      if (claims['events'] !== undefined)
        throw new AuthError('token_type', {
          expected: 'no "events" claim',
          actual: 'events',
          hint: 'This is a security event token or a logout token',
        })
      const mark = idTokens === 'refuse' ? idTokenMark(claims) : undefined
      if (mark !== undefined)
        throw new AuthError('token_type', {
          expected: 'an access token',
          actual: `a token with ${mark}`,
          hint: `${idTokenHint(mark, claims)}${mark === 'nonce' ? ACCEPT_NONCE : ''}`,
        })
    },
    compare: ({ header }) => ({ expected: types, actual: header.typ }),
  }
}

/** What a provider's profile knows about its kinds of tokens. */
export function kind(checkKind: (claims: Claims) => void): ClaimCheck {
  return {
    step: 'kind',
    dependsOn: 'token',
    check: ({ claims }) => checkKind(claims),
    compare: () => ({}),
  }
}

/** Normalizes a `typ`: `application/at+jwt` and `AT+JWT` become `at+jwt` (RFC 7515 section 4.1.9). */
export function mediaTypeName(typ: string): string {
  const name = typ.toLowerCase()
  return name.startsWith('application/') ? name.slice('application/'.length) : name
}

// The most reliable sign first: some issuers put a nonce into access tokens, but none adds a hash.
function idTokenMark(claims: Claims): string | undefined {
  if (claims['at_hash'] !== undefined) return 'at_hash'
  if (claims['c_hash'] !== undefined) return 'c_hash'
  return claims['nonce'] === undefined || claims['nonce'] === null ? undefined : 'nonce'
}

function idTokenHint(mark: string, claims: Claims): string {
  const audienceIsClient = typeof claims.azp === 'string' && claims.azp === claims.aud
  const why = `${mark === 'at_hash' ? 'an' : 'a'} ${mark}${audienceIsClient ? ' and its aud is a client ID' : ''}`
  return `This ${mark === 'nonce' ? 'looks like' : 'is'} an ID token: it has ${why}. Send the access token instead`
}

const ACCEPT_NONCE =
  '. If this is the access token, because your issuer puts a nonce into it (Keycloak before 25, authentik), set "idTokens" to "accept"'

const OTHER_KINDS: ReadonlyMap<string, string> = new Map([
  ['dpop+jwt', 'This is a DPoP proof'],
  ['logout+jwt', 'This is a logout token'],
  ['secevent+jwt', 'This is a security event token'],
])

// ID tokens have no typ, or JWT. With any other typ, a nonce does not indicate an ID token.
function typeHint(name: string | undefined, claims: Claims): string {
  const mark = name === undefined || name === 'jwt' ? idTokenMark(claims) : undefined
  if (mark !== undefined) return idTokenHint(mark, claims)
  if (name === undefined) return 'The issuer must set typ to at+jwt (RFC 9068 section 2.1)'
  return OTHER_KINDS.get(name) ?? 'If this issuer gives its access tokens this typ, add it to "tokenTypes"'
}

const LONGEST_DIFFERENCE = 8

/**
 * A small difference between two issuers or audiences that a person would overlook; `undefined` if they really differ. Cheap for texts of
 * very different length, however long they are.
 */
export function nearMiss(expected: string, actual: string): string | undefined {
  if (expected === actual || Math.abs(expected.length - actual.length) > LONGEST_DIFFERENCE) return undefined
  if (withoutSlash(expected) === withoutSlash(actual)) return 'They differ only by a trailing slash'
  if (expected.toLowerCase() === actual.toLowerCase()) return 'They differ only by case'
  if (withoutScheme(expected) === withoutScheme(actual)) return 'They differ only by the scheme (http or https)'
  if (expected.trim() === actual.trim()) return 'They differ only by white space'
  return undefined
}

/** The first near miss between texts that are accepted and values that were found. */
export function nearestMiss(accepted: Iterable<string>, found: readonly unknown[]): string | undefined {
  for (const actual of found)
    for (const expected of typeof actual === 'string' ? accepted : []) {
      const hint = nearMiss(expected, actual as string)
      if (hint !== undefined) return hint
    }
  return undefined
}

const withoutSlash = (text: string): string => (text.endsWith('/') ? text.slice(0, -1) : text)
const withoutScheme = (text: string): string => text.replace(/^https?:\/\//i, '')

/** `aud` must name this resource server (RFC 7519 section 4.1.3, RFC 9068 section 4). Does not check `scope`. */
export function audience(accepted: ReadonlySet<string>): ClaimCheck {
  return {
    step: 'aud',
    dependsOn: 'token',
    check: ({ claims }) => {
      // Own members only, because Object.prototype must not supply a claim that lets a token in.
      const aud = Object.hasOwn(claims, 'aud') ? claims.aud : undefined
      if (typeof aud === 'string' && accepted.has(aud)) return
      if (aud === undefined) throw new AuthError('audience_missing', { expected: accepted, actual: aud })
      const values: readonly unknown[] = Array.isArray(aud) ? aud : [aud]
      if (values.some((value) => typeof value === 'string' && accepted.has(value))) return
      const hint = nearestMiss(accepted, values) ?? clientHint(values, claims['azp'] ?? claims['client_id'])
      throw new AuthError('audience_mismatch', { expected: accepted, actual: aud, hint })
    },
    compare: ({ claims }) => ({ expected: accepted, actual: claims.aud }),
  }
}

function clientHint(values: readonly unknown[], clientId: unknown): string | undefined {
  return values.includes(clientId)
    ? 'aud is the client ID, as in an ID token: ask the authorization server for an access token for this API'
    : undefined
}

/** The token must be issued to an accepted client. The first of the claims that is present names the client; `null` counts as absent. */
export function client(accepted: ReadonlySet<string>, names: readonly ClaimPath[]): ClaimCheck {
  const clientOf = (claims: Claims): unknown => {
    for (const name of names) {
      const value = valueAt(claims, name) ?? undefined
      if (value !== undefined) return value
    }
    return undefined
  }
  return {
    step: 'client_id',
    dependsOn: 'token',
    check: ({ claims }) => {
      const actual = clientOf(claims)
      if (actual === undefined) throw missing(claims, names)
      assertText('client', actual)
      if (!accepted.has(actual)) {
        const hint = names.length === 1 ? `"${nameOfPath(names[0] ?? '')}" names the client` : undefined
        throw new AuthError('claim_mismatch', { expected: accepted, actual, hint })
      }
    },
    compare: ({ claims }) => ({ expected: accepted, actual: clientOf(claims) }),
  }
}

function missing(claims: Claims, names: readonly ClaimPath[]): AuthError {
  const other = clientNamedIn(claims)
  return new AuthError('claim_missing', {
    expected: names.map(nameOfPath).join(' or '),
    actual: undefined,
    hint: other && `This issuer names the client in "${other}": add it to "clientClaims"`,
  })
}

/** The claim in which some authorization servers (Okta, Microsoft) name the client, if the token has one. */
export function clientNamedIn(claims: Claims): string | undefined {
  return ['cid', 'appid', 'azp', 'client_id'].find((name) => typeof valueAt(claims, name) === 'string')
}
