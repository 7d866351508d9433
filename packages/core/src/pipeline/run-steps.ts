import { asError, asRefusal } from '../errors/auth-error.ts'
import type { VerifiedToken } from '../model/token.ts'
import { type JwtRules, stepsOf, type TokenContext, type Verification } from './steps.ts'
import type { Remembered, TokenCache } from './token-cache.ts'

/** Turns a token into a verified token. */
export interface TokenVerifier<C extends object> {
  /** Returns a promise only if something must be awaited; otherwise it may throw synchronously. @throws AuthError */
  verify(token: string, context: TokenContext): VerifiedToken<C> | Promise<VerifiedToken<C>>
}

/** Runs the steps. With a cache, a token that was accepted before skips parsing and signature. Refusals are not cached. */
export function jwtVerifier<C extends object>(rules: JwtRules<C>, cache?: TokenCache): TokenVerifier<C> {
  const steps = stepsOf(rules, cache)

  const run = (state: Verification<C>, from: number): Promise<void> | undefined => {
    for (let at = from; at < steps.length; at += 1) {
      const step = steps[at]
      if (step === undefined || (step.spared && state.remembered !== undefined)) continue
      const waiting = step.run(state)
      if (waiting !== undefined) return waiting.then(() => run(state, at + 1))
    }
    return undefined
  }

  return {
    verify: (token, context) => {
      const state = begin<C>(token, context, cache?.find(token))
      try {
        const waiting = run(state, 0)
        if (waiting === undefined) return state.completed
        return waiting.then(
          () => state.completed,
          (error: unknown) => {
            throw refusalOf(state, error)
          },
        )
      } catch (error) {
        throw refusalOf(state, error)
      }
    },
  }
}

/** The state of a verification before its first step. */
export function begin<C extends object>(
  token: string,
  context: TokenContext | undefined,
  remembered?: Remembered,
): Verification<C> {
  const verified = remembered?.verified as VerifiedToken<C> | undefined
  // Every member is set from the start; otherwise Object.prototype could supply one. Steps fill in each value before any later step reads it.
  const state = {
    token,
    context,
    remembered,
    parsed: undefined,
    subject: verified,
    policy: undefined,
    algorithm: undefined,
    about: undefined,
    possible: undefined,
    key: undefined,
    verified,
    completed: verified,
  }
  return state as unknown as Verification<C>
}

/** Whether a refusal means that the keys to decide about a token are currently unavailable. */
export function lacksKeys(error: unknown): boolean {
  return asRefusal(error)?.code === 'keys_unavailable'
}

/**
 * The reason to refuse a token. If its keys are unavailable, its claims may give a better reason: a token that has expired, or is for
 * another API, is refused whatever its key. The claims are unverified, so they can only cause a refusal.
 */
function refusalOf<C extends object>(state: Verification<C>, error: unknown): Error {
  const { policy, subject, context }: Partial<Verification<C>> = state
  if (policy === undefined || subject === undefined || !lacksKeys(error)) return asError(error)
  try {
    for (const claimCheck of policy.keylessChecks) claimCheck.check(subject, context)
    return asError(error)
  } catch (refusal) {
    return asError(refusal)
  }
}
