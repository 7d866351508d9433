import { AuthError } from '../errors/auth-error.ts'
import type { ClaimCheck } from './claim-check.ts'

/**
 * The registered claims have the types of RFC 7519 section 4.1 and RFC 9068 section 2.2 wherever they are present, and hold
 * no control character that could break out of a log line or a header. Says nothing about their values.
 */
export function registeredClaims(limits: { readonly audiences: number }): ClaimCheck {
  return {
    step: 'claims',
    answer: 'lasting',
    check: ({ claims }) => {
      for (const name of TEXT_CLAIMS) if (Object.hasOwn(claims, name)) assertText(name, claims[name])
      if (Object.hasOwn(claims, 'aud')) assertAudience(claims['aud'], limits.audiences)
      for (const name of DATE_CLAIMS) if (Object.hasOwn(claims, name)) assertNumericDate(name, claims[name])
    },
    compare: ({ claims }) => ({
      expected: 'well-formed registered claims',
      actual: Object.keys(claims).slice(0, 20),
    }),
  }
}

const TEXT_CLAIMS: readonly string[] = ['iss', 'sub', 'jti', 'client_id', 'azp']
const DATE_CLAIMS: readonly string[] = ['exp', 'nbf', 'iat']
const CONTROL_CHARACTERS = /[\p{Cc}\p{Cs}\u2028\u2029]/u
const FIRST_IMPOSSIBLE_DATE = 1e11

/** Refuses anything but a string without control characters. */
export function assertText(name: string, value: unknown): asserts value is string {
  if (typeof value !== 'string') throw malformed(name, 'a string', kindOf(value))
  if (CONTROL_CHARACTERS.test(value)) throw malformed(name, 'text without control characters', value)
}

function assertAudience(value: unknown, most: number): void {
  if (!Array.isArray(value)) return assertText('aud', value)
  if (value.length > most) throw malformed('aud', `at most ${most} values`, value.length)
  for (const item of value) assertText('aud', item)
}

function assertNumericDate(name: string, value: unknown): void {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0)
    throw malformed(
      name,
      'a number of seconds since the epoch',
      typeof value === 'number' ? String(value) : kindOf(value),
    )
  if (value >= FIRST_IMPOSSIBLE_DATE)
    throw malformed(
      name,
      'seconds since the epoch',
      value,
      `${name} is in milliseconds: the issuer must divide it by 1000`,
    )
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
