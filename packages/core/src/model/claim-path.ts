import { assertBoolean } from './values.ts'

/**
 * Where a claim is: its name, or for a nested claim the list of names from the outside in. `['realm_access', 'roles']` is the `roles` in
 * `realm_access`; `'realm_access.roles'` is a claim whose name contains a dot.
 */
export type ClaimPath = string | readonly string[]

/** A path as readable text. */
export function nameOfPath(path: ClaimPath): string {
  return typeof path === 'string' ? path : path.join('.')
}

/** Whether a value is a path: a name, or a list of at least one name. */
export function isClaimPath(value: unknown): value is ClaimPath {
  const names: readonly unknown[] = Array.isArray(value) ? value : [value]
  return names.length > 0 && names.every((name) => typeof name === 'string' && name !== '')
}

/** A copy of a path that later changes to the list do not affect. */
export function copyPath(path: ClaimPath): ClaimPath {
  if (typeof path === 'string') return path
  const [name, ...rest] = path
  return rest.length === 0 && name !== undefined ? name : Object.freeze([...path])
}

/** What a claim must be: one of some plain values, or a value for which a predicate returns `true`. */
export type ClaimCondition = string | number | boolean | readonly (string | number | boolean)[] | ClaimPredicate

/** Receives the whole claim. Must return a boolean synchronously. A promise is an error, because it would always count as true. */
export type ClaimPredicate = (value: unknown) => boolean

/**
 * Whether a claim, or one element of an array claim, meets a condition. Values are compared with `===`.
 *
 * @throws TypeError if a predicate does not return a boolean
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

/** A copy of a condition that later changes to the list do not affect. */
export function copyCondition(condition: ClaimCondition): ClaimCondition {
  return Array.isArray(condition) ? [...(condition as readonly (string | number | boolean)[])] : condition
}

/** Whether a value is a condition. Regular expressions are not; write a predicate instead. */
export function isClaimCondition(value: unknown): value is ClaimCondition {
  if (typeof value === 'function') return true
  const values: readonly unknown[] = Array.isArray(value) ? value : [value]
  return values.length > 0 && values.every((item) => ['string', 'number', 'boolean'].includes(typeof item))
}
