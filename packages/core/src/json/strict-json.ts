import { bareThrough } from '../model/values.ts'

/** Why a JSON text was rejected. */
export type JsonFlaw = 'malformed' | 'limits' | 'duplicate_member' | 'forbidden_member'

export interface JsonLimits {
  /** Members of one object, or elements of one array. */
  readonly members: number
  /** Values in the whole text. */
  readonly nodes: number
  readonly depth: number
}

/** A JSON text that Claimgate rejects, even if `JSON.parse` accepts it. The caller turns it into an `AuthError` or a failed fetch. */
export class StrictJsonError extends Error {
  override readonly name: string = 'StrictJsonError'
  readonly flaw: JsonFlaw
  /** Which limit, if the flaw is `limits`. */
  readonly limit: keyof JsonLimits | undefined

  constructor(flaw: JsonFlaw, message: string, limit?: keyof JsonLimits) {
    super(message)
    this.flaw = flaw
    this.limit = limit
  }
}

/** Tolerates forbidden names in single elements of one top-level array, and reports which elements have them. */
export interface ElementTolerance {
  /** The name of the array. */
  readonly array: string
  /** Filled with the first forbidden name of each element, by element index. */
  readonly flaws: Map<number, { readonly flaw: JsonFlaw; readonly name: string }>
}

/**
 * Parses untrusted JSON (RFC 8259): no byte order mark, no duplicate member names in an object (RFC 7515 section 4,
 * RFC 7519 section 4), no `__proto__`, and limited size and depth, all checked before `JSON.parse` builds anything. Its objects have no
 * prototype, so `Object.prototype` cannot supply a member that the text lacks.
 *
 * @param tolerance - where a duplicate name or `__proto__` does not make the whole text invalid
 * @throws StrictJsonError
 */
export function parseStrictJson(text: string, limits: JsonLimits, tolerance?: ElementTolerance): unknown {
  if (text.charCodeAt(0) === BYTE_ORDER_MARK) throw new StrictJsonError('malformed', 'starts with a byte order mark')
  checkStructure(text, limits, tolerance)
  try {
    return bareThrough(JSON.parse(text) as unknown)
  } catch {
    // A `cause` would quote the text.
    throw new StrictJsonError('malformed', 'is not JSON')
  }
}

const BYTE_ORDER_MARK = 0xfe_ff
const QUOTE = 34
const COMMA = 44
const COLON = 58
const OPEN_BRACKET = 91
const BACKSLASH = 92
const CLOSE_BRACKET = 93
const OPEN_BRACE = 123
const CLOSE_BRACE = 125

interface Container {
  /** Member names so far; absent for an array. */
  readonly names: Set<string> | undefined
  members: number
  /** The member name that was read last. */
  last: string | undefined
}

// Walks the text without checking its grammar, which JSON.parse does later: only strings and structure matter here.
function checkStructure(text: string, limits: JsonLimits, tolerance: ElementTolerance | undefined): void {
  const open: Container[] = []
  let nodes = 1
  let lastString: string | undefined
  for (let index = 0; index < text.length; index += 1) {
    switch (text.charCodeAt(index)) {
      case QUOTE: {
        const end = endOfString(text, index)
        lastString = text.slice(index, end + 1)
        index = end
        break
      }
      case COLON: {
        addName(open, lastString, tolerance)
        break
      }
      case OPEN_BRACE:
      case OPEN_BRACKET: {
        open.push({ names: text.charCodeAt(index) === OPEN_BRACE ? new Set() : undefined, members: 1, last: undefined })
        nodes += 1
        if (open.length > limits.depth)
          throw new StrictJsonError('limits', `is nested deeper than ${limits.depth}`, 'depth')
        break
      }
      case CLOSE_BRACE:
      case CLOSE_BRACKET: {
        open.pop()
        break
      }
      case COMMA: {
        const container = open.at(-1)
        nodes += 1
        if (container && (container.members += 1) > limits.members)
          throw new StrictJsonError(
            'limits',
            `has more than ${limits.members} members in one object or array`,
            'members',
          )
        break
      }
    }
    if (nodes > limits.nodes) throw new StrictJsonError('limits', `holds more than ${limits.nodes} values`, 'nodes')
  }
}

function endOfString(text: string, start: number): number {
  for (let index = start + 1; index < text.length; index += 1) {
    const unit = text.charCodeAt(index)
    if (unit === QUOTE) return index
    if (unit === BACKSLASH) index += 1
  }
  throw new StrictJsonError('malformed', 'is not JSON')
}

function addName(
  open: readonly Container[],
  encoded: string | undefined,
  tolerance: ElementTolerance | undefined,
): void {
  const container = open.at(-1)
  if (!container?.names || encoded === undefined) return
  const name = decodeName(encoded)
  container.last = name
  const flaw = name === '__proto__' ? 'forbidden_member' : container.names.has(name) ? 'duplicate_member' : undefined
  container.names.add(name)
  if (flaw === undefined) return
  const element = tolerance && elementOf(open, tolerance)
  if (element === undefined)
    throw new StrictJsonError(
      flaw,
      flaw === 'forbidden_member' ? 'has a member named __proto__' : 'has a member name twice',
    )
  if (!tolerance?.flaws.has(element)) tolerance?.flaws.set(element, { flaw, name })
}

// The index of the current element in the tolerated array.
function elementOf([outermost, array]: readonly Container[], tolerance: ElementTolerance): number | undefined {
  const isInside = array !== undefined && array.names === undefined && outermost?.last === tolerance.array
  return isInside ? array.members - 1 : undefined
}

function decodeName(encoded: string): string {
  if (!encoded.includes('\\')) return encoded.slice(1, -1)
  try {
    return JSON.parse(encoded) as string
  } catch {
    throw new StrictJsonError('malformed', 'is not JSON')
  }
}
