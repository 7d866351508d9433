import type { CryptoKey } from 'jose'
import { applySchema, type ClaimsSchema, runTokenChecks, type TokenCheck } from '../claims/application-checks.ts'
import type { ClaimCheck, ClaimContext, ClaimSubject, Comparison } from '../claims/registered-claims.ts'
import { checkConfirmation } from '../confirmation/binding.ts'
import { checkPadding, ignoredKeysHint } from '../jws/parse.ts'
import type { JwtParser } from '../jws/quick-parser.ts'
import { checkAlgorithm, checkSignatureForm, type SignatureVerification, verifyAmong } from '../jws/signature.ts'
import { listKeys } from '../keys/jwk/jwk-set.ts'
import { MOST_CANDIDATES } from '../keys/jwk/select-key.ts'
import { type KeyContext, possibleKeys } from '../keys/key-source.ts'
import type { Algorithm } from '../model/algorithm.ts'
import type { Limits } from '../model/limits.ts'
import { detached } from '../model/memory.ts'
import { forgivenAhead } from '../model/runtime.ts'
import { keepSigned, type ParsedJwt, VerifiedJwt, type VerifiedToken } from '../model/token.ts'
import { deepFreeze } from '../model/values.ts'
import type { PolicyRegistry } from './policy-registry.ts'
import type { ResolvedPolicy } from './policy.ts'
import type { Remembered, TokenCache } from './token-cache.ts'

/** What a verification depends on, besides the token. */
export interface TokenContext extends ClaimContext {
  /** Members of `cnf` that the caller confirms itself. A token with any other binding is refused. */
  readonly confirmations: ReadonlySet<string>
}

/** The resolved configuration of a verifier. */
export interface JwtRules<C extends object> {
  readonly limits: Limits
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
  /** The cached entry of this token, valid while its policy and its key are unchanged. Steps marked `spared` rely on it. */
  remembered: Remembered | undefined
  parsed: ParsedJwt
  /** Header and claims, parsed or cached. */
  subject: ClaimSubject
  policy: ResolvedPolicy
  algorithm: Algorithm
  /** What the key source may know about the token. The same object on every call. */
  about: KeyContext | undefined
  /** The keys that may have signed the token. */
  possible: readonly CryptoKey[]
  /** The key that verified the signature. */
  key: CryptoKey
  /** The token with its claims as signed. */
  verified: VerifiedToken
  /** The token with its claims as the schema returned them. */
  completed: VerifiedToken<C>
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
  /** Whether a cached token skips it. */
  readonly spared: boolean
  /** Steps that must have passed for this one to be meaningful, or all of them. Otherwise `explain` skips it. */
  readonly needs: readonly StepName[] | 'all'
  /** Returns a promise only if something must be awaited. Throws the error that refuses the token. */
  run(state: Verification<C>): Promise<void> | undefined
  /** What it found, for `explain`, once it has passed. `undefined` if there is nothing worth a line. */
  tell(state: Verification<C>): Told | undefined
  /** The checks a step consists of, if `explain` should report each one. */
  readonly parts?: (state: Verification<C>) => readonly ClaimCheck[]
}

/** What a passed step reports. */
export interface Told extends Comparison {
  readonly hint?: string | undefined
}

