import { bare, isObject } from '../model/values.ts'
import type { JsonLimits } from './strict-json.ts'

/**
 * Parses the kind of plain JSON object that issuers write: printable ASCII without escapes, no duplicate members, no `__proto__`, few
 * members. The result is deeply frozen, and its objects have no prototype. `undefined` does not mean invalid: pass the text to
 * `parseStrictJson`, which decides.
 *
 * @param bytes - the bytes of the text; for a character that is not ASCII, any byte above ASCII
 */
export function parsePlainJson(
  text: string,
  limits: JsonLimits,
  bytes: Uint8Array = new TextEncoder().encode(text),
): Readonly<Record<string, unknown>> | undefined {
  const counted = count(bytes, limits)
  if (counted === undefined) return undefined
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!isObject(value) || Array.isArray(value)) return undefined
  // A duplicate name turns two members into one, so the counts differ.
  return freezeMembers(value, counted.containers) === counted.members
    ? (value as Readonly<Record<string, unknown>>)
    : undefined
}

const QUOTE = 34
const COMMA = 44
const COLON = 58
const OPEN_BRACKET = 91
const BACKSLASH = 92
const CLOSE_BRACKET = 93
const OPEN_BRACE = 123
const CLOSE_BRACE = 125
const FIRST_PRINTABLE = 32
const LAST_PRINTABLE = 126

interface Counted {
  readonly members: number
  /** Objects and arrays. */
  readonly containers: number
}

// Walks the text as parseStrictJson does, with a simpler check: the total number of members must not exceed the limit for one object. Reads
// bytes by index, because reading characters from a string is twice as slow, and an iterator is slower still.
function count(
  bytes: Uint8Array,
  { members: mostMembers, nodes: mostNodes, depth: deepest }: JsonLimits,
): Counted | undefined {
  let members = 0
  let elements = 1
  let containers = 0
  let depth = 0
  for (let index = 0; index < bytes.length; index += 1) {
    let byte = bytes[index] as number
    if (byte === QUOTE) {
      // Most of a token is in strings, so this loop checks only for their end and for characters that are not plain.
      do {
        index += 1
        byte = bytes[index] as number
        if (byte === BACKSLASH || !(byte >= FIRST_PRINTABLE && byte <= LAST_PRINTABLE)) return undefined
      } while (byte !== QUOTE)
    } else if (byte === COLON) members += 1
    else if (byte === COMMA) elements += 1
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      containers += 1
      depth += 1
      if (depth > deepest) return undefined
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth -= 1
    else if (byte < FIRST_PRINTABLE || byte > LAST_PRINTABLE) return undefined
  }
  const nodes = elements + containers
  return nodes <= mostMembers && nodes <= mostNodes ? { members, containers } : undefined
}

/** Deeply freezes a parsed value, removes the prototypes of its objects and counts their members; `NaN` if one is `__proto__`. */
function freezeMembers(value: object, containers: number): number {
  const isArray = Array.isArray(value)
  Object.freeze(isArray ? value : bare(value))
  const names = Object.keys(value)
  let members = isArray ? 0 : Object.hasOwn(value, '__proto__') ? Number.NaN : names.length
  if (containers === 1) return members
  for (const name of names) {
    const item: unknown = (value as Record<string, unknown>)[name]
    if (isObject(item)) members += freezeMembers(item, containers)
  }
  return members
}
