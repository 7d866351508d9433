import { assertBoolean } from './assert-boolean.ts'

/** What a claim must be: one of some plain values, or whatever a predicate answers `true` to. */
export type ClaimCondition = string | number | boolean | readonly (string | number | boolean)[] | ClaimPredicate

/** Sees the whole claim. Must answer with a boolean, at once: a promise would always count as true, so it is an error. */
export type ClaimPredicate = (value: unknown) => boolean

/**
 * Whether a claim, or one element of an array claim, is what the condition asks for. Values are compared with `===`.
 *
 * @throws TypeError if a predicate does not answer with a boolean
 */
export function meetsCondition(value: unknown, condition: ClaimCondition): boolean {
  if (typeof condition === 'function') {
    const answer: unknown = condition(value)
    assertBoolean(answer, 'A claim predicate')
    return answer
  }
  const accepted: readonly unknown[] = Array.isArray(condition) ? condition : [condition]
  return (Array.isArray(value) ? value : [value]).some((item) => accepted.includes(item))
}

/** A condition that stays as it is, whatever happens to the list it was given as. */
export function copyCondition(condition: ClaimCondition): ClaimCondition {
  return Array.isArray(condition) ? [...(condition as readonly (string | number | boolean)[])] : condition
}

/** Whether a value is a condition. Regular expressions are not: whoever needs one writes a predicate. */
export function isClaimCondition(value: unknown): value is ClaimCondition {
  if (typeof value === 'function') return true
  const values: readonly unknown[] = Array.isArray(value) ? value : [value]
  return values.length > 0 && values.every((item) => ['string', 'number', 'boolean'].includes(typeof item))
}
