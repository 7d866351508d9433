import type { CryptoKey } from 'jose'
import { applySchema, type ClaimsSchema, runTokenChecks, type TokenCheck } from '../claims/application-checks.ts'
import type { ClaimContext, ClaimSubject } from '../claims/registered-claims.ts'
import { checkConfirmation } from '../confirmation/binding.ts'
import { asError, asRefusal } from '../errors/auth-error.ts'
import { checkPadding } from '../jws/parse.ts'
import type { JwtParser } from '../jws/quick-parser.ts'
import {
  checkAlgorithm,
  checkSignatureForm,
  type SignatureVerification,
  verifyAmong,
  verifyReplaced,
} from '../jws/signature.ts'
import { type KeyContext, mayBeSeveral, possibleKeys } from '../keys/key-source.ts'
import type { Algorithm } from '../model/algorithm.ts'
import type { Limits } from '../model/limits.ts'
import { detached } from '../model/memory.ts'
import { forgivenAhead } from '../model/runtime.ts'
import { type Claims, keepSigned, type ParsedJwt, VerifiedJwt, type VerifiedToken } from '../model/token.ts'
import { deepFreeze, isThenable } from '../model/values.ts'
import type { PolicyRegistry } from './policy-registry.ts'
import type { ResolvedPolicy } from './policy.ts'

/** The seam for other kinds of token: whatever turns a text into a verified token. */
export interface TokenVerifier<C extends object> {
  /** A promise only where something has to be waited for, so that it may throw at once. @throws AuthError */
  verify(token: string, context: TokenContext): VerifiedToken<C> | Promise<VerifiedToken<C>>
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
  readonly parse: JwtParser
  readonly isSignedBy: SignatureVerification
}

/** A token that has been accepted, and what that rested on. */
export interface Acceptance {
  /** Without what a schema makes of it. */
  readonly verified: VerifiedToken
  readonly policy: ResolvedPolicy
  readonly key: CryptoKey
}

/** What has been asked for already when a verification begins. */
interface Basis {
  readonly policy: ResolvedPolicy
  /** What the policy's keys gave, where they have been asked. */
  readonly possible: readonly CryptoKey[] | undefined
  /** What the policy's keys have been told about the token, where they have been asked. */
  readonly about: KeyContext | undefined
}

interface KeyBasis {
  readonly policy: ResolvedPolicy
  readonly key: CryptoKey
  readonly about: KeyContext | undefined
}

interface JwtVerifier<C extends object> extends TokenVerifier<C> {
  /** As `verify`, for a token whose policy is known. @throws AuthError */
  verifyOn(token: string, basis: Basis, context: TokenContext): Promise<VerifiedToken<C>>
}

/**
 * Verifies signed JWTs: parse, policy, algorithm, key, signature, claims, in this order and no other. `onAccepted` is told before the
 * schema and the token checks, which have their say each time.
 */
