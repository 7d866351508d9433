import { AuthError, overLimit } from '../errors/auth-error.ts'
import type { Limits } from '../model/limits.ts'
import { LAST_SECOND } from '../model/runtime.ts'
import type { Claims, JoseHeader } from '../model/token.ts'

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
  /** A lasting result depends only on the token; a momentary one also on the time or on an application function. */
  readonly answer: 'lasting' | 'momentary'
  /** Throws `AuthError` if the token breaks the rule. */
  check(subject: ClaimSubject, context: ClaimContext): void
  /** What was compared, for `explain`. Called only for a token that passed. */
  compare(subject: ClaimSubject, context: ClaimContext): Comparison
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
    answer: 'lasting',
    check: ({ claims }, { now }) => {
      const { iss, sub, aud, exp, nbf, iat, jti, client_id: clientId, azp } = claims
      // Unrolled, because a loop over the names costs as much as all the other checks.
      if (iss !== undefined) assertText('iss', iss)
      if (sub !== undefined && sub !== null) assertText('sub', sub)
      if (jti !== undefined) assertText('jti', jti)
      if (clientId !== undefined && clientId !== null) assertText('client_id', clientId)
      if (azp !== undefined && azp !== null) assertText('azp', azp)
      if (aud !== undefined) assertAudience(aud, limits.audiences)
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

function assertAudience(value: unknown, most: number): void {
  if (!Array.isArray(value)) return assertText('aud', value)
  if (value.length > most)
    throw overLimit('claim_too_long', { limit: 'audiences', most, unit: 'values of aud', actual: value.length })
  for (const item of value) assertText('aud', item)
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
  return new AuthError('claim_malformed', {
    expected: `${name}: ${expected}`,
    actual,
    ...(hint === undefined ? {} : { hint }),
  })
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'an array' : `a value of type ${typeof value}`
}
