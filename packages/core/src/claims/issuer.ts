import { AuthError } from '../errors/auth-error.ts'
import type { ClaimCheck } from './claim-check.ts'
import { nearMiss } from './near-miss.ts'

/** `iss` must be the configured issuer, as a string, character by character (RFC 7519 section 4.1.1, RFC 9068 section 4). */
export function issuer(expected: string): ClaimCheck {
  return {
    step: 'iss',
    check: ({ claims }) => {
      const actual: unknown = claims.iss
      if (actual === expected) return { expected, actual }
      if (actual === undefined) throw new AuthError('issuer_missing', { expected, actual })
      const hint = typeof actual === 'string' ? nearMiss(expected, actual) : 'iss must be a string'
      throw new AuthError('issuer_mismatch', { expected, actual, ...(hint === undefined ? {} : { hint }) })
    },
  }
}
