import type { Requirement } from '@claimgate/core'
import { misconfigured } from '@claimgate/core/extend'

/**
 * Fails at start-up for what only looks like a requirement, such as the name of a scope.
 *
 * @throws TypeError
 */
export function assertRequirement(requirement: Requirement): void {
  const value: unknown = requirement
  if (typeof value === 'object' && value !== null && 'isMet' in value && typeof value.isMet === 'function') return
  throw misconfigured('authorize request', 'give a requirement such as scope("orders:read")', value)
}
