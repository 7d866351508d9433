import { AuthError } from '../errors/auth-error.ts'
import type { Claims } from '../model/token.ts'
import { assertText } from './registered-claims.ts'

export interface ScopeRules {
  /** Claims to read scopes from, all of them. */
  readonly sources: readonly string[]
  /** What each scope implies, directly. */
  readonly hierarchy: ReadonlyMap<string, readonly string[]>
  /** Most scope words of a token. */
  readonly limit: number
}

/**
 * The whole scope words a token grants (RFC 6749 section 3.3, RFC 9068 section 2.2.3), and those they imply. A source may be
 * a string of words separated by spaces or an array of words.
 *
 * @throws AuthError `claim_malformed`
 */
export function scopesOf(claims: Claims, { sources, hierarchy, limit }: ScopeRules): ReadonlySet<string> {
  const words = new Set<string>()
  let count = 0
  for (const source of sources) {
    if (!Object.hasOwn(claims, source)) continue
    for (const word of wordsOf(source, claims[source])) {
      count += 1
      if (count > limit)
        throw new AuthError('claim_malformed', { expected: `at most ${limit} scopes`, actual: `more in ${source}` })
      words.add(word)
    }
  }
  // A Set visits what is added to it while it is walked, so implied scopes bring theirs.
  if (hierarchy.size > 0) for (const word of words) for (const implied of hierarchy.get(word) ?? []) words.add(implied)
  return words
}

function wordsOf(source: string, value: unknown): readonly string[] {
  if (Array.isArray(value)) {
    for (const word of value) assertText(source, word)
    return value as readonly string[]
  }
  assertText(source, value)
  return value.split(' ').filter((word) => word !== '')
}
