import type { Requirement } from '@claimgate/core'
import { isRequirement, misconfigured } from '@claimgate/core/extend'

/**
 * Fails at start-up for what only looks like a requirement, such as the name of a scope.
 *
 * @throws TypeError
 */
export function assertRequirement(requirement: Requirement): void {
  if (isRequirement(requirement)) return
  throw misconfigured('authorize request', 'give a requirement such as scope("orders:read")', requirement)
}
