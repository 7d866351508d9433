import { ignoreRejection } from './ignore-rejection.ts'

/**
 * The answer of a predicate is a boolean, and not for example a promise, which would always count as true.
 *
 * @throws TypeError
 */
export function assertBoolean(answer: unknown, who: string): asserts answer is boolean {
  if (typeof answer === 'boolean') return
  ignoreRejection(answer)
  throw new TypeError(`${who} must answer with true or false, at once`)
}
