import { AuthError } from '../errors/auth-error.ts'
import type { WireRefusal } from '../model/catalogue.ts'
import {
  type ClaimCondition,
  type ClaimPath,
  copyCondition,
  copyPath,
  isClaimCondition,
  isClaimPath,
  meetsCondition,
  nameOfPath,
} from '../model/claim-path.ts'
import { isScope } from '../model/http-text.ts'
import type { VerifiedToken } from '../model/token.ts'
import { chained, isObject, own, type Soon, valueAt } from '../model/values.ts'
import { misconfigured } from '../options/option-rules.ts'

/** What a verified token must grant for a request. Create one with `scope`, `anyScope`, `role`, `anyRole`, `claim`, `allOf`, `anyOf` or `not`. */
export interface Requirement {
  /** For logs and explanations, for example `scope orders:write`. */
  readonly description: string
  /** The scopes that would meet it. They go into the challenge (RFC 6750 section 3). */
  readonly scopes: readonly string[]
  /**
   * Anything but `true`, or a promise of it, refuses. A promise that is still pending after 10 s refuses with status 503. What it throws is
   * a bug (status 500), unless it is an `AuthError`.
   */
  isMet(token: VerifiedToken, context: RequirementContext): boolean | Promise<boolean>
  /** What the token has instead, by name, for the log, which shortens and escapes it. @defaultValue nothing is logged */
  found?(token: VerifiedToken): Readonly<Record<string, unknown>>
  /** `true` if it, or one it combines, can only be met after the authorization server was asked again, such as `fresh()`. @defaultValue false */
  readonly needsFresh?: boolean
  /** What it demands, in words for API documents such as OpenAPI, which are public. @defaultValue nothing */
  readonly documentation?: string | undefined
  /** How a token that does not meet it is refused, such as a step-up (RFC 9470). @defaultValue 403 `insufficient_scope` */
  readonly refusal?: WireRefusal & { readonly status: 401 | 403 }
  /** Of the requirements that it combines, those that the token does not meet. @defaultValue itself */
  unmet?(token: VerifiedToken, context: RequirementContext): readonly Requirement[] | Promise<readonly Requirement[]>
}

/** What a requirement may depend on, besides the token. */
export interface RequirementContext {
  /** Seconds since the epoch. */
  readonly now: number
  /** Whether the authorization server was asked about the token for this request. @defaultValue false */
  readonly fresh?: boolean
}

/**
 * Returns a promise only if a requirement does.
 *
 * @throws AuthError `insufficient_scope` if scopes are missing, else `requirement_not_met`; both with status 403, unless the requirement
 * has a `refusal`
 */
export function assertRequirement(
  requirement: Requirement,
  token: VerifiedToken,
  context: RequirementContext,
): Promise<undefined> | undefined {
  return chained(isMet(requirement, token, context), (met) => {
    if (met) return undefined
    return chained(unmetOf(requirement, token, context), (unmet) => {
      throw refused(requirement, token, refusalOf(unmet))
    })
  })
}

function refused(requirement: Requirement, token: VerifiedToken, refusal: WireRefusal | undefined): AuthError {
  const { description, scopes } = requirement
  return new AuthError(scopes.length > 0 && refusal === undefined ? 'insufficient_scope' : 'requirement_not_met', {
    expected: description,
    ...actually(requirement, token),
    scopes,
    refusal,
  })
}

function unmetOf(
  requirement: Requirement,
  token: VerifiedToken,
  context: RequirementContext,
): Soon<readonly Requirement[]> {
  return (own(requirement, 'unmet') && requirement.unmet?.(token, context)) ?? [requirement]
}

// Another authentication may bring other scopes, so it comes first. Challenges of the same kind are one.
function refusalOf(unmet: readonly Requirement[]): WireRefusal | undefined {
  const refusals = unmet.flatMap((requirement) => own(requirement, 'refusal') ?? [])
  const first = refusals.find(({ status }) => status === 401) ?? refusals.at(0)
  if (first === undefined) return undefined
  const alike = refusals.filter((refusal) => refusal.error === first.error && refusal.status === first.status)
  const parameters = alike.toReversed().flatMap((refusal) => Object.entries(own(refusal, 'parameters') ?? {}))
  const { error, status } = first
  const description = own(first, 'description')
  const isShared = description !== undefined && alike.every((refusal) => own(refusal, 'description') === description)
  return { error, status, ...(isShared && { description }), parameters: Object.fromEntries(parameters) }
}

