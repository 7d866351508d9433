import type { JsonLimits } from './strict-json.ts'

/**
 * The object in a JSON text of the plain kind that issuers write: printable ASCII without escapes, no member twice, no `__proto__`, few
 * members. Deeply frozen. `undefined` is no verdict: the text may be fit all the same, and `parseStrictJson` judges it.
 *
 * @param bytes - those of the text, from whoever has a quicker way to them; one that is not ASCII may be anything above
 */
export function parsePlainJson(
  text: string,
  limits: JsonLimits,
  bytes: Uint8Array = new TextEncoder().encode(text),
): Readonly<Record<string, unknown>> | undefined {
  const members = countMembers(bytes, limits)
  if (members === undefined) return undefined
  const value = parse(text)
  // A name that comes twice makes one member of two, in whichever object.
  return isRecord(value) && freezeMembers(value) === members ? value : undefined
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

// Walks the text as parseStrictJson does, and is content with less: no object has more members than all of them together. Over bytes, for
// to ask a string for its characters costs twice as much.
function countMembers(
  bytes: Uint8Array,
  { members: mostMembers, nodes: mostNodes, depth: deepest }: JsonLimits,
): number | undefined {
  let members = 0
  let nodes = 1
  let depth = 0
  let inString = false
  // By index, which is several times as fast as the iterator of a typed array.
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index] as number
    if (byte === QUOTE) inString = !inString
    else if (byte === BACKSLASH || byte < FIRST_PRINTABLE || byte > LAST_PRINTABLE) return undefined
    else if (inString) continue
    else if (byte === COLON) members += 1
    else if (byte === COMMA) nodes += 1
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      nodes += 1
      depth += 1
      if (depth > deepest) return undefined
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth -= 1
  }
  return nodes <= mostMembers && nodes <= mostNodes ? members : undefined
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Freezes a parsed value through and through, and counts the members of its objects; `NaN` if one is `__proto__`. */
function freezeMembers(value: object): number {
  Object.freeze(value)
  const isArray = Array.isArray(value)
  let members = 0
  // Its own alone: what somebody has put on Object.prototype would stand in for a member that came twice.
  for (const name of Object.keys(value)) {
    const item: unknown = (value as Record<string, unknown>)[name]
    if (!isArray) members += name === '__proto__' ? Number.NaN : 1
    if (typeof item === 'object' && item !== null) members += freezeMembers(item)
  }
  return members
}
