import { bareThrough } from './own.ts'

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

/**
 * Parses JSON from a stranger (RFC 8259): no byte order mark, no member name twice in one object (RFC 7515 section 4,
 * RFC 7519 section 4), no `__proto__`, and bounded size and depth, all checked before `JSON.parse` builds anything. Its objects have no
 * prototype: a member that the text lacks is absent, whatever `Object.prototype` holds.
 *
 * @throws StrictJsonError
 */
export function parseStrictJson(text: string, limits: JsonLimits): unknown {
  if (text.charCodeAt(0) === BYTE_ORDER_MARK) throw new StrictJsonError('malformed', 'starts with a byte order mark')
  checkStructure(text, limits)
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
}

// Walks the text without judging its grammar, which JSON.parse does afterwards: only strings and structure matter here.
function checkStructure(text: string, limits: JsonLimits): void {
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
        addName(open.at(-1), lastString)
        break
      }
      case OPEN_BRACE:
      case OPEN_BRACKET: {
        open.push({ names: text.charCodeAt(index) === OPEN_BRACE ? new Set() : undefined, members: 1 })
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

function addName(container: Container | undefined, encoded: string | undefined): void {
  if (!container?.names || encoded === undefined) return
  const name = decodeName(encoded)
  if (name === '__proto__') throw new StrictJsonError('forbidden_member', 'has a member named __proto__')
  if (container.names.has(name)) throw new StrictJsonError('duplicate_member', 'has a member name twice')
  container.names.add(name)
}

function decodeName(encoded: string): string {
  if (!encoded.includes('\\')) return encoded.slice(1, -1)
  try {
    return JSON.parse(encoded) as string
  } catch {
    throw new StrictJsonError('malformed', 'is not JSON')
  }
}
