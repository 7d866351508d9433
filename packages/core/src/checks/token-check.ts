import { asError } from '../errors/as-error.ts'
import { AuthError } from '../errors/auth-error.ts'
import type { VerifiedToken } from '../model/token.ts'

/** A further check of a verified token, with its claims as they were signed: a denylist, a logout store, a tenant lock. */
export interface TokenCheck {
  /** Named in explanations. */
  readonly name: string
  /** Throws `AuthError` `token_refused` to refuse. Anything else it throws means that it could not decide: status 503. */
  check(token: VerifiedToken): Promise<void>
}

/**
 * Runs the checks in order.
 *
 * @throws AuthError what a check threw, or `check_unavailable`
 */
export async function runTokenChecks(checks: readonly TokenCheck[], token: VerifiedToken): Promise<void> {
  for (const tokenCheck of checks) {
    try {
      const answer: unknown = await tokenCheck.check(token)
      // A check that answers false has not refused; it must not pass for one that found nothing either.
      if (answer !== undefined) throw new TypeError('A token check refuses by throwing, and answers with nothing')
    } catch (thrown) {
      const cause = asError(thrown)
      if (cause instanceof AuthError) throw cause
      throw new AuthError('check_unavailable', { actual: tokenCheck.name, cause })
    }
  }
}
