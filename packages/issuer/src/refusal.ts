import { quote } from './quote.ts'

/**
 * The error for a wrong argument: action, rule, found, in one sentence.
 *
 * Never pass it key material as `found`: strings are quoted in the message.
 */
export const refusal = (action: string, rule: string, found: unknown, cause?: unknown): TypeError =>
  new TypeError(`Cannot ${action}: ${rule}, found ${describe(found)}`, cause === undefined ? undefined : { cause })

/** The same, for what may be secret: of a string it tells the length alone. */
export const discreetRefusal = (action: string, rule: string, found: unknown): TypeError =>
  new TypeError(`Cannot ${action}: ${rule}, found ${typeof found === 'string' ? measure(found) : describe(found)}`)

const describe = (found: unknown): string => {
  if (typeof found === 'string') return quote(found)
  if (typeof found === 'number' || typeof found === 'boolean' || found === undefined || found === null)
    return String(found)
  if (Array.isArray(found)) return found.length === 0 ? 'an empty array' : `an array of ${found.length}`
  if (typeof found !== 'object') return `a ${typeof found}`
  const kind = Object.prototype.toString.call(found).slice(8, -1)
  return kind === 'Object' ? 'an object' : `${/^[AEIO]/.test(kind) ? 'an' : 'a'} ${kind}`
}

const measure = (text: string): string => (text === '' ? 'an empty string' : `a string of length ${text.length}`)
