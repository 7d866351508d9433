import { AuthError, overLimit } from '../errors/auth-error.ts'
import { type ClaimPath, nameOfPath } from '../model/claim-path.ts'
import { recentMap } from '../model/memory.ts'
import type { Claims } from '../model/token.ts'
import { isObject, valueAt } from '../model/values.ts'
import { assertText } from './claim-checks.ts'

/** An immutable set of scopes or roles. `Object.freeze` is not enough, because it does not stop `Set.prototype.add`. */
class ReadonlyScopes extends Set<string> {
  constructor(scopes: Iterable<string>) {
    super()
    for (const scope of scopes) super.add(scope)
    Object.freeze(this)
  }

  override add(): never {
    throw new TypeError(UNCHANGEABLE)
  }

  override delete(): never {
    throw new TypeError(UNCHANGEABLE)
  }

  override clear(): never {
    throw new TypeError(UNCHANGEABLE)
  }
}

const UNCHANGEABLE = 'The scopes and roles of a verified token cannot be changed'

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

/** The scopes in a scope text; `source` is its claim. Throws `AuthError` `claim_malformed`. */
export type TextReader = (source: ClaimPath, value: unknown) => ScopeText

/** A scope text as words, and as the set of a token that has no other scopes. */
interface ScopeText {
  readonly words: readonly string[]
  readonly scopes: ReadonlySet<string>
}

/** Creates a reader for the given rules. */
export function scopeReader({ sources, hierarchy, limit }: ScopeRules, textReader: TextReader): ScopeReader {
  return (claims) => {
    let words: readonly string[] = NONE
    let only: ReadonlySet<string> | undefined
    for (const source of sources) {
      const value = valueAt(claims, source)
      // Some issuers write null for "no scope". In any other claim, null is an error.
      if (value === undefined || (value === null && source === 'scope')) continue
      const isFirst = words.length === 0
      const more = Array.isArray(value)
        ? { words: arrayWords(source, value), scopes: undefined }
        : textReader(source, value)
      words = isFirst ? more.words : [...words, ...more.words]
      only = isFirst ? more.scopes : undefined
      if (words.length > limit)
        throw overLimit('claim_too_long', { limit: 'scopes', most: limit, unit: 'scopes', actual: words.length })
    }
    if (hierarchy.size > 0) return new ReadonlyScopes(withImplied(words, hierarchy))
    return only ?? new ReadonlyScopes(words)
  }
}

const NONE: readonly string[] = []
const MOST_TEXTS = 256
const LONGEST_TEXT = 512

/** Caches the scopes of scope texts, because the tokens of an API repeat the same few. All issuers share one cache. */
export function scopeTexts(): TextReader {
  const texts = recentMap<string, ScopeText>(MOST_TEXTS)
  return (source, value) => {
    const known = typeof value === 'string' ? texts.get(value) : undefined
    if (known !== undefined) return known
    assertText(nameOfPath(source), value)
    const words = value.split(' ').filter((word) => word !== '')
    const made = { words, scopes: new ReadonlyScopes(words) }
    if (value.length <= LONGEST_TEXT) texts.set(value, made)
    return made
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

// With any other value, such as `admin: false`, the name may not be a role that is granted.
function rolesOf(source: ClaimPath, given: object, counts?: (granted: object) => boolean): readonly string[] {
  return Object.entries(given as Readonly<Record<string, unknown>>).flatMap(([role, where]) => {
    if (!isObject(where)) throw notAnObject(source, where)
    return counts === undefined || counts(where) ? [role] : []
  })
}

function notAnObject(source: ClaimPath, actual: unknown): AuthError {
  return new AuthError('claim_malformed', { expected: `${nameOfPath(source)}: an object for each role`, actual })
}

/**
 * Reads the roles of a token from one claim: a list of roles, a text that is one role, or an object whose names are roles and whose
 * values are objects, as Zitadel writes them.
 *
 * Throws `AuthError` `claim_malformed`, `claim_too_long`.
 */
export function roleReader(
  source: ClaimPath | undefined,
  limit: number,
  counts?: (granted: object) => boolean,
): ScopeReader {
  const none: ReadonlySet<string> = new ReadonlyScopes(NONE)
  if (source === undefined) return () => none
  return (claims) => {
    const value = valueAt(claims, source) ?? undefined
    if (value === undefined || value === '') return none
    const isText = typeof value !== 'object'
    // A text or a list does not say where a role was granted.
    if (counts !== undefined && (isText || Array.isArray(value))) throw notAnObject(source, value)
    const roles = arrayWords(source, isText ? [value] : Array.isArray(value) ? value : rolesOf(source, value, counts))
    if (roles.length > limit)
      throw overLimit('claim_too_long', { limit: 'scopes', most: limit, unit: 'roles', actual: roles.length })
    return new ReadonlyScopes(roles)
  }
}
