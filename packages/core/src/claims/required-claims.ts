import { AuthError } from '../errors/auth-error.ts'
import { type ClaimCondition, copyCondition, meetsCondition } from '../model/claim-condition.ts'
import type { ClaimCheck } from './claim-check.ts'

/** A claim is there, whatever its value. */
export function presentClaim(name: string): ClaimCheck {
  return {
    step: name,
    answer: 'lasting',
    check: ({ claims }) => assertPresent(claims, name),
    compare: () => ({ expected: 'present', actual: 'present' }),
  }
}

/** A claim is there and has an accepted value. */
export function requiredClaim(name: string, condition: ClaimCondition): ClaimCheck {
  const fixed = copyCondition(condition)
  const expected = typeof condition === 'function' ? `${name}: a value its predicate accepts` : fixed
  return {
    step: name,
    answer: typeof condition === 'function' ? 'momentary' : 'lasting',
    check: ({ claims }) => {
      assertPresent(claims, name)
      const actual = claims[name]
      if (!meetsCondition(actual, fixed)) throw new AuthError('claim_mismatch', { expected, actual })
    },
    compare: ({ claims }) => ({ expected, actual: claims[name] }),
  }
}

function assertPresent(claims: object, name: string): void {
  const value: unknown = Object.hasOwn(claims, name) ? (claims as Record<string, unknown>)[name] : undefined
  if (value === undefined || value === null) throw new AuthError('claim_missing', { expected: name, actual: undefined })
}
