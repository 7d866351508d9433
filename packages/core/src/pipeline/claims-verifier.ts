import { AuthError } from '../errors/auth-error.ts'
import type { Claims, JoseHeader, ParsedJwt, VerifiedToken } from '../model/token.ts'
import { bareThrough, deepFreeze, has } from '../model/values.ts'
import { misconfigured } from '../options/option-rules.ts'
import { explainToken, type Explanation } from './explain.ts'
import type { ClaimRules, IssuerPolicy, SharedOptions } from './options.ts'
import { contextOf, tokenVerifier, type VerifyContext } from './run-steps.ts'
import { type Step, stepsOf, type Verification } from './steps.ts'
import { verifierParts } from './verifier.ts'

/** The options of a verifier, without those for keys, signatures and the token cache. */
export type ClaimsVerifierOptions<C extends object = object> = ClaimRules &
  Pick<IssuerPolicy, 'issuer' | 'audience'> &
  Pick<SharedOptions<C>, 'claims' | 'checks' | 'limits' | 'onEvent' | 'clock'>

/** Verifies claims that the issuer itself vouches for, such as its answer about an opaque token (RFC 7662). */
export interface ClaimsVerifier<C extends object = object> {
  /**
   * Checks the claims as those of a JWT are checked: issuer, audience, times, the rules and checks of the options. The verified token has
   * no header.
   *
   * @param token - the token as received
   * @param claims - its claims, from a source that is trusted as much as a signature
   * @throws AuthError as `verify` of a verifier does
   */
  verify(token: string, claims: Claims, context?: VerifyContext): Promise<VerifiedToken<C>>
  /** Reports each of these steps. Never throws. */
  explain(token: string, claims: Claims, context?: VerifyContext): Promise<Explanation>
}

/**
 * Creates a verifier of claims, to build a `Verifier` of opaque tokens from.
 *
 * @throws TypeError for options that are missing, contradict each other or are out of range
 */
export function createClaimsVerifier<C extends object = object>(options: ClaimsVerifierOptions<C>): ClaimsVerifier<C> {
  const misplaced = ['keys', 'tokenCache'].find((name) => has(options, name))
  if (misplaced !== undefined)
    throw misconfigured('create claims verifier', `leave out "${misplaced}": there is no signature`)
  const { rules, clock, onEvent } = verifierParts<C>(noEngine, { ...options, keys: NO_KEYS, tokenCache: false })
  const rest = stepsOf<C>(rules).filter(({ name }) => !OF_JWTS.includes(name))
  const stepsFor = (token: string, claims: Claims): readonly Step<C>[] => [
    { ...PARSE, run: (state) => useClaims(state, token, claims) },
    ...rest,
  ]
  return {
    verify: async (token, claims, context) =>
      tokenVerifier(stepsFor(token, claims), { clock, cache: undefined, onEvent })(token, context),
    explain: async (token, claims, context) =>
      explainToken(token, {
        steps: stepsFor(token, claims),
        policies: rules.policies,
        contextOf: () => contextOf(clock, context),
      }),
  }
}

const OF_JWTS: readonly string[] = ['parse', 'padding', 'algorithm', 'key', 'signature']
const PARSE = { name: 'parse', skipIfRemembered: false, needs: [], describe: () => undefined } as const

// The check of `typ` finds none, and the verified token gets no header.
function useClaims<C extends object>(state: Verification<C>, token: string, given: Claims): undefined {
  const claims = deepFreeze(bareThrough(JSON.parse(JSON.stringify(given)))) as Claims
  state.subject = { claims, header: NO_HEADER }
  state.parsed = { token, claims, header: undefined } as unknown as ParsedJwt
}

const NO_HEADER = Object.freeze(Object.create(null)) as JoseHeader
const NO_KEYS = { resolve: () => Promise.reject(new AuthError('key_not_found')) }
const noEngine = (): never => ({ parse: undefined, isSignedBy: undefined }) as never
