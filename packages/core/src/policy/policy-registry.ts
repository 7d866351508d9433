import { LRUCache } from 'lru-cache'
import { nearMiss } from '../claims/issuer.ts'
import { AuthError } from '../errors/auth-error.ts'
import { misconfigured } from '../errors/misconfigured.ts'
import type { KeySource } from '../keys/key-source.ts'
import type { Claims } from '../model/token.ts'
import type { IssuerPolicy, IssuerResolver } from '../options.ts'
import type { ResolvedPolicy } from './resolve-policy.ts'

/** Finds the policy for a token by exact look-up of its `iss` in the configuration, before any I/O of ours. */
export interface PolicyRegistry {
  /** @throws AuthError `issuer_missing`, `issuer_mismatch`, `issuer_unknown`, `issuer_unavailable` */
  select(claims: Claims): Promise<ResolvedPolicy>
  /** The policies known so far: all of them unless they come from a function. */
  known(): Iterable<ResolvedPolicy>
}

/** One issuer, or with `issuer: null` any. */
export function singlePolicy(policy: ResolvedPolicy): PolicyRegistry {
  return {
    select: async ({ iss }) => {
      if (policy.issuer === null || iss === policy.issuer) return policy
      if (iss === undefined) throw new AuthError('issuer_missing', { expected: policy.issuer, actual: iss })
      const hint = typeof iss === 'string' ? nearMiss(policy.issuer, iss) : 'iss must be a string'
      throw new AuthError('issuer_mismatch', {
        expected: policy.issuer,
        actual: iss,
        ...(hint === undefined ? {} : { hint }),
      })
    },
    known: () => [policy],
  }
}

/**
 * Several issuers.
 *
 * @throws TypeError for none, for one twice, and for one without a name
 */
export function policyList(policies: readonly ResolvedPolicy[]): PolicyRegistry {
  if (policies.length === 0) throw misconfigured('create verifier', '"issuers" must not be empty')
  const byIssuer = new Map<unknown, ResolvedPolicy>()
  for (const policy of policies) {
    if (policy.issuer === null) throw misconfigured('create verifier', 'among several, every issuer needs a name', null)
    if (byIssuer.has(policy.issuer))
      throw misconfigured('create verifier', '"issuers" names an issuer twice', policy.issuer)
    byIssuer.set(policy.issuer, policy)
  }
  return {
    select: async ({ iss }) => {
      const policy = byIssuer.get(iss)
      if (policy !== undefined) return policy
      throw unknownIssuer(iss, [...byIssuer.keys()].map(String))
    },
    known: () => policies,
  }
}

const MOST_RESOLVED_ISSUERS = 1000

/** Turns a policy into its resolved form, with the keys at hand where they are still the right ones. */
export type ResolveWithKeys = (options: IssuerPolicy, keys: KeySource | undefined) => ResolvedPolicy

/**
 * Issuers looked up by a function at every token. The key store of an issuer lives on for as long as the function names the same
 * place for its keys, whether or not it makes a new object each time.
 */
export function policyResolver(resolver: IssuerResolver, resolve: ResolveWithKeys): PolicyRegistry {
  const resolved = new LRUCache<string, { readonly options: IssuerPolicy; readonly policy: ResolvedPolicy }>({
    max: MOST_RESOLVED_ISSUERS,
    dispose: ({ policy }, _, reason) => {
      if (reason !== 'set') policy.keys.close?.()
    },
  })
  return {
    select: async ({ iss }) => {
      if (typeof iss !== 'string') throw unknownIssuer(iss, [])
      const options = await lookUp(resolver, iss)
      if (options === undefined) {
        resolved.delete(iss)
        throw unknownIssuer(iss, [])
      }
      if (options.issuer !== iss)
        throw misconfigured(
          'resolve issuer',
          'the resolver must give the policy of the issuer it was asked for',
          options.issuer,
        )
      const last = resolved.get(iss)
      if (last?.options === options) return last.policy
      const policy = resolve(options, last && sameFetchedKeys(last.options, options) ? last.policy.keys : undefined)
      if (last !== undefined && last.policy.keys !== policy.keys) last.policy.keys.close?.()
      resolved.set(iss, { options, policy })
      return policy
    },
    known: () => [...resolved.values()].map(({ policy }) => policy),
  }
}

async function lookUp(resolver: IssuerResolver, iss: string): Promise<IssuerPolicy | undefined> {
  try {
    return (await resolver(iss)) ?? undefined
  } catch (cause) {
    if (cause instanceof AuthError) throw cause
    throw new AuthError('issuer_unavailable', { actual: iss, cause })
  }
}

function sameFetchedKeys(one: IssuerPolicy, other: IssuerPolicy): boolean {
  return (
    one.keys === other.keys &&
    String(one.jwksUri) === String(other.jwksUri) &&
    String(one.allowedKeyHosts) === String(other.allowedKeyHosts) &&
    [one, other].every(
      ({ jwks, publicKey, secret }) => jwks === undefined && publicKey === undefined && secret === undefined,
    )
  )
}

function unknownIssuer(iss: unknown, trusted: readonly string[]): AuthError {
  if (iss === undefined) return new AuthError('issuer_missing', { expected: trusted, actual: iss })
  const hint =
    typeof iss === 'string'
      ? trusted.map((issuer) => nearMiss(issuer, iss)).find((text) => text !== undefined)
      : undefined
  return new AuthError('issuer_unknown', {
    ...(trusted.length > 0 ? { expected: trusted } : {}),
    actual: iss,
    ...(hint === undefined ? {} : { hint }),
  })
}
