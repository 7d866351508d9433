import type { Claims } from '@claimgate/core'
import type { ClaimCheck } from '../../../packages/core/src/claims/claim-checks.ts'
import { AuthError } from '../../../packages/core/src/errors/auth-error.ts'

/** What `explain` shows for claims that pass, or what the log shows for others. */
export function checkResult(check: ClaimCheck, claims: Claims, now = 1000): unknown {
  const given = [{ claims, header: { alg: 'ES256' } }, { now }] as const
  try {
    check.check(...given)
  } catch (error) {
    if (!(error instanceof AuthError)) throw error
    const { code, expected, actual, hint } = error
    return { code, expected, actual, ...(hint !== undefined && { hint }) }
  }
  return check.compare(...given)
}
