import { misconfigured } from '../errors/misconfigured.ts'
import type { VerifiedToken } from '../model/token.ts'
import { isMet, isRequirement, type Requirement } from './requirement.ts'

/**
 * Every requirement is met.
 *
 * @throws TypeError for an empty list, which would let everybody through
 */
export function allOf(...requirements: readonly Requirement[]): Requirement {
  assertSome('allOf', requirements)
  return Object.freeze<Requirement>({
    description: `all of (${requirements.map(({ description }) => description).join(', ')})`,
    scopes: scopesIn(requirements),
    isMet: (token) => requirements.every((requirement) => isMet(requirement, token)),
    found: (token) => foundBy(requirements, token),
  })
}

/**
 * At least one requirement is met.
 *
 * @throws TypeError for an empty list
 */
export function anyOf(...requirements: readonly Requirement[]): Requirement {
  assertSome('anyOf', requirements)
  return Object.freeze<Requirement>({
    description: `any of (${requirements.map(({ description }) => description).join(', ')})`,
    scopes: scopesIn(requirements),
    isMet: (token) => requirements.some((requirement) => isMet(requirement, token)),
    found: (token) => foundBy(requirements, token),
  })
}

/** The requirement is not met. Its scopes are not named in a challenge, for having them is what is wrong. */
export function not(requirement: Requirement): Requirement {
  assertSome('not', [requirement])
  return Object.freeze<Requirement>({
    description: `not (${requirement.description})`,
    scopes: NONE,
    isMet: (token) => !isMet(requirement, token),
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
  return Object.fromEntries(requirements.flatMap((requirement) => Object.entries(requirement.found?.(token) ?? {})))
}

function scopesIn(requirements: readonly Requirement[]): readonly string[] {
  return Object.freeze([...new Set(requirements.flatMap(({ scopes }) => scopes))])
}
