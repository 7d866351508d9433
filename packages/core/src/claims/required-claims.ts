import { AuthError } from '../errors/auth-error.ts'
import { type ClaimCondition, copyCondition, meetsCondition } from '../model/claim-condition.ts'
import type { ClaimCheck } from './claim-check.ts'

/** A claim is there, whatever its value. */
export function presentClaim(name: string): ClaimCheck {
  return {
    step: name,
    check: ({ claims }) => {
      if (!isPresent(claims, name)) throw new AuthError('claim_missing', { expected: name, actual: undefined })
      return { expected: 'present', actual: 'present' }
    },
  }
}

/** A claim is there and has an accepted value. */
export function requiredClaim(name: string, condition: ClaimCondition): ClaimCheck {
  const fixed = copyCondition(condition)
  const expected = typeof condition === 'function' ? `${name}: a value its predicate accepts` : fixed
  return {
    step: name,
    check: ({ claims }) => {
      if (!isPresent(claims, name)) throw new AuthError('claim_missing', { expected: name, actual: undefined })
      const actual = claims[name]
      if (!meetsCondition(actual, fixed)) throw new AuthError('claim_mismatch', { expected, actual })
      return { expected, actual }
    },
  }
}

function isPresent(claims: object, name: string): boolean {
  const value: unknown = Object.hasOwn(claims, name) ? (claims as Record<string, unknown>)[name] : undefined
  return value !== undefined && value !== null
}
