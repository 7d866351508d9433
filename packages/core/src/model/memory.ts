/**
 * Copies a part of a token, which then keeps no other text in memory. In JavaScript engines a slice often references the whole text: a
 * token sliced from a form would keep the whole body in memory. Use it only for values that are kept, because copying costs time.
 *
 * @param text - base64url, dots and padding, which JSON never escapes
 */
export function detached(text: string): string {
  // The parser writes a new text with one byte per character, even if the whole text has two. A template, `concat` or `slice` may reference it.
  return JSON.parse(`"${text}"`) as string
}

/**
 * Roughly how many bytes a parsed JSON value uses in memory: measured on Node, rounded up for typical values and never far too low for the
 * worst. An object costs much more than its text, and most if its member names are new, because the engine stores a shape for each.
 */
export function sizeInMemory(value: unknown): number {
  if (typeof value === 'string') return TEXT + lengthInMemory(value)
  if (typeof value === 'number') return NUMBER
  if (typeof value !== 'object' || value === null) return 0
  return Array.isArray(value) ? sizeOfArray(value) : sizeOfObject(value as Readonly<Record<string, unknown>>)
}

const TEXT = 24
const NUMBER = 16
const ARRAY = 48
const ELEMENT = 8
const OBJECT = 72
const MEMBER = 104

function sizeOfArray(values: readonly unknown[]): number {
  let size = ARRAY
  for (const value of values) size += ELEMENT + sizeInMemory(value)
  return size
}

function sizeOfObject(object: Readonly<Record<string, unknown>>): number {
  let size = OBJECT
  // Reading by name is faster than listing the entries.
  for (const name of Object.keys(object)) size += MEMBER + lengthInMemory(name) + sizeInMemory(object[name])
  return size
}

// One character outside Latin-1 doubles the size of the whole text. For short texts, checking costs more than the error matters.
function lengthInMemory(text: string): number {
  return text.length > SHORT && WIDE.test(text) ? 2 * text.length : text.length
}

const SHORT = 16
const WIDE = /[^\0-\u00ff]/
