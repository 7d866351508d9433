import type { CryptoKey } from 'jose'
import { applySchema, type ClaimsSchema } from '../claims/application-checks.ts'
import type { ClaimContext, ClaimSubject, Comparison } from '../claims/claim-checks.ts'
import { NEVER } from '../claims/times.ts'
import { AuthError, orThrow } from '../errors/auth-error.ts'
import { checkConfirmation } from '../confirmation/binding.ts'
import { checkPadding, ignoredKeysHint, type JwtParser } from '../jws/parse.ts'
import { algorithmRefusal, checkAlgorithm, type SignatureVerification, verifySignature } from '../jws/signature.ts'
import { listKeys, publicationOf } from '../keys/jwk/jwk-set.ts'
import { MOST_CANDIDATES } from '../keys/jwk/select-key.ts'
import { type KeyContext, keyContextOf, possibleKeys } from '../keys/key-source.ts'
import type { Algorithm } from '../model/algorithm.ts'
import { detached } from '../model/memory.ts'
import { keepSigned, type ParsedJwt, VerifiedJwt, type VerifiedToken } from '../model/token.ts'
import { deepFreeze } from '../model/values.ts'
import type { PolicyRegistry } from './policy-registry.ts'
import type { ResolvedPolicy } from './policy.ts'
import type { Remembered, TokenCache } from './token-cache.ts'
import { keepClaimsIfUntimely } from './untimely.ts'
import { runTokenChecks, type TokenCheck } from './token-checks.ts'

/** What a verification depends on, besides the token. */
export interface TokenContext extends ClaimContext {
  /** Members of `cnf` that the caller confirms itself. A token with any other binding is refused. */
  readonly confirmations: ReadonlySet<string>
}

/** The resolved configuration of a verifier. */
export interface JwtRules<C extends object> {
  readonly policies: PolicyRegistry
  readonly schema: ClaimsSchema<C> | undefined
  readonly checks: readonly TokenCheck[]
  readonly parse: JwtParser
  readonly isSignedBy: SignatureVerification
}

/** The state of a verification. Each step reads what earlier steps found, and adds its own results. */
export interface Verification<C extends object> {
  readonly token: string
  readonly context: TokenContext
  /** The index of the next step. */
  next: number
  /** The cached entry of this token, valid while its policy and its key are unchanged. It replaces steps marked `skipIfRemembered`. */
  remembered: Remembered | undefined
  parsed: ParsedJwt
  /** Header and claims, parsed or cached. */
  subject: ClaimSubject
  policy: ResolvedPolicy
  /** What the key source may know about the token. The same object on every call. */
  keyContext: KeyContext | undefined
  /** The keys that may have signed the token. */
  candidates: readonly CryptoKey[]
  /** The key that verified the signature. */
  key: CryptoKey
  /** The token with its claims as signed. */
  signed: VerifiedToken & ClaimSubject
  /** The token with its claims as the schema returned them. */
  result: VerifiedToken<C>
}

/** The names of the steps, in order. `time` is not in the list of steps: the caller runs it when it creates the context. */
export type StepName =
  | 'time'
  | 'parse'
  | 'issuer'
  | 'padding'
  | 'algorithm'
  | 'key'
  | 'signature'
  | 'claims'
  | 'cnf'
  | 'schema'
  | 'checks'

/** One step of a verification. */
export interface Step<C extends object> {
  readonly name: StepName
  readonly skipIfRemembered: boolean
  /** Steps that must have passed for this one to be meaningful, or all of them. Otherwise `explain` skips it. */
  readonly needs: readonly StepName[] | 'all'
  /**
   * Returns a promise only if something must be awaited. The error that refuses the token is returned or thrown. Returning is cheaper than
   * throwing, so use it for refusals that can be caused without a valid signature. The member is `undefined` if nothing is configured.
   */
  readonly run: ((state: Verification<C>) => Promise<void> | AuthError | undefined) | undefined
  /** What it found, for `explain`, once it has passed. `undefined` if there is nothing worth a line. */
  describe(state: Verification<C>): StepDetails | undefined
}

