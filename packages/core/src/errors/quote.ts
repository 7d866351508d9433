const LONGEST = 120
// Nothing in it that JSON escapes.
const PLAIN = /^[ !#-[\]-~]*$/

/** An untrusted value as it may stand in a log line: JSON-escaped on one line, and shortened. */
export function quote(value: unknown): string {
  if (typeof value === 'string' && value.length <= LONGEST - 2 && PLAIN.test(value)) return `"${value}"`
  const text = escape(value)
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}…`
}

function escape(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (typeof value === 'string') return escapeText(value.length > LONGEST ? `${value.slice(0, LONGEST)}…` : value)
  if (value instanceof Set) return escapeSet(value)
  return escapeText(value)
}

// What a policy accepts is a few sets that stay as they are, and every refusal names one of them.
const sets = new WeakMap<ReadonlySet<unknown>, { readonly size: number; readonly text: string }>()

function escapeSet(set: ReadonlySet<unknown>): string {
  const known = sets.get(set)
  if (known?.size === set.size) return known.text
  const text = escape([...set])
  sets.set(set, { size: set.size, text })
  return text
}

// JSON.stringify leaves C1 controls and line separators as they are, which some terminals and log readers obey.
function escapeText(value: unknown): string {
  return textOf(value).replaceAll(
    /[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

// What is wrong may be anything: a cycle, a bigint, an object that throws.
function textOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? typeof value
  } catch {
    return `a value of type ${typeof value}`
  }
}
