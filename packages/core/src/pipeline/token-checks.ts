import { asError, AuthError } from '../errors/auth-error.ts'
import type { KeySource } from '../keys/key-source.ts'
import type { Algorithm } from '../model/algorithm.ts'
import type { VerifiedToken } from '../model/token.ts'

/** An extra check of a verified token, with its claims as signed: a denylist, a logout store, a tenant lock. */
export interface TokenCheck {
  /** The name of the check in explanations. */
  readonly name: string
  /** Throws `AuthError` `token_refused` to refuse. Any other exception means that it could not decide: status 503. */
  check(token: VerifiedToken, context?: TokenCheckContext): Promise<void>
}

/** What a token check may use besides the token. */
export interface TokenCheckContext {
  /** The keys of the token's issuer, to verify other documents that it signs. */
  readonly keys: KeySource
  /** The algorithms that are accepted for them. */
  readonly algorithms: readonly Algorithm[]
}

/**
 * Runs the checks in order.
 *
 * @throws AuthError that a check threw, or `check_unavailable`
 */
export async function runTokenChecks(
  checks: readonly TokenCheck[],
  token: VerifiedToken,
  context: TokenCheckContext,
): Promise<void> {
  for (const tokenCheck of checks) {
    try {
      const answer: unknown = await tokenCheck.check(token, context)
      // A check that returns false has not refused by throwing, but must not count as passed either.
      if (answer !== undefined) throw new TypeError('A token check refuses by throwing, and answers with nothing')
    } catch (thrown) {
      const cause = asError(thrown)
      if (cause instanceof AuthError) throw cause
      throw new AuthError('check_unavailable', { actual: tokenCheck.name, cause })
    }
  }
}
