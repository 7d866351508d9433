import { AuthError } from '../errors/auth-error.ts'
import type { Claims } from '../model/token.ts'
import type { ClaimCheck } from './claim-check.ts'

export interface TimeRules {
  /** Seconds. */
  readonly clockTolerance: number
  /** Seconds since `iat`; absent for no bound. */
  readonly maxAge?: number | undefined
  /** Seconds from `iat` to `exp`; absent for no bound. */
  readonly maxLifetime?: number | undefined
}

/** `exp` is required and lies in the future (RFC 7519 section 4.1.4). */
export function expiry({ clockTolerance }: TimeRules): ClaimCheck {
  return {
    step: 'exp',
    check: ({ claims }, { now }) => {
      const exp = requiredDate(claims, 'exp')
      const comparison = { expected: `after ${instant(now - clockTolerance)}`, actual: instant(exp) }
      if (!(now < exp + clockTolerance))
        throw new AuthError('token_expired', { ...comparison, hint: `It expired ${seconds(now - exp)} ago` })
      return comparison
    },
  }
}

/** `nbf`, if present, lies in the past (RFC 7519 section 4.1.5). */
export function notBefore({ clockTolerance }: TimeRules): ClaimCheck {
  return {
    step: 'nbf',
    check: ({ claims }, { now }) => {
      const nbf = dateOf(claims, 'nbf')
      if (nbf === undefined) return { expected: 'absent, or in the past', actual: 'absent' }
      const comparison = { expected: `at or before ${instant(now + clockTolerance)}`, actual: instant(nbf) }
      if (!(nbf <= now + clockTolerance))
        throw new AuthError('token_not_yet_valid', { ...comparison, hint: clockHint(nbf - now) })
      return comparison
    },
  }
}

/** `iat`, if present, lies in the past (RFC 7519 section 4.1.6), and no longer ago than `maxAge`. */
export function issuedAt({ clockTolerance, maxAge }: TimeRules): ClaimCheck {
  return {
    step: 'iat',
    check: ({ claims }, { now }) => {
      const iat = dateOf(claims, 'iat')
      if (iat === undefined) {
        if (maxAge !== undefined) throw missing('iat')
        return { expected: 'absent, or in the past', actual: 'absent' }
      }
      const comparison = { expected: `at or before ${instant(now + clockTolerance)}`, actual: instant(iat) }
      if (!(iat <= now + clockTolerance))
        throw new AuthError('token_issued_in_future', { ...comparison, hint: clockHint(iat - now) })
      if (maxAge !== undefined && !(now - iat <= maxAge + clockTolerance))
        throw new AuthError('token_too_old', {
          expected: `at most ${maxAge} s old`,
          actual: `${seconds(now - iat)} old`,
        })
      return comparison
    },
  }
}

/** From `iat` to `exp` at most `maxLifetime` passes, so that nobody can mint a token for life. */
export function lifetime(maxLifetime: number): ClaimCheck {
  return {
    step: 'lifetime',
    check: ({ claims }) => {
      const exp = requiredDate(claims, 'exp')
      const iat = requiredDate(claims, 'iat')
      const comparison = { expected: `at most ${maxLifetime} s`, actual: seconds(exp - iat) }
      if (!(exp - iat <= maxLifetime)) throw new AuthError('token_lifetime_too_long', comparison)
      return comparison
    },
  }
}

// `explain` goes on after a claim of a wrong type, so that these may still meet one.
function dateOf(claims: Claims, name: 'exp' | 'nbf' | 'iat'): number | undefined {
  const value: unknown = claims[name]
  if (value === undefined || typeof value === 'number') return value
  throw new AuthError('claim_malformed', { expected: `${name}: a number`, actual: typeof value })
}

function requiredDate(claims: Claims, name: 'exp' | 'iat'): number {
  const value = dateOf(claims, name)
  if (value === undefined) throw missing(name)
  return value
}

function missing(claim: string): AuthError {
  return new AuthError('claim_missing', { expected: claim, actual: undefined })
}

function instant(epochSeconds: number): string {
  const date = new Date(epochSeconds * 1000)
  return Number.isNaN(date.getTime()) ? `${epochSeconds} s` : date.toISOString()
}

function seconds(count: number): string {
  return `${Math.round(count)} s`
}

function clockHint(ahead: number): string {
  return `It is ${seconds(ahead)} ahead: compare the clocks of the issuer and of this server`
}