/** The steps of every verification, in their only valid order. `verify` runs them and `explain` reports them. */
export function stepsOf<C extends object>(rules: JwtRules<C>, cache?: TokenCache): readonly Step<C>[] {
  const { parse, policies, isSignedBy, schema, checks } = rules

  const parseAnew = (state: Verification<C>): undefined => {
    state.remembered = undefined
    state.parsed = parse(state.token)
    state.subject = state.parsed
  }

  const usePolicy = (state: Verification<C>, policy: ResolvedPolicy): void => {
    state.policy = policy
    if (state.remembered !== undefined && state.remembered.policy !== policy) parseAnew(state)
  }

  const useKeys = (state: Verification<C>, possible: readonly CryptoKey[]): void => {
    state.possible = possible
    const { remembered } = state
    // The key that verified the cached token must still be a possible key.
    if (remembered === undefined || (possible.includes(remembered.key) && cache?.holds(remembered))) return
    parseAnew(state)
    checkForm(state)
  }

  const checkForm = (state: Verification<C>): undefined => {
    state.algorithm = checkAlgorithm(state.parsed.header, state.policy.algorithms)
    checkSignatureForm(state.parsed.signature, state.algorithm)
  }

  return [
    {
      name: 'parse',
      spared: true,
      needs: [],
      run: parseAnew,
      tell: ({ parsed: { header } }) => ({
        expected: 'three well-formed parts',
        actual: { alg: header.alg, kid: header.kid, typ: header.typ },
        hint: ignoredKeysHint(header),
      }),
    },
    {
      name: 'issuer',
      spared: false,
      needs: ['parse'],
      run: (state) => {
        const policy = policies.select(state.subject.claims)
        if (!isResolved(policy))
          return policy.then((selected) => {
            // The entry may have left the cache in the meantime.
            if (state.remembered !== undefined && !cache?.holds(state.remembered)) parseAnew(state)
            usePolicy(state, selected)
          })
        usePolicy(state, policy)
        return undefined
      },
      tell: ({ policy, subject }) => ({ expected: policy.issuer ?? 'any issuer', actual: subject.claims.iss }),
    },
    {
      name: 'padding',
      spared: true,
      needs: ['parse'],
      run: ({ parsed, policy }) => {
        checkPadding(parsed, policy.padding)
        return undefined
      },
      tell: ({ parsed }) =>
        parsed.padded === undefined ? undefined : { expected: 'exact padding', actual: 'exact padding' },
    },
    {
      name: 'algorithm',
      spared: true,
      needs: ['parse'],
      run: checkForm,
      tell: ({ policy, algorithm }) => ({ expected: policy.algorithms, actual: algorithm }),
    },
    {
      name: 'key',
      spared: false,
      // A token of another issuer must never cause a fetch, not even in `explain`.
      needs: ['issuer', 'padding', 'algorithm'],
      run: (state) => {
        const { policy, subject } = state
        const current = policy.keys.current?.(subject.header)
        if (current === undefined)
          return possibleKeys(policy.keys, subject.header, keyContext(state)).then((keys) => useKeys(state, keys))
        if (current !== state.remembered?.key) useKeys(state, [current])
        return undefined
      },
      tell: ({ policy, possible }) => ({
        expected: possible.length === 1 ? 'one key that fits' : `at most ${MOST_CANDIDATES} keys that fit`,
        actual: policy.keys.describe?.(),
        hint: possible.length === 1 ? undefined : `The token names no key ID. Keys to try: ${listKeys(possible)}`,
      }),
    },
    {
      name: 'signature',
      spared: true,
      needs: ['key'],
      run: (state) => {
        const { parsed, algorithm, policy, possible } = state
        const sources = { keys: policy.keys, isSignedBy, about: keyContext(state), possible }
        return verifyAmong(parsed, algorithm, sources).then((key) => {
          state.key = key
        })
      },
      tell: ({ possible, key }) => ({
        expected: possible.length === 1 ? 'a signature by that key' : 'a signature by one of these keys',
        actual: 'verified',
        hint: possible.length === 1 ? undefined : `Signed by the key ${listKeys([key])}`,
      }),
    },
    {
      name: 'claims',
      spared: false,
      needs: ['time', 'parse'],
      run: ({ remembered, policy, subject, context }) => {
        const due = remembered === undefined ? policy.claimChecks : policy.momentaryChecks
        for (const claimCheck of due) claimCheck.check(subject, context)
        return undefined
      },
      tell: () => undefined,
      parts: ({ policy }) => policy.claimChecks,
    },
    {
      name: 'cnf',
      spared: false,
      needs: ['time', 'parse'],
      run: ({ subject: { claims }, context }) => {
        if (claims.cnf !== undefined) checkConfirmation(claims, context.confirmations)
        return undefined
      },
      tell: ({ subject, context }) => ({ actual: checkConfirmation(subject.claims, context.confirmations) }),
    },
    {
      name: 'schema',
      spared: schema === undefined,
      needs: 'all',
      run: (state) => {
        if (state.remembered === undefined) accept(state, cache)
        if (schema === undefined) return undefined
        return withSchema(state.verified, schema).then((completed) => {
          state.completed = completed
        })
      },
      tell: ({ verified: { scopes } }) => ({ actual: `scopes ${[...scopes].join(' ') || '(none)'}` }),
    },
    {
      name: 'checks',
      spared: checks.length === 0,
      needs: 'all',
      // Claims as signed, because a denylist does not contain a `sub` or `jti` that a schema has changed.
      run: ({ verified }) => (checks.length === 0 ? undefined : runTokenChecks(checks, verified)),
      tell: () => ({}),
    },
  ]
}

// A promise has no such member. Checked by shape because an application may have replaced `Promise`.
function isResolved(policy: ResolvedPolicy | Promise<ResolvedPolicy>): policy is ResolvedPolicy {
  return Object.hasOwn(policy, 'claimChecks')
}

// Without a schema, C is the type of plain claims.
function accept<C extends object>(state: Verification<C>, cache: TokenCache | undefined): void {
  const { parsed, policy, key } = state
  const { claims, header } = parsed
  // A cached token must not keep the request alive that it was sliced from.
  const token = cache === undefined ? parsed.token : detached(parsed.token)
  const verified: VerifiedToken = new VerifiedJwt(token, { claims, header, scopes: policy.scopesOf(claims) })
  state.verified = verified
  state.completed = verified as VerifiedToken<C>
  cache?.remember({ verified, policy, key })
}

async function withSchema<C extends object>(
  { token, claims, header, scopes }: VerifiedToken,
  schema: ClaimsSchema<C>,
): Promise<VerifiedToken<C>> {
  const completed = deepFreeze(await applySchema(schema, claims))
  keepSigned(completed, claims)
  return new VerifiedJwt<C>(token, { claims: completed, header, scopes })
}

/** What a key source may know about a token. */
function keyContext<C extends object>(state: Verification<C>): KeyContext {
  const { claims } = state.subject
  const iat: unknown = Object.hasOwn(claims, 'iat') ? claims.iat : undefined
  const ahead = forgivenAhead(state.policy.clockTolerance)
  return (state.about ??= { issuedBefore: typeof iat === 'number' ? iat + ahead : undefined })
}
