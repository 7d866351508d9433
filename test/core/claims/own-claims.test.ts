import { afterEach, describe, expect, it } from 'vitest'
import { AuthError } from '../../../packages/core/src/errors/auth-error.ts'
import { audience, type ClaimCheck } from '../../../packages/core/src/claims/claim-checks.ts'
import { expiry, issuedAt } from '../../../packages/core/src/claims/times.ts'

const prototype = Object.prototype as unknown as Record<string, unknown>
const NOW = 1_800_000_000

function codeOf(claimCheck: ClaimCheck): string {
  try {
    claimCheck.check({ header: { alg: 'RS256' }, claims: {} }, { now: NOW })
    return 'passed'
  } catch (error) {
    if (error instanceof AuthError) return error.code
    throw error
  }
}

describe('a claim on Object.prototype', () => {
  afterEach(() => {
    for (const name of ['exp', 'iat', 'aud']) delete prototype[name]
  })

  it.each<[string, unknown, ClaimCheck, string]>([
    ['exp', NOW + 600, expiry({ clockTolerance: 5 }), 'claim_missing'],
    ['iat', NOW - 1, issuedAt({ clockTolerance: 5, maxAge: 60 }), 'claim_missing'],
    ['aud', 'api', audience(new Set(['api'])), 'audience_missing'],
  ])('is not a claim of the token: %s', (name, value, claimCheck, code) => {
    prototype[name] = value
    expect(codeOf(claimCheck)).toBe(code)
  })
})
