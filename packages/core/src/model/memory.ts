/**
 * A copy of a part of a token that keeps no other text in memory. To a JavaScript engine a part of a text is often a view of the whole: a
 * token cut from a form would keep all of the body for as long as the token is kept. Only for what is kept, because copying costs time.
 *
 * @param text - base64url, dots and padding; JSON has no escapes for these
 */
export function detached(text: string): string {
  // The parser writes a new text, with one byte a character even where the whole has two. A template, `concat` or `slice` may refer to it.
  return JSON.parse(`"${text}"`) as string
}

/**
 * The bytes that a parsed JSON value takes up, roughly: as measured on Node, rounded up for the usual and never far below for the worst.
 * An object costs much more than its text, and most where the names of its members are new, because the engine keeps a shape for each.
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
  // Reading by name is quicker than listing the entries.
  for (const name of Object.keys(object)) size += MEMBER + lengthInMemory(name) + sizeInMemory(object[name])
  return size
}

// One character outside Latin-1 makes all of a text wide. In short texts that weighs less than finding it out costs.
function lengthInMemory(text: string): number {
  return text.length > SHORT && WIDE.test(text) ? 2 * text.length : text.length
}

const SHORT = 16
const WIDE = /[^\0-\u00ff]/
