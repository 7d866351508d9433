import { quote } from './quote.ts'

/**
 * A configuration error, to be thrown at start-up: what could not be done, the rule, and what was found instead.
 *
 * A `TypeError` and no `AuthError`, because no request is at fault and nothing may turn it into a 401.
 */
export function misconfigured(action: string, rule: string, ...found: readonly [found?: unknown]): TypeError {
  return new TypeError(`Cannot ${action}: ${rule}${found.length > 0 ? `, found ${quote(found[0])}` : ''}`)
}
