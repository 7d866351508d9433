import type { CryptoKey } from 'jose'
import { type RecentMap, recentMap } from '../model/recent-map.ts'
import { sizeInMemory } from '../model/memory.ts'
import type { Clock } from '../model/runtime.ts'
import type { JoseHeader, VerifiedToken } from '../model/token.ts'
import type { ResolvedTokenCache } from './options.ts'
import type { ResolvedPolicy } from './policy.ts'

/** An accepted token, and what the acceptance depends on. */
export interface Acceptance {
  /** With its claims as signed. */
  readonly verified: VerifiedToken
  readonly policy: ResolvedPolicy
  readonly key: CryptoKey
}

/** An acceptance in the cache. */
export interface Remembered extends Acceptance {
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
  remember(acceptance: Acceptance): void
}

/** A cache within the limits of `tokenCache`. It uses no memory before the first token. */
export function createTokenCache(
  { maxEntries, maxBytes, maxAge }: ResolvedTokenCache,
  clock: Pick<Clock, 'monotonic'>,
): TokenCache {
  let made: RecentMap<string, Remembered> | undefined
  const longest = maxAge * 1000

  const find = (token: string): Remembered | undefined => {
    if (made === undefined || typeof token !== 'string') return undefined
    const entry = made.get(nameOf(token))
    // An attacker can prepend anything to a known suffix.
    if (entry?.verified.token !== token) return undefined
    return clock.monotonic() - entry.acceptedAt < longest ? entry : undefined
  }

  return {
    find,
    holds: (remembered) => find(remembered.verified.token) === remembered,
    remember: (acceptance) => {
      made ??= recentMap<string, Remembered>(Math.min(maxEntries, Math.ceil(maxBytes / BYTES_OF_ENTRY)), {
        most: maxBytes,
        of: bytesOf,
      })
      made.set(nameOf(acceptance.verified.token), { ...acceptance, acceptedAt: clock.monotonic() })
    },
  }
}

// A short suffix makes a fast key, and `find` compares the whole token. The suffix is part of the signature, which callers cannot choose.
const NAME_LENGTH = 43

function nameOf(token: string): string {
  return token.slice(-NAME_LENGTH)
}

/** The approximate size of the token, its parsed parts and the cache's own data for an entry. */
function bytesOf({ verified: { token, claims, header, scopes } }: Acceptance): number {
  return BYTES_OF_ENTRY + token.length + sizeInMemory(claims) + scopes.size * BYTES_OF_SCOPE + sizeOfHeader(header)
}

const BYTES_OF_ENTRY = 704
const BYTES_OF_SCOPE = 64

// Most tokens share one header. A header with other members may be unique to its token.
function sizeOfHeader(header: Partial<JoseHeader> = {}): number {
  const isUsual = Object.keys(header).every((name) => USUAL_MEMBERS.has(name))
  return sizeInMemory(isUsual ? header.kid : header)
}

const USUAL_MEMBERS: ReadonlySet<string> = new Set(['alg', 'kid', 'typ'])
