import { nearestMiss, nearMiss } from '../claims/claim-checks.ts'
import { asError, AuthError } from '../errors/auth-error.ts'
import { recentMap } from '../model/memory.ts'
import type { Claims } from '../model/token.ts'
import { own, ownOptions } from '../model/values.ts'
import { misconfigured } from '../options/option-rules.ts'
import { type IssuerPolicy, type IssuerResolver, POLICY_OPTIONS } from './options.ts'
import { isUnchanged, type PolicySnapshot, snapshotOf } from './policy-snapshot.ts'
import type { ResolvedPolicy } from './policy.ts'

/** Finds the policy for a token by exact match of its `iss` in the configuration, before the verifier does any I/O. */
export interface PolicyRegistry {
  /**
   * Returns a promise if a function must be called. Refusals are returned, or rejected: `issuer_missing`, `issuer_mismatch`, `issuer_unknown`,
   * `issuer_unavailable`.
   */
  select(claims: Claims): ResolvedPolicy | AuthError | Promise<ResolvedPolicy>
  /** The policies known so far. */
  known(): Iterable<ResolvedPolicy>
  /** Whether a token always gets the same policy. `false` if policies come from a function. */
  readonly areFixed: boolean
}

/** Whether the `iss` of a token is exactly that of the policy, for the tenant that the token names if there are tenants. */
function isOf({ issuer, provider: { issuerOf } }: ResolvedPolicy, claims: Claims): boolean {
  const expected: unknown = issuerOf === undefined ? issuer : issuerOf(claims)
  return typeof expected === 'string' && claims.iss === expected
}

/** What the policies say about tokens of another issuer. */
function hintOf(policies: readonly ResolvedPolicy[], claims: Claims): string | undefined {
  for (const { provider } of policies) {
    const hint = provider.hintOf?.(claims)
    if (hint !== undefined) return hint
  }
  return undefined
}

/** One issuer, or any issuer with `issuer: null`. */
export function singlePolicy(policy: ResolvedPolicy): PolicyRegistry {
  return {
    select: (claims) => {
      const { iss } = claims
      const { issuer } = policy
      if (issuer === null || isOf(policy, claims)) return policy
      if (iss === undefined) return new AuthError('issuer_missing', { expected: issuer, actual: iss })
      const hint =
        typeof iss === 'string' ? (hintOf([policy], claims) ?? nearMiss(issuer, iss)) : 'iss must be a string'
      return new AuthError('issuer_mismatch', { expected: issuer, actual: iss, hint })
    },
    known: () => [policy],
    areFixed: true,
  }
}

/**
 * Several issuers.
 *
 * @throws TypeError for an empty list, a duplicate issuer, or a policy without an issuer name
 */
export function policyList(policies: readonly ResolvedPolicy[]): PolicyRegistry {
  if (policies.length === 0) throw misconfigured('create verifier', '"issuers" must not be empty')
  const byIssuer = new Map<unknown, ResolvedPolicy>()
  const trusted = policies.map(({ issuer }) => String(issuer))
  for (const policy of policies) {
    if (policy.issuer === null)
      throw misconfigured('create verifier', 'with several issuers, each needs an "issuer"', null)
    if (byIssuer.has(policy.issuer))
      throw misconfigured('create verifier', '"issuers" names an issuer twice', policy.issuer)
    byIssuer.set(policy.issuer, policy)
  }
  const withTenants = policies.filter(({ provider }) => provider.issuerOf !== undefined)
  return {
    select: (claims) => {
      const { iss } = claims
      const named = byIssuer.get(iss)
      const policy = named?.provider.issuerOf === undefined ? named : undefined
      const found = policy ?? withTenants.find((one) => isOf(one, claims))
      if (found !== undefined) return found
      return unknownIssuer(
        iss,
        trusted,
        typeof iss === 'string' ? hintOf(policies.slice(0, ISSUERS_COMPARED), claims) : undefined,
      )
    },
    known: () => policies,
    areFixed: true,
  }
}

const MOST_RESOLVED_ISSUERS = 1000

/**
 * Calls a function to find the issuer of every token. A resolved policy is cached while the function returns the same values. Fetched keys
 * are always cached by address, so a new object on each call causes no new fetch.
 */
export function policyResolver(
  resolver: IssuerResolver,
  resolve: (options: IssuerPolicy) => ResolvedPolicy,
): PolicyRegistry {
  const resolved = recentMap<string, { readonly snapshot: PolicySnapshot; readonly policy: ResolvedPolicy }>(
    MOST_RESOLVED_ISSUERS,
  )

  const policyOf = async (iss: string): Promise<ResolvedPolicy | undefined> => {
    const given = (await resolver(iss)) ?? undefined
    if (given === undefined) {
      resolved.delete(iss)
      return undefined
    }
    const options = typeof given === 'object' ? ownOptions(given, POLICY_OPTIONS) : given
    // Tenants have an issuer each, which the token itself must name.
    if (options.issuer !== iss && (options.provider && own(options.provider, 'issuerOf')) === undefined)
      throw misconfigured(
        'resolve issuer',
        'the function must give the policy of the issuer it was asked for',
        options.issuer,
      )
    const last = resolved.get(iss)
    if (last !== undefined && isUnchanged(last.snapshot, options)) return last.policy
    const policy = resolve(options)
    resolved.set(iss, { snapshot: snapshotOf(options), policy })
    return policy
  }

  return {
    select: async (claims) => {
      const { iss } = claims
      if (typeof iss !== 'string') throw unknownIssuer(iss, [])
      const policy = await orUnavailable(iss, policyOf)
      if (policy === undefined) throw unknownIssuer(iss, [])
      if (!isOf(policy, claims)) throw unknownIssuer(iss, [], hintOf([policy], claims))
      return policy
    },
    known: () => [...resolved.values()].map(({ policy }) => policy),
    areFixed: false,
  }
}

// The caller chose the iss. If the lookup function throws or returns an invalid policy, that must not become a 500.
async function orUnavailable(
  iss: string,
  policyOf: (iss: string) => Promise<ResolvedPolicy | undefined>,
): Promise<ResolvedPolicy | undefined> {
  try {
    return await policyOf(iss)
  } catch (thrown) {
    const cause = asError(thrown)
    if (cause instanceof AuthError) throw cause
    throw new AuthError('issuer_unavailable', { actual: iss, cause })
  }
}

function unknownIssuer(iss: unknown, trusted: readonly string[], told?: string): AuthError {
  const some = trusted.slice(0, ISSUERS_NAMED)
  if (iss === undefined) return new AuthError('issuer_missing', { expected: some, actual: iss })
  const hint =
    told ?? (typeof iss === 'string' ? nearestMiss(trusted.slice(0, ISSUERS_COMPARED), [iss]) : 'iss must be a string')
  return new AuthError('issuer_unknown', {
    ...(some.length > 0 ? { expected: some } : {}),
    actual: iss,
    hint,
  })
}

// The cost of a refusal must not grow with the number of issuers.
const ISSUERS_NAMED = 10
const ISSUERS_COMPARED = 100