export function jwtVerifier<C extends object>(
  rules: JwtRules<C>,
  onAccepted?: (acceptance: Acceptance) => void,
): JwtVerifier<C> {
  const { parse, policies, isSignedBy } = rules

  const accept = (parsed: ParsedJwt, { policy, key }: Omit<KeyBasis, 'about'>, context: TokenContext) => {
    try {
      for (const claimCheck of policy.claimChecks) claimCheck.check(parsed, context)
      checkConfirmation(parsed.claims, context.confirmations)
      // What is remembered must not keep the request that the token was cut from.
      const token = onAccepted === undefined ? parsed.token : detached(parsed.token)
      const verified = verifiedToken({ ...parsed, token }, policy)
      onAccepted?.({ verified, policy, key })
      return checkedToken(verified, rules)
    } catch (error) {
      throw asError(error)
    }
  }

  const acceptReplaced = async (parsed: ParsedJwt, algorithm: Algorithm, basis: KeyBasis, context: TokenContext) => {
    const { policy, key: failed, about = keyContext(parsed.claims, basis.policy) } = basis
    try {
      const replaced = verifyReplaced(parsed, algorithm, { keys: policy.keys, failed, isSignedBy, about })
      const key = await replaced.catch((error: unknown) => refuseWithoutKey(error, parsed, policy, context))
      return await accept(parsed, { policy, key }, context)
    } catch (error) {
      throw asError(error)
    }
  }

  // Without `await`, for each function that waits costs as much as all checks of the claims. A promise may be of another realm, and only
  // one of our own is known for one: hence Promise.resolve.
  const verifySigned = (parsed: ParsedJwt, algorithm: Algorithm, basis: KeyBasis, context: TokenContext) => {
    try {
      return Promise.resolve(isSignedBy(parsed, algorithm, basis.key)).then((isSigned) =>
        isSigned ? accept(parsed, basis, context) : acceptReplaced(parsed, algorithm, basis, context),
      )
    } catch (error) {
      throw asError(error)
    }
  }

  const verifySignedAmong = async (parsed: ParsedJwt, algorithm: Algorithm, basis: Basis, context: TokenContext) => {
    const { policy, about = keyContext(parsed.claims, policy) } = basis
    const { keys } = policy
    const signer = async (): Promise<CryptoKey> => {
      const possible = basis.possible ?? (await possibleKeys(keys, parsed.header, about))
      return verifyAmong(parsed, algorithm, { keys, isSignedBy, about, possible })
    }
    try {
      const key = await signer().catch((error: unknown) => refuseWithoutKey(error, parsed, policy, context))
      return await accept(parsed, { policy, key }, context)
    } catch (error) {
      throw asError(error)
    }
  }

  const verifyResolved = (parsed: ParsedJwt, algorithm: Algorithm, policy: ResolvedPolicy, context: TokenContext) => {
    const about = keyContext(parsed.claims, policy)
    const refuse = (error: unknown): never => refuseWithoutKey(error, parsed, policy, context)
    try {
      return Promise.resolve(policy.keys.resolve(parsed.header, about)).then(
        (key) => verifySigned(parsed, algorithm, { policy, key, about }, context),
        refuse,
      )
    } catch (error) {
      return refuse(error)
    }
  }

  const verifyOn = (parsed: ParsedJwt, basis: Basis, context: TokenContext) => {
    const { policy, possible } = basis
    checkPadding(parsed, policy.padding)
    const algorithm = checkAlgorithm(parsed.header, policy.algorithms)
    checkSignatureForm(parsed.signature, algorithm)
    try {
      if (possible !== undefined) return verifySignedAmong(parsed, algorithm, basis, context)
      const current = policy.keys.current?.(parsed.header)
      if (current !== undefined)
        return verifySigned(parsed, algorithm, { policy, key: current, about: undefined }, context)
      if (mayBeSeveral(policy.keys, parsed.header)) return verifySignedAmong(parsed, algorithm, basis, context)
      return verifyResolved(parsed, algorithm, policy, context)
    } catch (error) {
      throw asError(error)
    }
  }

  return {
    verify: (token, context) => {
      const parsed = parse(token)
      const policy = policies.select(parsed.claims)
      return isThenable(policy)
        ? policy.then((selected) =>
            verifyOn(parsed, { policy: selected, possible: undefined, about: undefined }, context),
          )
        : verifyOn(parsed, { policy, possible: undefined, about: undefined }, context)
    },
    verifyOn: (token, basis, context) => verifyOn(parse(token), basis, context),
  }
}

/** What the application adds to a verification: its schema, then its token checks. @throws AuthError */
export function checkedToken<C extends object>(
  token: VerifiedToken,
  { schema, checks }: Pick<JwtRules<C>, 'schema' | 'checks'>,
): VerifiedToken<C> | Promise<VerifiedToken<C>> {
  // Without a schema C is the type of plain claims.
  if (schema === undefined && checks.length === 0) return token as VerifiedToken<C>
  return withChecks(token, schema, checks)
}

async function withChecks<C extends object>(
  token: VerifiedToken,
  schema: ClaimsSchema<C> | undefined,
  checks: readonly TokenCheck[],
): Promise<VerifiedToken<C>> {
  try {
    const completed = schema === undefined ? (token as VerifiedToken<C>) : await withSchema(token, schema)
    // The claims as they were signed: what a schema makes of `sub` or `jti` is in no denylist.
    await runTokenChecks(checks, token)
    return completed
  } catch (error) {
    throw asError(error)
  }
}

/** The token with what a schema makes of its claims. @throws AuthError `claims_schema` */
export async function withSchema<C extends object>(
  { token, claims, header, scopes }: VerifiedToken,
  schema: ClaimsSchema<C>,
): Promise<VerifiedToken<C>> {
  const completed = deepFreeze(await applySchema(schema, claims))
  keepSigned(completed, claims)
  return new VerifiedJwt<C>(token, { claims: completed, header, scopes })
}

/** The token of a JWT whose signature and claims have been checked. @throws AuthError `claim_malformed` */
export function verifiedToken({ token, header, claims }: ParsedJwt, { scopesOf }: ResolvedPolicy): VerifiedToken {
  return new VerifiedJwt(token, { claims, header, scopes: scopesOf(claims) })
}

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
