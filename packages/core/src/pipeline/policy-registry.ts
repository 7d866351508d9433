import { isClaimRequirement } from '../authorization/requirements.ts'
import { nearestMiss, nearMiss } from '../claims/claim-checks.ts'
import { asError, AuthError } from '../errors/auth-error.ts'
import { isFirstOf } from '../keys/first-of.ts'
import { recentMap } from '../model/memory.ts'
import type { Claims } from '../model/token.ts'
import { bare, ownOptions } from '../model/values.ts'
import { isOptions, isRecord, kindOf, misconfigured } from '../options/option-rules.ts'
import { type IssuerPolicy, type IssuerResolver, POLICY_OPTIONS } from './options.ts'
import type { ResolvedPolicy } from './policy.ts'

/** A copy of a policy's options, taken when the policy was created, to detect later in-place changes. */
type PolicySnapshot = Readonly<Record<string, unknown>>

/**
 * Copies everything in a policy's options that can change in place: lists, objects, bytes, URLs. An application's own key source is
 * compared by identity because its state is private.
 *
 * @param options - without a prototype
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

/** Whether options still equal a snapshot: the same names, including those set to `undefined`, with the same values. */
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

/** An object compared by identity: a class instance, with its members, or one that is already copied elsewhere in the snapshot. */
class Itself {
  readonly object: object
  readonly members: object | undefined

  constructor(object: object, members?: object) {
    this.object = object
    this.members = members
  }
}

// Each object is copied once, because an instance may reference itself.
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
  // Each call of `claim` creates new functions.
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

/** Finds the policy for a token by exact match of its `iss` in the configuration, before the verifier does any I/O. */
export interface PolicyRegistry {
  /**
   * Returns a promise if a function must be called.
   *
   * @throws AuthError `issuer_missing`, `issuer_mismatch`, `issuer_unknown`, `issuer_unavailable`
   */
  select(claims: Claims): ResolvedPolicy | Promise<ResolvedPolicy>
  /** The policies known so far. */
  known(): Iterable<ResolvedPolicy>
  /** Whether a token always gets the same policy. `false` if policies come from a function. */
  readonly areFixed: boolean
}

/** One issuer, or any issuer with `issuer: null`. */
export function singlePolicy(policy: ResolvedPolicy): PolicyRegistry {
  return {
    select: ({ iss }) => {
      if (policy.issuer === null || iss === policy.issuer) return policy
      if (iss === undefined) throw new AuthError('issuer_missing', { expected: policy.issuer, actual: iss })
      const hint = typeof iss === 'string' ? nearMiss(policy.issuer, iss) : 'iss must be a string'
      throw new AuthError('issuer_mismatch', { expected: policy.issuer, actual: iss, hint })
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
    areFixed: false,
  }
}

// The caller chose the iss. If the lookup function throws or returns an invalid policy, that must not become a 500.
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
  const hint = typeof iss === 'string' ? nearestMiss(trusted.slice(0, ISSUERS_COMPARED), [iss]) : 'iss must be a string'
  return new AuthError('issuer_unknown', {
    ...(some.length > 0 ? { expected: some } : {}),
    actual: iss,
    hint,
  })
}

// The cost of a refusal must not grow with the number of issuers.
const ISSUERS_NAMED = 10
const ISSUERS_COMPARED = 100
