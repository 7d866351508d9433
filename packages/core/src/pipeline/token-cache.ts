import type { CryptoKey } from 'jose'
import type { ClaimSubject } from '../claims/claim-checks.ts'
import type { Period } from '../claims/times.ts'
import { type RecentMap, recentMap, sizeInMemory } from '../model/memory.ts'
import type { Clock } from '../model/runtime.ts'
import type { VerifiedToken } from '../model/token.ts'
import type { ResolvedTokenCache } from './token-cache-options.ts'
import type { ResolvedPolicy } from './policy.ts'

/** An accepted token, and what the decision depends on. */
export interface Accepted extends Period {
  /** The token with its claims as signed. */
  readonly signed: VerifiedToken & ClaimSubject
  readonly policy: ResolvedPolicy
  readonly key: CryptoKey
}

/**
 * An accepted token in the cache. From `from` until `until` it is accepted again without any step if its key is unchanged. At other times,
 * and if that period is `NEVER`, every step runs that `skipIfRemembered` does not exclude.
 */
export interface Remembered extends Accepted {
  /** The whole token, because only the end of it is the cache key. */
  readonly token: string
  /** Monotonic milliseconds. */
  readonly acceptedAt: number
}

/**
 * Caches accepted tokens, to skip parsing and the signature. The steps check again everything that may have changed: the policy and the key
 * must be the same objects, and times, predicates, confirmations, the schema and the token checks run each time.
 */
export interface TokenCache {
  find(token: string): Remembered | undefined
  /** Whether the entry is still in the cache. */
  holds(remembered: Remembered): boolean
  remember(token: string, accepted: Accepted): void
}

/** A cache within the limits of `tokenCache`. It uses no memory before the first token. */
export function createTokenCache(
  { maxEntries, maxBytes, maxAge }: ResolvedTokenCache,
  clock: Pick<Clock, 'monotonic'>,
): TokenCache {
  let entries: RecentMap<string, Remembered> | undefined

  const find = (token: string): Remembered | undefined => {
    if (entries === undefined || typeof token !== 'string') return undefined
    const entry = entries.get(token.slice(-NAME_LENGTH))
    // An attacker can prepend anything to a known suffix.
    if (entry?.token !== token) return undefined
    return clock.monotonic() - entry.acceptedAt < maxAge * 1000 ? entry : undefined
  }

  return {
    find,
    holds: (remembered) => find(remembered.token) === remembered,
    remember: (token, { signed, policy, key, from, until }) => {
      entries ??= recentMap(Math.min(maxEntries, Math.ceil(maxBytes / ENTRY)), maxBytes)
      const { claims, header, scopes } = signed
      // Most tokens share one header. A header with other members may be unique to its token.
      let unshared: unknown = header.kid
      for (const name of Object.keys(header)) if (!USUAL_MEMBERS.has(name)) unshared = header
      const size = ENTRY + token.length + sizeInMemory(claims) + scopes.size * SCOPE + sizeInMemory(unshared)
      const entry = { token, signed, policy, key, from, until, acceptedAt: clock.monotonic() }
      entries.set(token.slice(-NAME_LENGTH), entry, size)
    },
  }
}

// A short suffix makes a fast key, and `find` compares the whole token. The suffix is part of the signature, which callers cannot choose.
const NAME_LENGTH = 43
// Bytes of the cache's own data for an entry, and of a scope.
const ENTRY = 752
const SCOPE = 64
const USUAL_MEMBERS: ReadonlySet<string> = new Set(['alg', 'kid', 'typ'])
