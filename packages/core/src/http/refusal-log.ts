import type { AuthError } from '../errors/auth-error.ts'
import type { ErrorCode } from '../model/catalogue.ts'
import { type Clock, systemClock } from '../model/runtime.ts'
import { has, ignoreRejection, isObject, own } from '../model/values.ts'
import type { OptionRule } from '../options/option-rules.ts'

/** A log for refusals: anything with `warn`, such as `console`, pino or winston. Its exceptions and rejections are ignored. */
export interface RefusalLog {
  warn(message: string): unknown
}

/** What is logged for a refusal. Never contains a token. */
export interface RefusalLine {
  readonly code: ErrorCode
  /** The expected value, the actual value and a hint. */
  readonly message: string
  /** Refusals with the same code since its last line that were not logged. */
  readonly suppressed: number
}

/** Logs a refusal, unless one with the same code was logged within the last minute. */
export type LogRefusal = (error: AuthError, write: (line: RefusalLine) => unknown) => void

const MINUTE = 60_000

/**
 * Limits the refusal log to one line per code and minute. Stores only a few numbers per code.
 *
 * @param clock - its `monotonic` is used if present, otherwise the runtime's
 */
export function createLogRefusal(clock?: Partial<Clock>): LogRefusal {
  const hasMonotonic = clock !== undefined && has(clock, 'monotonic')
  const seen = new Map<ErrorCode, { since: number; suppressed: number }>()
  return ({ code, message }, write) => {
    try {
      const now = (hasMonotonic ? clock?.monotonic?.() : undefined) ?? systemClock.monotonic()
      const last = seen.get(code)
      if (last !== undefined && now - last.since < MINUTE) {
        last.suppressed += 1
        return
      }
      const suppressed = last?.suppressed ?? 0
      seen.set(code, { since: now, suppressed: 0 })
      const more = suppressed === 0 ? '' : ` (and ${suppressed} more since the last line)`
      ignoreRejection(write({ code, message: `${message}${more}`, suppressed }))
    } catch {
      // A failing log must not change the response.
    }
  }
}

/** Writes a line with `warn`. */
export function writeTo(log: RefusalLog): (line: RefusalLine) => unknown {
  return ({ code, message }) => log.warn(`Request refused (${code}): ${message}`)
}

/** The `log` option: `false`, or an object or a function with `warn`. */
export const logOption: OptionRule = {
  be: 'false, or have a function "warn", as console does',
  fits: (log) =>
    log === false || ((isObject(log) || typeof log === 'function') && typeof own(log, 'warn') === 'function'),
}