// A single value is clear without its name; several need their names.
function actually(requirement: Requirement, token: VerifiedToken): { readonly actual?: unknown } {
  const found = own(requirement, 'found')?.call(requirement, token)
  if (found === undefined) return requirement.scopes.length > 0 ? { actual: token.scopes } : {}
  const there = Object.entries(found).filter(([, value]) => value !== undefined)
  if (there.length === 0) return { actual: undefined }
  return { actual: Object.keys(found).length === 1 ? there[0]?.[1] : Object.fromEntries(there) }
}

/** Whether a value is a requirement, and not, for example, the name of a scope. */
export function isRequirement(value: unknown): value is Requirement {
  if (!isObject(value)) return false
  return typeof own(value, 'isMet') === 'function' && Array.isArray(own(value, 'scopes'))
}

/** Whether a requirement can only be met after the authorization server was asked again. */
export function needsFresh(requirement: Requirement): boolean {
  return own(requirement, 'needsFresh') === true
}

/** Whether a token meets a requirement. Returns a promise only if the requirement does. */
export function isMet(requirement: Requirement, token: VerifiedToken, context: RequirementContext): Soon<boolean> {
  return chained(requirement.isMet(token, context), booleanOf)
}

// An object would always count as true.
function booleanOf(answer: unknown): boolean {
  if (typeof answer === 'boolean') return answer
  throw new TypeError('Requirement.isMet must answer with true or false, or with a promise of it')
}

/**
 * The token must grant all of these scopes, compared as whole words (RFC 6749 section 3.3).
 *
 * @throws TypeError for an empty list, or for text that is not one scope
 */
export function scope(...all: readonly string[]): Requirement {
  return scopesRequirement('scope', all, { how: 'every', word: 'and' })
}

/**
 * The token must grant at least one of these scopes.
 *
 * @throws TypeError for an empty list, or for text that is not one scope
 */
export function anyScope(...some: readonly string[]): Requirement {
  return scopesRequirement('anyScope', some, { how: 'some', word: 'or' })
}

type Join = { readonly how: 'every' | 'some'; readonly word: string }

function scopesRequirement(name: string, given: readonly string[], { how, word }: Join): Requirement {
  if (given.length === 0) throw misconfigured(`require ${name}`, 'name at least one scope')
  for (const value of given)
    if (!isScope(value))
      throw misconfigured(`require ${name}`, 'give each scope as one string without spaces or quotes', value)
  const scopes = Object.freeze([...given])
  return Object.freeze<Requirement>({
    description: `scope ${scopes.join(` ${word} `)}`,
    scopes,
    isMet: (token) => scopes[how]((one) => token.scopes.has(one)),
    found: (token) => ({ scope: [...token.scopes] }),
  })
}

/**
 * The token must have all of these roles, as its issuer's `roleSource` gives them. Compared exactly.
 *
 * @throws TypeError for an empty list or an empty role
 */
export function role(...all: readonly string[]): Requirement {
  return rolesRequirement('role', all, { how: 'every', word: 'and' })
}

/**
 * The token must have at least one of these roles.
 *
 * @throws TypeError for an empty list or an empty role
 */
export function anyRole(...some: readonly string[]): Requirement {
  return rolesRequirement('anyRole', some, { how: 'some', word: 'or' })
}

function rolesRequirement(name: string, given: readonly string[], { how, word }: Join): Requirement {
  if (given.length === 0 || !given.every((value: unknown) => typeof value === 'string' && value !== ''))
    throw misconfigured(`require ${name}`, 'give each role as a string, such as "admin"', given)
  const roles = [...given]
  return Object.freeze<Requirement>({
    description: `role ${roles.join(` ${word} `)}`,
    scopes: NONE,
    isMet: (token) => roles[how]((one) => own(token, 'roles')?.has(one) ?? false),
    found: (token) => ({ role: [...(own(token, 'roles') ?? NONE)] }),
  })
}

/** A requirement on one claim, created by `claim`. `requiredClaims` accepts it too. */
export interface ClaimRequirement extends Requirement {
  readonly claim: ClaimPath
  readonly condition: ClaimCondition
}

/**
 * The token must have a claim that equals one of the values, is an array that contains one, or makes the predicate return `true`. A claim
 * that is absent or `null` never meets it. Regular expressions are not accepted: write a predicate.
 *
 * @param path - the name, or a list of names for a nested claim: `claim(['realm_access', 'roles'], 'admin')`. A dot is part of a name
 * @throws TypeError for a condition of another type; at request time, for a predicate that does not return a boolean
 */
