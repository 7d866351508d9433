import { overLimit } from '../errors/auth-error.ts'
import { type ClaimPath, nameOfPath, valueAt } from '../model/claim-path.ts'
import { recentMap } from '../model/recent-map.ts'
import type { Claims } from '../model/token.ts'
import { assertText } from './registered-claims.ts'

/** An immutable set of scopes. `Object.freeze` is not enough, because it does not stop `Set.prototype.add`. */
class ReadonlyScopes extends Set<string> {
  constructor(scopes: Iterable<string>) {
    super()
    for (const scope of scopes) super.add(scope)
    Object.freeze(this)
  }

  override add(): never {
    throw new TypeError('The scopes of a verified token cannot be changed')
  }

  override delete(): never {
    throw new TypeError('The scopes of a verified token cannot be changed')
  }

  override clear(): never {
    throw new TypeError('The scopes of a verified token cannot be changed')
  }
}

export interface ScopeRules {
  /** Claims to read scopes from. All of them are read. */
  readonly sources: readonly ClaimPath[]
  /** The scopes that each scope directly includes. */
  readonly hierarchy: ReadonlyMap<string, readonly string[]>
  /** Most scope words of a token. */
  readonly limit: number
}

/**
 * Reads the scopes that a token grants (RFC 6749 section 3.3, RFC 9068 section 2.2.3), and the scopes they include. A source may be
 * a string of words separated by spaces or an array of words.
 *
 * Throws `AuthError` `claim_malformed`, `claim_too_long`.
 */
export type ScopeReader = (claims: Claims) => ReadonlySet<string>

/** Splits a scope text into words; `source` is its claim. Throws `AuthError` `claim_malformed`. */
export type TextReader = (source: ClaimPath, value: unknown) => readonly string[]

/** Creates a reader for the given rules. */
export function scopeReader({ sources, hierarchy, limit }: ScopeRules, textWords: TextReader): ScopeReader {
  return (claims) => {
    let words: readonly string[] = NONE
    for (const source of sources) {
      const value = valueAt(claims, source)
      // Some issuers write null for "no scope". In any other claim, null is an error.
      if (value === undefined || (value === null && source === 'scope')) continue
      const more = Array.isArray(value) ? arrayWords(source, value) : textWords(source, value)
      words = words.length === 0 ? more : [...words, ...more]
      if (words.length > limit)
        throw overLimit('claim_too_long', { limit: 'scopes', most: limit, unit: 'scopes', actual: words.length })
    }
    return new ReadonlyScopes(hierarchy.size === 0 ? words : withImplied(words, hierarchy))
  }
}

const NONE: readonly string[] = []
const MOST_TEXTS = 256
const LONGEST_TEXT = 512

interface KnownText {
  readonly text: string
  readonly words: readonly string[]
}

/** Caches the words of scope texts, because the tokens of an API repeat the same few. All issuers share one cache. */
export function wordCache(): TextReader {
  const texts = recentMap<string, KnownText>(MOST_TEXTS)
  let last: KnownText | undefined
  return (source, value) => {
    if (last !== undefined && last.text === value) return last.words
    const known = typeof value === 'string' ? texts.get(value) : undefined
    if (known !== undefined) {
      last = known
      return known.words
    }
    assertText(nameOfPath(source), value)
    const words = value.split(' ').filter((word) => word !== '')
    if (value.length <= LONGEST_TEXT) texts.set(value, { text: value, words })
    return words
  }
}

function arrayWords(source: ClaimPath, values: readonly unknown[]): readonly string[] {
  const name = nameOfPath(source)
  for (const word of values) assertText(name, word)
  return values as readonly string[]
}

function withImplied(words: readonly string[], hierarchy: ReadonlyMap<string, readonly string[]>): ReadonlySet<string> {
  const all = new Set(words)
  // Iterating a Set also visits words added during the loop, so nested hierarchies are followed.
  for (const word of all) for (const implied of hierarchy.get(word) ?? []) all.add(implied)
  return all
}
