import { asError, asRefusal } from '../errors/as-error.ts'
import type { ClaimContext, ClaimSubject } from '../claims/claim-check.ts'
import type { KeyContext } from '../keys/key-source.ts'
import type { Claims } from '../model/token.ts'
import { forgivenAhead } from '../model/token-times.ts'
import type { ResolvedPolicy } from '../policy/resolve-policy.ts'

/** What a key source is told about a token. */
export function keyContext(claims: Claims, { clockTolerance }: ResolvedPolicy): KeyContext {
  const iat: unknown = Object.hasOwn(claims, 'iat') ? claims.iat : undefined
  return { issuedBefore: typeof iat === 'number' ? iat + forgivenAhead(clockTolerance) : undefined }
}

/** Whether a refusal says that the keys to decide about a token cannot be had now. */
export function lacksKeys(error: unknown): boolean {
  return asRefusal(error)?.code === 'keys_unavailable'
}

/**
 * Throws why a token is refused whose key a source has refused to give. Where the keys cannot be had, the claims may tell more than that: a
 * token that has expired, or is for another API, is refused whatever its key. They are unverified, and so can only refuse.
 */
export function refuseWithoutKey(
  error: unknown,
  token: ClaimSubject,
  policy: ResolvedPolicy,
  context: ClaimContext,
): never {
  if (lacksKeys(error)) for (const claimCheck of policy.keylessChecks) claimCheck.check(token, context)
  throw asError(error)
}