export function claim(path: ClaimPath, condition: ClaimCondition): ClaimRequirement {
  if (!isClaimPath(path))
    throw misconfigured('require claim', 'name a claim, or a list of names for one within others', path)
  const fixedPath = copyPath(path)
  const name = nameOfPath(fixedPath)
  if (!isClaimCondition(condition))
    throw misconfigured(
      'require claim',
      `give "${name}" a string, number, boolean, a list of them, or a predicate`,
      condition,
    )
  const fixed = copyCondition(condition)
  return Object.freeze<ClaimRequirement>({
    claim: fixedPath,
    condition: fixed,
    description: `claim ${name}${typeof condition === 'function' ? '' : ` ${JSON.stringify(condition)}`}`,
    scopes: Object.freeze([]),
    isMet: ({ claims }) => {
      const value = valueAt(claims, fixedPath) ?? undefined
      return value !== undefined && meetsCondition(value, fixed)
    },
    found: ({ claims }) => ({ [name]: valueAt(claims, fixedPath) ?? undefined }),
  })
}

/** Whether a value was created by `claim`, or has the same shape. */
export function isClaimRequirement(value: unknown): value is ClaimRequirement {
  if (!isObject(value)) return false
  return isClaimPath(own(value, 'claim')) && isClaimCondition(own(value, 'condition'))
}

/**
 * Every requirement must be met.
 *
 * @throws TypeError for an empty list, which would accept every token
 */
export function allOf(...requirements: readonly Requirement[]): Requirement {
  return combination('allOf', requirements, { how: 'every', word: 'all' })
}

/**
 * At least one requirement must be met.
 *
 * @throws TypeError for an empty list
 */
export function anyOf(...requirements: readonly Requirement[]): Requirement {
  return combination('anyOf', requirements, { how: 'some', word: 'any' })
}

function combination(name: string, requirements: readonly Requirement[], { how, word }: Join): Requirement {
  assertSome(name, requirements)
  return Object.freeze<Requirement>({
    description: `${word} of (${requirements.map(({ description }) => description).join(', ')})`,
    documentation: documentationOf(how, requirements),
    scopes: Object.freeze([...new Set(requirements.flatMap(({ scopes }) => scopes))]),
    isMet: (token, context) => {
      // In order, and no further than needed, because an answer may cost a request to another server.
      const from = (at: number): Soon<boolean> => {
        const one = requirements.at(at)
        if (one === undefined) return how === 'every'
        return chained(isMet(one, token, context), (met) => (met === (how === 'every') ? from(at + 1) : met))
      }
      return from(0)
    },
    found: (token) => foundBy(requirements, token),
    ...(requirements.some(needsFresh) && { needsFresh: true }),
    unmet: (token, context) => {
      const from = (at: number, found: readonly Requirement[]): Soon<readonly Requirement[]> => {
        const one = requirements.at(at)
        if (one === undefined) return found
        return chained(isMet(one, token, context), (met) =>
          met
            ? from(at + 1, found)
            : chained(unmetOf(one, token, context), (more) => from(at + 1, [...found, ...more])),
        )
      }
      return from(0, [])
    },
  })
}

// An alternative without words would be missing from the text.
function documentationOf(how: Join['how'], requirements: readonly Requirement[]): string | undefined {
  const texts = requirements.flatMap((requirement) => own(requirement, 'documentation') ?? [])
  if (texts.length === 0 || (how === 'some' && texts.length < requirements.length)) return undefined
  return texts.join(how === 'every' ? ' and ' : ' or ')
}

/** The requirement must not be met. Its scopes are not named in the challenge, because having them is the problem. */
export function not(requirement: Requirement): Requirement {
  assertSome('not', [requirement])
  if (needsFresh(requirement))
    throw misconfigured('require not', 'leave fresh() out of it: it is a demand, not a property of tokens')
  return Object.freeze<Requirement>({
    description: `not (${requirement.description})`,
    scopes: NONE,
    isMet: (token, context) => chained(isMet(requirement, token, context), (met) => !met),
    found: (token) => foundBy([requirement], token),
  })
}

const NONE: readonly string[] = Object.freeze([])

function assertSome(name: string, requirements: readonly unknown[]): void {
  if (requirements.length === 0) throw misconfigured(`require ${name}`, 'give at least one requirement')
  for (const requirement of requirements)
    if (!isRequirement(requirement))
      throw misconfigured(`require ${name}`, 'give requirements such as scope("orders:read")', typeof requirement)
}

function foundBy(requirements: readonly Requirement[], token: VerifiedToken): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    requirements.flatMap((requirement) => Object.entries(own(requirement, 'found')?.call(requirement, token) ?? {})),
  )
}
