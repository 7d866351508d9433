import type { Requirement } from '@claimgate/core'
import { isRequirement, misconfigured } from '@claimgate/core/extend'

/**
 * The requirement among the last arguments of a function, if one was passed.
 *
 * @throws TypeError for anything else, such as the name of a scope, and for `undefined` that was passed: a misspelled name must not open
 * what it should narrow
 */
export function givenRequirement(given: readonly unknown[]): Requirement | undefined {
  if (given.length === 0) return undefined
  const [requirement] = given
  if (isRequirement(requirement)) return requirement
  throw requirement === undefined
    ? misconfigured(ACTION, 'the requirement must not be undefined: leave it out, or check the name of what was passed')
    : misconfigured(ACTION, 'give a requirement such as scope("orders:read")', requirement)
}

const ACTION = 'authorize request'
