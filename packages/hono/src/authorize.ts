import { anyRole, anyScope, claim, type ClaimCondition, type ClaimPath, role, scope } from '@claimgate/core'
import {
  admitted,
  assertCalled,
  isRequirementRule,
  noRequirement,
  requirementFor,
  type RequirementRule,
} from '@claimgate/core/adapter'
import type { Context, MiddlewareHandler } from 'hono'
import { admissionOf, failure, reject, renewAdmission } from './middleware.ts'

/**
 * Admits only requests whose token meets the requirement. Put it after `authenticateJwt`: it uses the realm and `onReject` of that
 * middleware, and fails with a `TypeError` without it. Refuses anonymous requests with status 401, others with 403, unless the
 * requirement says otherwise.
 *
 * @param requirement - a requirement such as `anyScope('orders:read', 'orders:write')`, or a function that returns the requirement of a
 * request
 * @throws TypeError for anything else; at request time, for a function that does not return a requirement
 */
export function authorize(requirement: RequirementRule<Context>): MiddlewareHandler {
  assertCalled('authorize', 'authorize(scope("orders:read"))', requirement)
  if (!isRequirementRule<Context>(requirement)) throw noRequirement('authorize request', requirement)
  return async (c, next) => {
    try {
      const { authenticator, token, scheme, onReject } = admissionOf(c)
      const outcome = await authenticator.authorize(token, requirementFor(requirement, c), scheme)
      if (outcome.kind === 'refused') return await reject(c, outcome, onReject)
      const authorized = admitted(outcome)
      if (authorized === undefined) throw new TypeError('Cannot authorize request: it is anonymous')
      renewAdmission(c, authorized.token)
    } catch (thrown) {
      throw failure(thrown)
    }
    return next()
  }
}

/**
 * Admits only requests whose token grants all of these scopes. See `authorize`.
 *
 * @throws TypeError if no scope is given, or a string is not exactly one scope
 */
export function requireScope(...all: readonly string[]): MiddlewareHandler {
  assertCalled('requireScope', 'requireScope("orders:read")', all[0])
  return authorize(scope(...all))
}

/**
 * Admits only requests whose token grants at least one of these scopes. See `authorize`.
 *
 * @throws TypeError if no scope is given, or a string is not exactly one scope
 */
export function requireAnyScope(...some: readonly string[]): MiddlewareHandler {
  assertCalled('requireAnyScope', 'requireAnyScope("orders:read", "orders:write")', some[0])
  return authorize(anyScope(...some))
}

/**
 * Admits only requests whose token has all of these roles, as the `roleSource` of its issuer gives them. See `authorize`.
 *
 * @throws TypeError if no role is given, or an empty one
 */
export function requireRole(...all: readonly string[]): MiddlewareHandler {
  assertCalled('requireRole', 'requireRole("admin")', all[0])
  return authorize(role(...all))
}

/**
 * Admits only requests whose token has at least one of these roles. See `authorize`.
 *
 * @throws TypeError if no role is given, or an empty one
 */
export function requireAnyRole(...some: readonly string[]): MiddlewareHandler {
  assertCalled('requireAnyRole', 'requireAnyRole("admin", "editor")', some[0])
  return authorize(anyRole(...some))
}

/**
 * Admits only requests whose token has a claim that meets the condition. See `authorize`.
 *
 * @param path the name of the claim, or a list of names for a nested claim: `requireClaim(['realm_access', 'roles'], 'admin')`
 * @throws TypeError for a condition of another type
 */
export function requireClaim(path: ClaimPath, condition: ClaimCondition): MiddlewareHandler {
  assertCalled('requireClaim', 'requireClaim("tenant", "acme")', path)
  return authorize(claim(path, condition))
}
