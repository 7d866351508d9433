import { bare, isObject } from './values.ts'

/** Whether a text is a token (RFC 9110 section 5.6.2), as names of header fields, schemes and parameters are. */
export function isHttpToken(text: unknown): text is string {
  return typeof text === 'string' && /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text)
}

/** Whether a text needs no escaping in a quoted string (RFC 9110 section 5.6.4), so it cannot break out of one. */
export function isPlainText(text: unknown): text is string {
  return typeof text === 'string' && /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/.test(text)
}

/** Whether a text is one scope (RFC 6749 section 3.3). */
export function isScope(scope: unknown): scope is string {
  return typeof scope === 'string' && /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope)
}

/** Whether a text may be the value of a header field (RFC 9110 section 5.5, without obs-text). */
export function isFieldValue(text: unknown): text is string {
  return typeof text === 'string' && /^[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?$/.test(text)
}

/** Whether a value is an object literal. A `Headers` or a `Map` has its members elsewhere. */
export function isPlainObject(value: unknown): value is object {
  if (!isObject(value) || Array.isArray(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/** Header fields by name. */
export type Fields = Readonly<Record<string, string>>

export const NO_FIELDS: Fields = Object.freeze(bare({}))

/**
 * Checks header fields that application code supplied. Returns a frozen copy without a prototype and with names in lower case.
 *
 * @param who - what supplied them, for the message
 * @throws TypeError for anything that a framework could not send
 */
export function checkedFields(fields: unknown, who: string): Fields {
  const entries = isPlainObject(fields) ? Object.entries(fields) : [['']]
  if (!entries.every(([name, value]) => isHttpToken(name) && isFieldValue(value)))
    throw new TypeError(`${who} must give "headers" as an object of header names and values`)
  return Object.freeze(bare(Object.fromEntries(entries.map(([name = '', value]) => [name.toLowerCase(), value]))))
}
