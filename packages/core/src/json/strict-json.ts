import { bareThrough } from '../model/values.ts'

/** What a JSON text did to be refused. */
export type JsonFlaw = 'malformed' | 'limits' | 'duplicate_member' | 'forbidden_member'

export interface JsonLimits {
  /** Members of one object, or elements of one array. */
  readonly members: number
  /** Values in the whole text. */
  readonly nodes: number
  readonly depth: number
}

/** A JSON text that `JSON.parse` might take and Claimgate does not. Turned into an `AuthError` or a failed fetch by the caller. */
export class StrictJsonError extends Error {
  override readonly name: string = 'StrictJsonError'
  readonly flaw: JsonFlaw
  /** Which limit, where the flaw is `limits`. */
  readonly limit: keyof JsonLimits | undefined

  constructor(flaw: JsonFlaw, message: string, limit?: keyof JsonLimits) {
    super(message)
    this.flaw = flaw
    this.limit = limit
  }
}

/** Lets single elements of one array of the outermost object have names that are refused elsewhere, and says which do. */
export interface ElementTolerance {
  /** The name of the array. */
  readonly array: string
  /** Filled with the first such name of each element, by the place of the element. */
  readonly flaws: Map<number, { readonly flaw: JsonFlaw; readonly name: string }>
}

/**
 * Parses JSON from a stranger (RFC 8259): no byte order mark, no member name twice in one object (RFC 7515 section 4,
 * RFC 7519 section 4), no `__proto__`, and bounded size and depth, all checked before `JSON.parse` builds anything. Its objects have no
 * prototype: a member that the text lacks is absent, whatever `Object.prototype` holds.
 *
 * @param tolerance - where a name may come twice, or be `__proto__`, without the whole text being refused
 * @throws StrictJsonError
 */
export function parseStrictJson(text: string, limits: JsonLimits, tolerance?: ElementTolerance): unknown {
  if (text.charCodeAt(0) === BYTE_ORDER_MARK) throw new StrictJsonError('malformed', 'starts with a byte order mark')
  checkStructure(text, limits, tolerance)
  try {
    return bareThrough(JSON.parse(text) as unknown)
  } catch {
    // The cause would quote the text.
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

// Walks the text without judging its grammar, which JSON.parse does afterwards: only strings and structure matter here.
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

// The place, in the array that is tolerated, of the element that is being read.
function elementOf([outermost, array, element]: readonly Container[], tolerance: ElementTolerance): number | undefined {
  const isInside = element !== undefined && outermost?.last === tolerance.array && array?.names === undefined
  return isInside && array ? array.members - 1 : undefined
}

function decodeName(encoded: string): string {
  if (!encoded.includes('\\')) return encoded.slice(1, -1)
  try {
    return JSON.parse(encoded) as string
  } catch {
    throw new StrictJsonError('malformed', 'is not JSON')
  }
}
