import { isClaimRequirement } from '../authorization/requirements.ts'
import { nearestMiss, nearMiss } from '../claims/identity.ts'
import { asError, AuthError } from '../errors/auth-error.ts'
import { isFirstOf } from '../keys/first-of.ts'
import { recentMap } from '../model/recent-map.ts'
import type { Claims } from '../model/token.ts'
import { bare, ownOptions } from '../model/values.ts'
import { isOptions, isRecord, kindOf, misconfigured } from '../options/option-rules.ts'
import type { IssuerPolicy, IssuerResolver } from './options.ts'
import { POLICY_OPTIONS, type ResolvedPolicy } from './policy.ts'

/** What the options of a policy held when it was made, so that a later change in place is noticed. */
type PolicySnapshot = Readonly<Record<string, unknown>>

/**
 * Copies everything in the options of a policy that can change in place: lists, objects, bytes, URLs. A key source of the application is
 * compared by identity, because its state is its own.
 *
 * @param options without a prototype
 */
export function snapshotOf(options: IssuerPolicy): PolicySnapshot {
  return bare(
    Object.fromEntries(
      Object.entries(options).map(([name, value]: [string, unknown]) => [
        name,
        isKeySource(name, value) ? value : copied(value, new Set()),
      ]),
    ),
  )
}

/** Whether options are still those of a snapshot: the same names, an `undefined` included, with the same values. */
export function isUnchanged(snapshot: PolicySnapshot, options: IssuerPolicy): boolean {
  const entries: readonly (readonly [string, unknown])[] = Object.entries(options)
  return (
    entries.length === Object.keys(snapshot).length &&
    entries.every(
      ([name, value]) =>
        name in snapshot && (isKeySource(name, value) ? snapshot[name] === value : sameValue(snapshot[name], value)),
    )
  )
}

function isKeySource(name: string, value: unknown): boolean {
  return name === 'keys' && !isFirstOf(value)
}

/** An object that only itself equals: an instance of a class, with its members, or one that has been copied elsewhere in the snapshot. */
class Itself {
  readonly object: object
  readonly members: object | undefined

  constructor(object: object, members?: object) {
    this.object = object
    this.members = members
  }
}

// Each object is copied once, because an instance may lead back to itself.
function copied(value: unknown, seen: Set<object>): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (seen.has(value)) return new Itself(value)
  seen.add(value)
  if (Array.isArray(value)) return value.map((item) => copied(item, seen))
  if (ArrayBuffer.isView(value)) return Uint8Array.from(bytesOf(value))
  if (isUrl(value)) return new URL(value)
  if (!isOptions(value)) return value
  const members: readonly (readonly [string, unknown])[] = Object.entries(value)
  const copy = bare<object>(Object.fromEntries(members.map(([name, item]) => [name, copied(item, seen)])))
  return isRecord(value) ? copy : new Itself(value, copy)
}

function sameValue(copy: unknown, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return copy === value
  if (copy instanceof Itself)
    return copy.object === value && (copy.members === undefined || sameMembers(copy.members, value))
  // Each call of `claim` makes new functions.
  if (isClaimRequirement(copy) && isClaimRequirement(value))
    return sameValue(copy.claim, value.claim) && sameValue(copy.condition, value.condition)
  if (Array.isArray(copy) && Array.isArray(value))
    return copy.length === value.length && copy.every((item, index) => sameValue(item, value[index]))
  if (ArrayBuffer.isView(copy) && ArrayBuffer.isView(value)) return sameBytes(bytesOf(copy), bytesOf(value))
  if (isUrl(copy) && isUrl(value)) return copy.href === value.href
  return isRecord(copy) && isRecord(value) ? sameMembers(copy, value) : copy === value
}

function sameMembers(copy: object, members: object): boolean {
  const entries: readonly (readonly [string, unknown])[] = Object.entries(members)
  const copies = copy as Readonly<Record<string, unknown>>
  return (
    entries.length === Object.keys(copy).length &&
    entries.every(([name, item]) => Object.hasOwn(copies, name) && sameValue(copies[name], item))
  )
}

function isUrl(value: unknown): value is URL {
  return kindOf(value) === 'a URL'
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}

function sameBytes(copy: Uint8Array, bytes: Uint8Array): boolean {
  return copy.length === bytes.length && copy.every((byte, index) => byte === bytes[index])
}

/** Finds the policy for a token by exact look-up of its `iss` in the configuration, before any I/O of ours. */
export interface PolicyRegistry {
  /**
   * A promise where a function has to be asked.
   *
   * @throws AuthError `issuer_missing`, `issuer_mismatch`, `issuer_unknown`, `issuer_unavailable`
   */
  select(claims: Claims): ResolvedPolicy | Promise<ResolvedPolicy>
  /** The policies known so far: all of them unless they come from a function. */
  known(): Iterable<ResolvedPolicy>
}

/** One issuer, or with `issuer: null` any. */
export function singlePolicy(policy: ResolvedPolicy): PolicyRegistry {
  return {
    select: ({ iss }) => {
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
  const trusted = policies.map(({ issuer }) => String(issuer))
  for (const policy of policies) {
    if (policy.issuer === null) throw misconfigured('create verifier', 'among several, every issuer needs a name', null)
    if (byIssuer.has(policy.issuer))
      throw misconfigured('create verifier', '"issuers" names an issuer twice', policy.issuer)
    byIssuer.set(policy.issuer, policy)
  }
  return {
    select: ({ iss }) => {
      const policy = byIssuer.get(iss)
      if (policy !== undefined) return policy
      throw unknownIssuer(iss, trusted)
    },
    known: () => policies,
  }
}

const MOST_RESOLVED_ISSUERS = 1000

/**
 * Issuers looked up by a function at every token. What is made of a policy is kept for as long as the function gives the same values;
 * fetched keys are kept by their address in any case, so that a new object each time fetches nothing again.
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
    if (options.issuer !== iss)
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
    select: async ({ iss }) => {
      if (typeof iss !== 'string') throw unknownIssuer(iss, [])
      const policy = await decided(iss, policyOf)
      if (policy === undefined) throw unknownIssuer(iss, [])
      return policy
    },
    known: () => [...resolved.values()].map(({ policy }) => policy),
  }
}

// A stranger chose the iss. If it makes the function, or what it gives, fail, that is no bug to answer 500 for.
async function decided(
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

function unknownIssuer(iss: unknown, trusted: readonly string[]): AuthError {
  const some = trusted.slice(0, ISSUERS_NAMED)
  if (iss === undefined) return new AuthError('issuer_missing', { expected: some, actual: iss })
  const hint = typeof iss === 'string' ? nearestMiss(trusted.slice(0, ISSUERS_COMPARED), iss) : 'iss must be a string'
  return new AuthError('issuer_unknown', {
    ...(some.length > 0 ? { expected: some } : {}),
    actual: iss,
    ...(hint === undefined ? {} : { hint }),
  })
}

// What a refusal costs must not grow with the number of issuers.
const ISSUERS_NAMED = 10
const ISSUERS_COMPARED = 100
