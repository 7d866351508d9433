import { AuthError } from '../errors/auth-error.ts'
import { type ClaimCondition, copyCondition, meetsCondition } from '../model/claim-condition.ts'
import { type ClaimPath, copyPath, nameOfPath, valueAt } from '../model/claim-path.ts'
import type { Claims } from '../model/token.ts'
import type { ClaimCheck } from './claim-check.ts'
import { clientNamedIn } from './client.ts'

/** A claim is there, whatever its value; `null` is absent. */
export function presentClaim(path: ClaimPath): ClaimCheck {
  const fixed = copyPath(path)
  return {
    step: nameOfPath(fixed),
    answer: 'lasting',
    check: ({ claims }) => void present(claims, fixed),
    compare: () => ({ expected: 'present', actual: 'present' }),
  }
}

/** A claim is there and has an accepted value. */
export function requiredClaim(path: ClaimPath, condition: ClaimCondition): ClaimCheck {
  const fixedPath = copyPath(path)
  const fixed = copyCondition(condition)
  const step = nameOfPath(fixedPath)
  const expected = typeof condition === 'function' ? `${step}: a value its predicate accepts` : fixed
  return {
    step,
    answer: typeof condition === 'function' ? 'momentary' : 'lasting',
    check: ({ claims }) => {
      const actual = present(claims, fixedPath)
      if (!meetsCondition(actual, fixed)) throw new AuthError('claim_mismatch', { expected, actual })
    },
    compare: ({ claims }) => ({ expected, actual: valueAt(claims, fixedPath) }),
  }
}

function present(claims: Claims, path: ClaimPath): unknown {
  const value = valueAt(claims, path) ?? undefined
  if (value !== undefined) return value
  const other = path === 'client_id' ? clientNamedIn(claims) : undefined
  throw new AuthError('claim_missing', {
    expected: nameOfPath(path),
    actual: undefined,
    ...(other !== undefined && { hint: `This issuer names the client in "${other}"` }),
  })
}