/** What `explain` reports about a step that passed. */
export interface StepDetails extends Comparison {
  readonly hint?: string | undefined
}

/** The steps of every verification, in their only valid order. `verify` runs them and `explain` reports them. */
export function stepsOf<C extends object>(rules: JwtRules<C>, cache?: TokenCache): readonly Step<C>[] {
  const { parse, policies, isSignedBy, schema, checks } = rules
  // Only then may a cached token be accepted without any step.
  const mayHavePeriod = schema === undefined && checks.length === 0 && policies.areFixed

  const parseToken = (state: Verification<C>): AuthError | undefined => {
    const parsed = parse(state.token)
    if (parsed instanceof AuthError) return parsed
    state.remembered = undefined
    state.parsed = parsed
    state.subject = parsed
    return undefined
  }

  const useKeys = (state: Verification<C>, candidates: readonly CryptoKey[]): void => {
    state.candidates = candidates
    const { remembered } = state
    // The key that verified the cached token must still be a candidate.
    if (remembered === undefined || (candidates.includes(remembered.key) && cache?.holds(remembered))) return
    orThrow(parseToken(state))
    checkAlgorithm(state.parsed, state.policy.algorithms)
  }

  return [
    {
      name: 'parse',
      skipIfRemembered: true,
      needs: [],
      run: parseToken,
      describe: ({ parsed: { header } }) => ({
        expected: 'three well-formed parts',
        actual: { alg: header.alg, kid: header.kid, typ: header.typ },
        hint: ignoredKeysHint(header),
      }),
    },
    {
      name: 'issuer',
      skipIfRemembered: false,
      needs: ['parse'],
      run: (state) => {
        const policy = policies.select(state.subject.claims)
        // Checked by shape because an application may have replaced `Promise`.
        if (Object.hasOwn(policy, 'claimChecks')) {
          state.policy = policy as ResolvedPolicy
          return undefined
        }
        if (policy instanceof AuthError) return policy
        return (policy as Promise<ResolvedPolicy>).then((selected) => {
          state.policy = selected
          const { remembered } = state
          // The entry may have left the cache in the meantime.
          if (remembered !== undefined && (remembered.policy !== selected || !cache?.holds(remembered)))
            orThrow(parseToken(state))
        })
      },
      describe: ({ policy, subject }) => ({ expected: policy.issuer ?? 'any issuer', actual: subject.claims.iss }),
    },
    {
      name: 'padding',
      skipIfRemembered: true,
      needs: ['parse'],
      run: ({ parsed, policy }) => {
        if (parsed.padded !== undefined) checkPadding(parsed, policy.padding)
        return undefined
      },
      describe: ({ parsed }) =>
        parsed.padded === undefined ? undefined : { expected: 'exact padding', actual: 'exact padding' },
    },
    {
      name: 'algorithm',
      skipIfRemembered: true,
      needs: ['parse'],
      run: ({ parsed, policy }) => algorithmRefusal(parsed, policy.algorithms),
      describe: ({ policy, parsed }) => ({ expected: policy.algorithms, actual: parsed.header.alg }),
    },
    {
      name: 'key',
      skipIfRemembered: false,
      // A token of another issuer must never cause a fetch, not even in `explain`.
      needs: ['issuer', 'padding', 'algorithm'],
      run: (state) => {
        const { remembered, policy, subject } = state
        const current = policy.keys.current?.(subject.header)
        if (current === undefined)
          return possibleKeys(policy.keys, subject.header, keyContext(state)).then((keys) => useKeys(state, keys))
        if (remembered === undefined) state.candidates = [current]
        else if (remembered.key !== current) useKeys(state, [current])
        return undefined
      },
      describe: ({ policy, candidates }) => ({
        expected: candidates.length === 1 ? 'one key that fits' : `at most ${MOST_CANDIDATES} keys that fit`,
        actual: policy.keys.describe?.(),
        hint: candidates.length === 1 ? undefined : `The token names no key ID. Keys to try: ${listKeys(candidates)}`,
      }),
    },
    {
      name: 'signature',
      skipIfRemembered: true,
      needs: ['key'],
      run: (state) => {
        const { parsed, policy, candidates } = state
        return verifySignature(parsed, parsed.header.alg as Algorithm, {
          candidates,
          isSignedBy,
          replacementOf: (failed) => policy.keys.resolveAgain?.(parsed.header, failed, keyContext(state)),
        }).then((key) => {
          state.key = key
          policy.provider.checkKey?.(parsed.claims, publicationOf(key))
        })
      },
      describe: ({ candidates, key }) => ({
        expected: candidates.length === 1 ? 'a signature by that key' : 'a signature by one of these keys',
        actual: 'verified',
        hint: candidates.length === 1 ? undefined : `Signed by the key ${listKeys([key])}`,
      }),
    },
    {
      name: 'claims',
      skipIfRemembered: false,
      needs: ['time', 'parse'],
      run: (state) => {
        const { remembered, policy, subject, context } = state
        const due = remembered === undefined ? policy.claimChecks : policy.repeatedChecks
        try {
          for (const claimCheck of due) claimCheck.check(subject, context)
        } catch (error) {
          if (state.key !== undefined || remembered !== undefined) keepClaimsIfUntimely(error, state)
          throw error
        }
        return undefined
      },
      // `explain` reports each claim check instead.
      describe: () => undefined,
    },
    {
      name: 'cnf',
      skipIfRemembered: false,
      needs: ['time', 'parse'],
      run: ({ subject: { claims }, context }) => {
        if (claims.cnf !== undefined) checkConfirmation(claims, context.confirmations)
        return undefined
      },
      describe: ({ subject, context }) => ({ actual: checkConfirmation(subject.claims, context.confirmations) }),
    },
    {
      name: 'schema',
      skipIfRemembered: schema === undefined,
      needs: 'all',
      run: (state) => {
        const { remembered, parsed, policy, key } = state
        if (remembered === undefined) {
          const { claims, header } = parsed
          // A cached token must not keep the request alive that it was sliced from.
          const token = cache === undefined ? parsed.token : detached(parsed.token)
          const signed = new VerifiedJwt(token, {
            claims,
            header,
            scopes: policy.scopesOf(claims),
            roles: policy.rolesOf(claims),
            key: publicationOf(key),
          }) as Verification<C>['signed']
          state.signed = signed
          // Without a schema, C is the type of plain claims.
          state.result = signed as VerifiedToken<C>
          const { from, until } = mayHavePeriod && claims.cnf === undefined ? policy.periodOf(claims) : NEVER
          cache?.remember(token, { signed, policy, key, from, until })
        }
        if (schema === undefined) return undefined
        return withSchema(state.signed, schema).then((result) => {
          state.result = result
        })
      },
      describe: ({ signed: { scopes } }) => ({ actual: `scopes ${[...scopes].join(' ') || '(none)'}` }),
    },
    {
      name: 'checks',
      skipIfRemembered: false,
      needs: 'all',
      // Claims as signed, because a denylist does not contain a `sub` or `jti` that a schema has changed.
      run:
        checks.length === 0 ? undefined : ({ signed, policy }) => runTokenChecks(checks, signed, policy.checkContext),
      describe: () => ({}),
    },
  ]
}

async function withSchema<C extends object>(
  { token, claims, header, scopes, roles, key }: VerifiedToken,
  schema: ClaimsSchema<C>,
): Promise<VerifiedToken<C>> {
  const completed = deepFreeze(await applySchema(schema, claims))
  keepSigned(completed, claims)
  return new VerifiedJwt<C>(token, { claims: completed, header, scopes, roles, key })
}

/** What a key source may know about a token. */
function keyContext<C extends object>(state: Verification<C>): KeyContext {
  return (state.keyContext ??= keyContextOf(state.subject.claims, state.policy.clockTolerance))
}
