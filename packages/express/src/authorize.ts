import {
  anyRole,
  anyScope,
  type Authenticator,
  claim,
  type ClaimCondition,
  type ClaimPath,
  type Outcome,
  role,
  scope,
} from '@claimgate/core'
import {
  admitted,
  asError,
  assertCalled,
  isRequirementRule,
  isThenable,
  noRequirement,
  requirementFor,
  type RequirementRule,
} from '@claimgate/core/adapter'
import type { Request, RequestHandler } from 'express'
import { admissionOf, renewAdmission } from './middleware.ts'

/**
 * Admits only requests whose token meets the requirement. Put it after `authenticateJwt`: it uses the realm and `onReject` of that
 * middleware, and fails with a `TypeError` without it. Refuses anonymous requests with status 401, others with 403, unless the
 * requirement says otherwise.
 *
 * @param requirement - a requirement, or a function that returns the requirement of a request
 * @throws TypeError for anything else; at request time, for a function that does not return a requirement
 */
export function authorize(requirement: RequirementRule<Request>): RequestHandler {
  assertCalled('authorize', 'authorize(scope("orders:read"))', requirement)
  if (!isRequirementRule<Request>(requirement)) throw noRequirement('authorize request', requirement)
  return (req, res, next) => {
    const fail = (thrown: unknown): void => next(asError(thrown))
    const decide = (outcome: Outcome): void => {
      try {
        if (outcome.kind === 'refused') return admissionOf(req).reject(outcome, req, res, next)
        const authorized = admitted(outcome)
        if (authorized === undefined) throw new TypeError('Cannot authorize request: it is anonymous')
        renewAdmission(req, authorized.token)
      } catch (error) {
        return fail(error)
      }
      return next()
    }
    let outcome: ReturnType<Authenticator['authorize']>
    try {
      const { authenticator, token, scheme } = admissionOf(req)
      outcome = authenticator.authorize(token, requirementFor(requirement, req), scheme)
    } catch (error) {
      return fail(error)
    }
    // Without a promise, the handler runs at once.
    return isThenable(outcome) ? void Promise.resolve(outcome).then(decide, fail) : decide(outcome)
  }
}

/**
 * Admits only requests whose token grants all of these scopes. See `authorize`.
 *
 * @throws TypeError if no scope is given, or a text is not exactly one scope
 */
export function requireScope(...all: readonly string[]): RequestHandler {
  assertCalled('requireScope', 'requireScope("orders:read")', all[0])
  return authorize(scope(...all))
}

/**
 * Admits only requests whose token grants at least one of these scopes. See `authorize`.
 *
 * @throws TypeError if no scope is given, or a text is not exactly one scope
 */
export function requireAnyScope(...some: readonly string[]): RequestHandler {
  assertCalled('requireAnyScope', 'requireAnyScope("orders:read", "orders:write")', some[0])
  return authorize(anyScope(...some))
}

/**
 * Admits only requests whose token has all of these roles, as the `roleSource` of its issuer gives them. See `authorize`.
 *
 * @throws TypeError if no role is given, or an empty one
 */
export function requireRole(...all: readonly string[]): RequestHandler {
  assertCalled('requireRole', 'requireRole("admin")', all[0])
  return authorize(role(...all))
}

/**
 * Admits only requests whose token has at least one of these roles. See `authorize`.
 *
 * @throws TypeError if no role is given, or an empty one
 */
export function requireAnyRole(...some: readonly string[]): RequestHandler {
  assertCalled('requireAnyRole', 'requireAnyRole("admin", "editor")', some[0])
  return authorize(anyRole(...some))
}

/**
 * Admits only requests whose token has a claim that meets the condition. See `authorize`.
 *
 * @param path the name of the claim, or a list of names for a nested claim: `requireClaim(['realm_access', 'roles'], 'admin')`
 * @throws TypeError for a condition of another type
 */
export function requireClaim(path: ClaimPath, condition: ClaimCondition): RequestHandler {
  assertCalled('requireClaim', 'requireClaim("tenant", "acme")', path)
  return authorize(claim(path, condition))
}
