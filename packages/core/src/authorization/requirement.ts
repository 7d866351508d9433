import { AuthError } from '../errors/auth-error.ts'
import { assertBoolean } from '../model/assert-boolean.ts'
import { own } from '../model/own.ts'
import type { VerifiedToken } from '../model/token.ts'

/** What a verified token must grant for a request. Made by `scope`, `anyScope`, `claim`, `allOf`, `anyOf` and `not`. */
export interface Requirement {
  /** For logs and explanations, for example `scope orders:write`. */
  readonly description: string
  /** The scopes that would meet it; they go into the challenge (RFC 6750 section 3). */
  readonly scopes: readonly string[]
  isMet(token: VerifiedToken): boolean
  /** What the token has of what is required, by name, for the log: shortened and escaped there. @defaultValue nothing is said */
  found?(token: VerifiedToken): Readonly<Record<string, unknown>>
}

/**
 * @throws AuthError `insufficient_scope` where scopes are what is missing, else `requirement_not_met`; both with status 403
 */
export function assertRequirement(requirement: Requirement, token: VerifiedToken): void {
  if (isMet(requirement, token)) return
  const { description, scopes } = requirement
  throw new AuthError(scopes.length > 0 ? 'insufficient_scope' : 'requirement_not_met', {
    expected: description,
    ...actually(requirement, token),
    scopes,
  })
}

// A single value speaks for itself; several need their names.
function actually(requirement: Requirement, token: VerifiedToken): { readonly actual?: unknown } {
  const found = own(requirement, 'found') === undefined ? undefined : requirement.found?.(token)
  if (found === undefined) return requirement.scopes.length > 0 ? { actual: token.scopes } : {}
  const there = Object.entries(found).filter(([, value]) => value !== undefined)
  if (there.length === 0) return { actual: undefined }
  return { actual: Object.keys(found).length === 1 ? there[0]?.[1] : Object.fromEntries(there) }
}

/** Whether something is a requirement, and not for example the name of a scope. */
export function isRequirement(value: unknown): value is Requirement {
  if (typeof value !== 'object' || value === null) return false
  return typeof own(value, 'isMet') === 'function' && Array.isArray(own(value, 'scopes'))
}

/** Anything but a boolean is an error: a promise or a stray object would always count as met. */
export function isMet(requirement: Requirement, token: VerifiedToken): boolean {
  const answer: unknown = requirement.isMet(token)
  assertBoolean(answer, 'Requirement.isMet')
  return answer
}
