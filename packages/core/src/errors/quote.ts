const LONGEST = 120
const LONGEST_SENTENCE = 1000
// The shortest run that is hidden. Key IDs and thumbprints can be up to 64 characters long.
const SHORTEST_RUN = 48
// Characters that JSON does not escape.
const PLAIN = /^[ !#-[\]-~]*$/
const PRINTABLE = /^[ -~]*$/

/**
 * Formats an untrusted value for a log line: JSON-escaped on one line, shortened, and with possible credentials hidden.
 *
 * @param longest - the most characters to show
 */
export function quote(value: unknown, longest: number = LONGEST): string {
  if (typeof value === 'string') {
    if (value.length < SHORTEST_RUN && value.length <= longest && PLAIN.test(value)) return `"${value}"`
    return `"${harmless(textOf(value.slice(0, 4 * LONGEST_SENTENCE)).slice(1, -1), longest)}"`
  }
  if (value === undefined) return 'nothing'
  return value instanceof Set ? quotedSet(value) : harmless(textOf(value), longest)
}

/** Formats a sentence with untrusted text for a log line. Printable ASCII stays unchanged, except for credentials. */
export function sentence(text: unknown): string {
  if (typeof text !== 'string') return quote(text)
  return text.length <= LONGEST_SENTENCE && PRINTABLE.test(text) && !RUN.test(text)
    ? text
    : harmless(text, LONGEST_SENTENCE)
}

// Policies have only a few sets of accepted values, which never change, and every refusal shows one.
const sets = new WeakMap<ReadonlySet<unknown>, { readonly size: number; readonly text: string }>()

function quotedSet(set: ReadonlySet<unknown>): string {
  const known = sets.get(set)
  if (known?.size === set.size) return known.text
  const text = harmless(textOf([...set]), LONGEST)
  sets.set(set, { size: set.size, text })
  return text
}

// The value may be anything: a cycle, a bigint, an object that throws.
function textOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? typeof value
  } catch {
    return `a value of type ${typeof value}`
  }
}

function harmless(text: string, longest: number): string {
  const begin = withoutCredentials(text.slice(0, 4 * longest), text.length > 4 * longest)
  const escaped = begin.replaceAll(UNPRINTABLE, escapedCharacter)
  // Do not cut inside an escape or a character. `join` creates a new string, because a slice would keep the long one in memory.
  return escaped.length <= longest
    ? escaped
    : [escaped.slice(0, longest).replace(/\\(?:u[\da-f]{0,3})?$|[\ud800-\udbff]$/, ''), '…'].join('')
}

// Controls, bidirectional and invisible marks, line separators and lone surrogates: terminals and log viewers interpret them, and
// JSON.stringify leaves most of them unescaped.
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

function escapedCharacter(character: string): string {
  return character
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('')
}

// Tried only where a run begins, because trying it at each character takes several times as long.
const RUN = new RegExp(`(?<![\\w.~+/%-])[\\w.~+/%-]{${SHORTEST_RUN}}`)
// Three long parts, as in a JWT; a long word of base64url or base64; or a long run of b64token characters (RFC 6750 section 2.1).
const CREDENTIAL = /(?:[\w-]{16,}\.){2}[\w.-]*|eyJ[\w-]{8,}\.[\w.-]*|[\w-]{65,}|[A-Za-z0-9+/]{65,}|[\w.~+/-]{100,}/g
// The parts of a URL may be long together without being secret.
const ADDRESS_OR_RUN = /https?:\/\/[^\s"\\?#]*|[\w.~+/-]{48,}/g
const LONGEST_PART = 64

function withoutCredentials(text: string, isCut: boolean): string {
  if (!RUN.test(text)) return text
  const shown = text.replaceAll(ADDRESS_OR_RUN, (run) =>
    run.includes('://')
      ? run
          .split('/')
          .map((part) => (part.length > LONGEST_PART ? HIDDEN : part.replaceAll(CREDENTIAL, HIDDEN)))
          .join('/')
      : run.replaceAll(CREDENTIAL, HIDDEN),
  )
  // A credential at the end may have been cut.
  return isCut ? shown.replace(/[\w.~+/-]+$/, HIDDEN) : shown
}

const HIDDEN = '[hidden]'
