import { AuthError } from '../errors/auth-error.ts'
import { duration, iatTolerance } from '../model/runtime.ts'
import type { Claims } from '../model/token.ts'
import type { ClaimCheck } from './claim-checks.ts'

interface TimeRules {
  /** Seconds. */
  readonly clockTolerance: number
  /** Seconds since `iat`; absent for no limit. */
  readonly maxAge?: number | undefined
  /** Seconds from `iat` to `exp`; absent for no limit. */
  readonly maxLifetime?: number | undefined
}

/** Seconds since the epoch, both excluded. */
export interface Period {
  readonly from: number
  readonly until: number
}

/** No time at all. */
export const NEVER: Period = Object.freeze({ from: Infinity, until: -Infinity })

/** A period in which the times of a token pass all checks. */
export type PeriodOf = (claims: Claims) => Period

/**
 * Combines the checks of `exp`, `nbf` and `iat`. Within the period of a token they would all pass, so they run only at other times.
 */
export function times(
  rules: TimeRules,
): ClaimCheck & { readonly parts: readonly ClaimCheck[]; readonly periodOf: PeriodOf } {
  const { clockTolerance, maxAge } = rules
  const ahead = iatTolerance(clockTolerance)
  const parts = [expiry(rules), notBefore(rules), issuedAt(rules)]

  const periodOf = (claims: Claims): Period => {
    // Own members only: a polluted Object.prototype could make tokens valid forever.
    const exp: unknown = Object.hasOwn(claims, 'exp') ? claims.exp : undefined
    const nbf: unknown = Object.hasOwn(claims, 'nbf') ? claims.nbf : undefined
    const iat: unknown = Object.hasOwn(claims, 'iat') ? claims.iat : undefined
    if (typeof exp !== 'number') return NEVER
    if ((typeof nbf !== 'number' && nbf !== undefined) || (typeof iat !== 'number' && iat !== undefined)) return NEVER
    const last = maxAge === undefined ? exp : Math.min(exp, (iat ?? -Infinity) + maxAge)
    // A second short on both sides, because sums of decimal fractions are rounded.
    return {
      from: Math.max((nbf ?? -Infinity) - clockTolerance, (iat ?? -Infinity) - ahead) + 1,
      until: last + clockTolerance - 1,
    }
  }

  return {
    step: 'times',
    dependsOn: 'time',
    check: (subject, context) => {
      const { from, until } = periodOf(subject.claims)
      if (context.now > from && context.now < until) return
      for (const part of parts) part.check(subject, context)
    },
    compare: () => ({}),
    parts,
    periodOf,
  }
}

/** `exp` is required and must be in the future (RFC 7519 section 4.1.4). */
export function expiry({ clockTolerance }: TimeRules): ClaimCheck {
  const compare: ClaimCheck['compare'] = ({ claims }, { now }) => ({
    expected: `after ${instant(now - clockTolerance)}`,
    actual: instant(requiredDate(claims, 'exp')),
  })
  return {
    step: 'exp',
    dependsOn: 'time',
    check: (subject, context) => {
      const exp = requiredDate(subject.claims, 'exp')
      if (!(context.now < exp + clockTolerance))
        throw new AuthError('token_expired', {
          ...compare(subject, context),
          hint: `It expired ${duration(context.now - exp)} ago`,
        })
    },
    compare,
  }
}

/** `nbf`, if present, must be in the past (RFC 7519 section 4.1.5). */
function notBefore({ clockTolerance }: TimeRules): ClaimCheck {
  const compare = pastOrAbsent('nbf', clockTolerance)
  return {
    step: 'nbf',
    dependsOn: 'time',
    check: (subject, context) => {
      const nbf = dateOf(subject.claims, 'nbf')
      if (nbf !== undefined && !(nbf <= context.now + clockTolerance))
        throw new AuthError('token_not_yet_valid', { ...compare(subject, context), hint: clockHint(nbf - context.now) })
    },
    compare,
  }
}

/**
 * `iat`, if present, must be at most 60 s in the future, or `clockTolerance` if that is larger (RFC 7519 section 4.1.6), and no older than
 * `maxAge`.
 */
export function issuedAt({ clockTolerance, maxAge }: TimeRules): ClaimCheck {
  const ahead = iatTolerance(clockTolerance)
  const compare = pastOrAbsent('iat', ahead)
  return {
    step: 'iat',
    dependsOn: 'time',
    check: (subject, context) => {
      const iat = dateOf(subject.claims, 'iat')
      if (iat === undefined) {
        if (maxAge !== undefined) throw missing('iat')
        return
      }
      const age = context.now - iat
      if (!(iat <= context.now + ahead))
        throw new AuthError('token_issued_in_future', { ...compare(subject, context), hint: clockHint(-age) })
      if (maxAge !== undefined && !(age <= maxAge + clockTolerance))
        throw new AuthError('token_too_old', {
          expected: `at most ${maxAge} s old`,
          actual: `${seconds(age)} old`,
          hint: ownLimit('maxAge'),
        })
    },
    compare,
  }
}

/** From `iat` to `exp` there must be at most `maxLifetime`, which prevents tokens that practically never expire. */
export function lifetime(maxLifetime: number): ClaimCheck {
  const lifetimeOf = (claims: Claims): number => requiredDate(claims, 'exp') - requiredDate(claims, 'iat')
  const compare: ClaimCheck['compare'] = ({ claims }) => ({
    expected: `at most ${maxLifetime} s`,
    actual: seconds(lifetimeOf(claims)),
  })
  return {
    step: 'lifetime',
    dependsOn: 'token',
    check: (subject, context) => {
      if (!(lifetimeOf(subject.claims) <= maxLifetime))
        throw new AuthError('token_lifetime_too_long', {
          ...compare(subject, context),
          hint: ownLimit('maxLifetime'),
        })
    },
    compare,
  }
}

function ownLimit(name: 'maxAge' | 'maxLifetime'): string {
  return `That is "${name}" of the configuration: raise it if the issuer is right`
}

function pastOrAbsent(name: 'nbf' | 'iat', tolerance: number): ClaimCheck['compare'] {
  return ({ claims }, { now }) => {
    const time = dateOf(claims, name)
    if (time === undefined) return { expected: 'absent, or in the past', actual: 'absent' }
    return { expected: `at or before ${instant(now + tolerance)}`, actual: instant(time) }
  }
}

// `explain` continues after a claim of the wrong type, so these checks may still meet one.
function dateOf(claims: Claims, name: 'exp' | 'nbf' | 'iat'): number | undefined {
  // Own members only: a polluted Object.prototype could make tokens valid forever.
  const value: unknown = Object.hasOwn(claims, name) ? claims[name] : undefined
  if (value === undefined || typeof value === 'number') return value
  // Some issuers write null for "no nbf". No other time may be null.
  if (value === null && name === 'nbf') return undefined
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
  return `It is ${duration(ahead)} ahead: compare the clocks of the issuer and of this server`
}
