import { misconfigured } from '../errors/misconfigured.ts'
import { type ClaimCondition, copyCondition, isClaimCondition, meetsCondition } from '../model/claim-condition.ts'
import { type ClaimPath, copyPath, isClaimPath, nameOfPath, valueAt } from '../model/claim-path.ts'
import { own } from '../model/own.ts'
import type { Requirement } from './requirement.ts'

/** A requirement about one claim, made by `claim`. `requiredClaims` takes it, too. */
export interface ClaimRequirement extends Requirement {
  readonly claim: ClaimPath
  readonly condition: ClaimCondition
}

/**
 * The token has a claim of this name that equals one of the values, is an array that contains one, or makes the predicate answer
 * `true`. An absent claim, and one that is `null`, never meets it. Regular expressions are not taken: write a predicate.
 *
 * @param path the name, or a list of names for a claim within others: `claim(['realm_access', 'roles'], 'admin')`. A dot in a name is a dot
 * @throws TypeError for a condition of another type; at the request, for a predicate that does not answer with a boolean
 */
export function claim(path: ClaimPath, condition: ClaimCondition): ClaimRequirement {
  if (!isClaimPath(path))
    throw misconfigured('require claim', 'name a claim, or a list of names for one within others', path)
  const fixedPath = copyPath(path)
  const name = nameOfPath(fixedPath)
  if (!isClaimCondition(condition))
    throw misconfigured(
      'require claim',
      `give "${name}" a string, number, boolean, a list of them, or a predicate`,
      condition,
    )
  const fixed = copyCondition(condition)
  return Object.freeze<ClaimRequirement>({
    claim: fixedPath,
    condition: fixed,
    description: `claim ${name}${typeof condition === 'function' ? '' : ` ${JSON.stringify(condition)}`}`,
    scopes: Object.freeze([]),
    isMet: ({ claims }) => {
      const value = valueAt(claims, fixedPath) ?? undefined
      return value !== undefined && meetsCondition(value, fixed)
    },
    found: ({ claims }) => ({ [name]: valueAt(claims, fixedPath) ?? undefined }),
  })
}

/** Whether a value was made by `claim`, or is like it. */
export function isClaimRequirement(value: unknown): value is ClaimRequirement {
  if (typeof value !== 'object' || value === null) return false
  return isClaimPath(own(value, 'claim')) && isClaimCondition(own(value, 'condition'))
}
