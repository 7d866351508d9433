import type { Requirement } from '@claimgate/core'
import { isRequirement, misconfigured } from '@claimgate/core/extend'

/**
 * Fails for what only looks like a requirement, such as the name of a scope, before a token is looked at.
 *
 * @throws TypeError
 */
export function assertRequirement(requirement: Requirement | undefined): void {
  if (requirement === undefined || isRequirement(requirement)) return
  throw misconfigured('authorize request', 'give a requirement such as scope("orders:read")', requirement)
}
