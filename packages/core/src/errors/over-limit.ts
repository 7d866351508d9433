import type { ErrorCode } from '../model/error-code.ts'
import { type Limits, raiseLimit } from '../model/limits.ts'
import { AuthError } from './auth-error.ts'

/** What is more than a limit allows. */
export interface Excess {
  readonly limit: keyof Limits
  /** The value of the limit. */
  readonly most: number
  /** What is counted, such as `characters`. */
  readonly unit: string
  readonly actual: number
}

/** The refusal of a token that is over a limit of ours, with a hint that names the limit to raise. */
export function overLimit(code: ErrorCode, { limit, most, unit, actual }: Excess): AuthError {
  return new AuthError(code, { expected: `at most ${most} ${unit}`, actual, hint: raiseLimit(limit, most) })
}
