import { quote, sentence } from './quote.ts'

/**
 * A configuration error, to be thrown at start-up: what could not be done, the rule, and what was found instead.
 *
 * A `TypeError` and no `AuthError`, because no request is at fault and nothing may turn it into a 401.
 */
export function misconfigured(action: string, rule: string, ...found: readonly [found?: unknown]): TypeError {
  return new TypeError(sentence(`Cannot ${action}: ${rule}${found.length > 0 ? `, found ${foundText(found[0])}` : ''}`))
}

// Only plain values and lists of them are quoted: an object may hold a key or a whole environment.
function foundText(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'bigint') return String(value)
  const isList = Array.isArray(value) && value.every((item) => typeof item !== 'function' && Object(item) !== item)
  return isList || (typeof value !== 'function' && Object(value) !== value) ? quote(value) : kindOf(value)
}

/** What sort of value it is, for messages that must not quote it: `a string`, `a Set`, `an object`. */
export function kindOf(value: unknown): string {
  if (value === undefined || value === null) return String(value)
  const kind = typeof value === 'object' ? classOf(value) : typeof value
  return `${/^[aeio]/i.test(kind) ? 'an' : 'a'} ${kind}`
}

function classOf(value: object): string {
  if (Array.isArray(value)) return 'list'
  const name = Object.prototype.toString.call(value).slice(8, -1)
  return name === 'Object' ? 'object' : name
}

/** Whether a value may hold options: an object, or an instance of a class, but no list, Map, Date and so on. */
export function isOptions(value: unknown): value is object {
  return typeof value === 'object' && value !== null && ['object', 'Module'].includes(classOf(value))
}

/** Whether a value is an object literal, of whatever realm. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  if (!isOptions(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}
