import { misconfigured } from '../errors/misconfigured.ts'
import { type ClaimCondition, copyCondition, isClaimCondition, meetsCondition } from '../model/claim-condition.ts'
import type { Requirement } from './requirement.ts'

/**
 * The token has a claim of this name that equals one of the values, is an array that contains one, or makes the predicate answer
 * `true`. An absent claim never meets it. Regular expressions are not taken: write a predicate.
 *
 * @throws TypeError for a condition of another type; at the request, for a predicate that does not answer with a boolean
 */
export function claim(name: string, condition: ClaimCondition): Requirement {
  if (typeof name !== 'string' || name === '') throw misconfigured('require claim', 'name a claim', name)
  if (!isClaimCondition(condition))
    throw misconfigured(
      'require claim',
      `give "${name}" a string, number, boolean, a list of them, or a predicate`,
      condition,
    )
  const fixed = copyCondition(condition)
  return Object.freeze<Requirement>({
    description: `claim ${name}${typeof condition === 'function' ? '' : ` ${JSON.stringify(condition)}`}`,
    scopes: Object.freeze([]),
    isMet: ({ claims }) => Object.hasOwn(claims, name) && meetsCondition(claims[name], fixed),
  })
}
