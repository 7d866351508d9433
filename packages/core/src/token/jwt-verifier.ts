import { checkConfirmation } from '../binding/binding.ts'
import { runTokenChecks, type TokenCheck } from '../checks/token-check.ts'
import type { ClaimContext } from '../claims/claim-check.ts'
import { applySchema, type ClaimsSchema } from '../claims/schema.ts'
import { scopesOf } from '../claims/scopes.ts'
import { deepFreeze } from '../model/deep-freeze.ts'
import type { Limits } from '../model/limits.ts'
import { ReadonlyScopes } from '../model/readonly-scopes.ts'
import type { ParsedJwt, VerifiedToken } from '../model/token.ts'
import type { PolicyRegistry } from '../policy/policy-registry.ts'
import type { ResolvedPolicy } from '../policy/resolve-policy.ts'
import { parseJwt } from './parse-jwt.ts'
import { checkAlgorithm, checkSignatureForm, verifySignature } from './verify-signature.ts'

/** The seam for other kinds of token: whatever turns a text into a verified token. */
export interface TokenVerifier<C extends object> {
  /** @throws AuthError */
  verify(token: string, context: TokenContext): Promise<VerifiedToken<C>>
}

/** What a verification depends on besides the token. */
export interface TokenContext extends ClaimContext {
  /** Members of `cnf` that the caller confirms itself; a token bound in any other way is refused. */
  readonly confirmations: ReadonlySet<string>
}

export interface JwtRules<C extends object> {
  readonly limits: Limits
  readonly policies: PolicyRegistry
  readonly schema: ClaimsSchema<C> | undefined
  readonly checks: readonly TokenCheck[]
}

/** Verifies signed JWTs: parse, policy, algorithm, key, signature, claims, in this order and no other. */
export function jwtVerifier<C extends object>(rules: JwtRules<C>): TokenVerifier<C> {
  return {
    verify: async (token, context) => {
      const parsed = parseJwt(token, rules.limits)
      const policy = await rules.policies.select(parsed.claims)
      const algorithm = checkAlgorithm(parsed.header, policy.algorithms)
      checkSignatureForm(parsed.signature, algorithm)
      await verifySignature(parsed, algorithm, policy.keys)
      for (const claimCheck of policy.claimChecks) claimCheck.check(parsed, context)
      checkConfirmation(parsed.claims, context.confirmations)
      const verified = await verifiedToken(parsed, policy, rules.schema)
      await runTokenChecks(rules.checks, verified)
      return verified
    },
  }
}

/** The token of a JWT whose signature and claims have been checked, with the schema applied. */
export async function verifiedToken<C extends object>(
  { token, header, claims }: ParsedJwt,
  { scopeRules }: ResolvedPolicy,
  schema: ClaimsSchema<C> | undefined,
): Promise<VerifiedToken<C>> {
  const scopes = new ReadonlyScopes(scopesOf(claims, scopeRules))
  // Without a schema C is the type of plain claims.
  const verified = deepFreeze(claims) as VerifiedToken<C>['claims']
  const completed = schema === undefined ? verified : deepFreeze(await applySchema(schema, claims))
  const verifiedParts = { claims: completed, header: deepFreeze(header), scopes }
  // Not enumerable, so that a logger that prints the object does not print the token.
  return Object.freeze(Object.defineProperty(verifiedParts, 'token', { value: token }) as unknown as VerifiedToken<C>)
}
