import { AuthError } from '../errors/auth-error.ts'
import type { ClaimCheck } from './claim-check.ts'

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

/** What a person would overlook when comparing two issuers or audiences; `undefined` where they truly differ. */
export function nearMiss(expected: string, actual: string): string | undefined {
  if (expected === actual) return undefined
  if (withoutSlash(expected) === withoutSlash(actual)) return 'They differ only by a trailing slash'
  if (expected.toLowerCase() === actual.toLowerCase()) return 'They differ only by case'
  if (withoutScheme(expected) === withoutScheme(actual)) return 'They differ only by the scheme (http or https)'
  if (expected.trim() === actual.trim()) return 'They differ only by white space'
  return undefined
}

const withoutSlash = (text: string): string => (text.endsWith('/') ? text.slice(0, -1) : text)
const withoutScheme = (text: string): string => text.replace(/^https?:\/\//i, '')
