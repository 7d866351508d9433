import type { ClaimContext, ClaimSubject } from '../claims/claim-checks.ts'
import { asRefusal, keepClaims } from '../errors/auth-error.ts'
import type { ResolvedPolicy } from './policy.ts'

/**
 * Gives the error of a failed claim check the claims of the token, if only its times are wrong: all other claim checks pass, and it is not
 * bound to a sender, who has not proven anything yet. Call it only for a token whose signature was verified.
 */
export function keepClaimsIfUntimely(thrown: unknown, { policy, subject, context }: Judged): void {
  const error = asRefusal(thrown)
  // A time that is absent or no number is `claim_missing` or `claim_malformed`.
  if (!error?.code.startsWith('token_') || subject.claims.cnf !== undefined) return
  try {
    for (const { dependsOn, check } of policy.claimChecks) if (dependsOn !== 'time') check(subject, context)
    keepClaims(error, subject.claims)
  } catch {
    // Its times are not its only flaw.
  }
}

interface Judged {
  readonly policy: ResolvedPolicy
  readonly subject: ClaimSubject
  readonly context: ClaimContext
}
