import { anyScope, claim, type ClaimCondition, type ClaimPath, type Requirement, scope } from '@claimgate/core'
import { admittedToken, asError } from '@claimgate/core/extend'
import type { RequestHandler } from 'express'
import { admissionOf } from './admission.ts'
import { assertCalled } from './assert-called.ts'
import { assertRequirement } from './assert-requirement.ts'

/**
 * Lets requests through whose token meets the requirement; goes after `authenticateJwt`, whose realm and `onReject` it uses, and
 * without which it fails with a `TypeError`. Anonymous requests are refused with status 401, others with 403.
 *
 * @throws TypeError for anything but a requirement
 */
export function authorize(requirement: Requirement): RequestHandler {
  assertCalled('authorize', 'authorize(scope("orders:read"))', requirement)
  assertRequirement(requirement)
  return (req, res, next) => {
    try {
      const { authenticator, token, reject } = admissionOf(req)
      const outcome = authenticator.authorize(token, requirement)
      if (outcome.kind === 'refused') return reject(outcome, req, res, next)
      if (admittedToken(outcome) === undefined) throw new TypeError('Cannot authorize request: it is anonymous')
    } catch (error) {
      return next(asError(error))
    }
    return next()
  }
}

/**
 * Lets requests through whose token grants every one of these scopes. See `authorize`.
 *
 * @throws TypeError for no scope, or for text that is not one scope
 */
export function requireScope(...all: readonly string[]): RequestHandler {
  assertCalled('requireScope', 'requireScope("orders:read")', all[0])
  return authorize(scope(...all))
}

/**
 * Lets requests through whose token grants at least one of these scopes. See `authorize`.
 *
 * @throws TypeError for no scope, or for text that is not one scope
 */
export function requireAnyScope(...some: readonly string[]): RequestHandler {
  assertCalled('requireAnyScope', 'requireAnyScope("orders:read", "orders:write")', some[0])
  return authorize(anyScope(...some))
}

/**
 * Lets requests through whose token has a claim that meets the condition. See `authorize`.
 *
 * @param path the name, or a list of names for a claim within others: `requireClaim(['realm_access', 'roles'], 'admin')`
 * @throws TypeError for a condition of another type
 */
export function requireClaim(path: ClaimPath, condition: ClaimCondition): RequestHandler {
  assertCalled('requireClaim', 'requireClaim("tenant", "acme")', path)
  return authorize(claim(path, condition))
}
