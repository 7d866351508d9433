import type { CryptoKey } from 'jose'
import { checkConfirmation } from '../confirmation/binding.ts'
import { asError } from '../errors/auth-error.ts'
import { type KeyContext, type KeySource, possibleKeys } from '../keys/key-source.ts'
import { sizeInMemory } from '../model/memory.ts'
import { type RecentMap, recentMap } from '../model/recent-map.ts'
import type { Clock } from '../model/runtime.ts'
import type { JoseHeader, VerifiedToken } from '../model/token.ts'
import { ignoreRejection } from '../model/values.ts'
import type { ResolvedTokenCache } from './options.ts'
import type { ResolvedPolicy } from './policy.ts'
import {
  type Acceptance,
  checkedToken,
  type JwtRules,
  jwtVerifier,
  keyContext,
  refuseWithoutKey,
  type TokenContext,
  type TokenVerifier,
} from './steps.ts'

interface Entry extends Acceptance {
  /** Monotonic milliseconds. */
  readonly acceptedAt: number
}

/**
 * Verifies as `jwtVerifier` does, and spares a token it has accepted the parsing and the signature. It gives the same answer: the policy
 * and the key are asked for again, and must be the very ones; times, predicates, confirmations, the schema and the token checks are
 * gone through again. Refusals are not remembered.
 */
export function cachedVerifier<C extends object>(
  rules: JwtRules<C>,
  { maxEntries, maxBytes, maxAge }: ResolvedTokenCache,
  clock: Pick<Clock, 'monotonic'>,
): TokenVerifier<C> {
  let made: RecentMap<string, Entry> | undefined
  const longest = maxAge * 1000

  const find = (token: string): Entry | undefined => {
    if (made === undefined || typeof token !== 'string') return undefined
    const entry = made.get(nameOf(token))
    // Whoever knows the end of a token may put anything before it.
    if (entry?.verified.token !== token) return undefined
    return clock.monotonic() - entry.acceptedAt < longest ? entry : undefined
  }

  const remember = (acceptance: Acceptance): void => {
    // An idle verifier needs no room.
    made ??= recentMap(Math.min(maxEntries, Math.ceil(maxBytes / BYTES_OF_ENTRY)), { most: maxBytes, of: bytesOf })
    made.set(nameOf(acceptance.verified.token), { ...acceptance, acceptedAt: clock.monotonic() })
  }

  const jwts = jwtVerifier(rules, remember)

  const verifyAgain = (entry: Entry, context: TokenContext): VerifiedToken<C> | Promise<VerifiedToken<C>> => {
    for (const claimCheck of entry.policy.momentaryChecks) claimCheck.check(entry.verified, context)
    checkConfirmation(entry.verified.claims, context.confirmations)
    return checkedToken(entry.verified, rules)
  }

  // Where the policy or the key has to be waited for, or is another one. What has been asked for is not asked for again.
  const verifyLater = async (
    { verified, policy: former }: Entry,
    selected: ResolvedPolicy | Promise<ResolvedPolicy>,
    context: TokenContext,
  ): Promise<VerifiedToken<C>> => {
    try {
      const policy = await selected
      // It may not allow the algorithm, and then the key must not be asked for.
      if (policy !== former)
        return await jwts.verifyOn(verified.token, { policy, possible: undefined, about: undefined }, context)
      const about = keyContext(verified.claims, policy)
      const possible = await keysFor(verified, policy.keys, about).catch((error: unknown) =>
        refuseWithoutKey(error, verified, policy, context),
      )
      const entry = find(verified.token)
      // The key that verified it must still be one of those that may.
      return await (entry?.policy === policy && possible.includes(entry.key)
        ? verifyAgain(entry, context)
        : jwts.verifyOn(verified.token, { policy, possible, about }, context))
    } catch (error) {
      throw asError(error)
    }
  }

  return {
    verify: (token, context) => {
      const entry = find(token)
      if (entry === undefined) return jwts.verify(token, context)
      const policy = rules.policies.select(entry.verified.claims)
      const key = policy === entry.policy ? policy.keys.current?.(entry.verified.header) : undefined
      if (key === entry.key) return verifyAgain(entry, context)
      ignoreRejection(key)
      return verifyLater(entry, policy, context)
    },
  }
}

async function keysFor({ header }: VerifiedToken, keys: KeySource, about: KeyContext): Promise<readonly CryptoKey[]> {
  const current = keys.current?.(header)
  return current === undefined ? possibleKeys(keys, header, about) : [current]
}

// A short end makes a fast key; find compares the whole. It is signature, which nobody can choose.
const NAME_LENGTH = 43

function nameOf(token: string): string {
  return token.slice(-NAME_LENGTH)
}

/** The token, what was made of it and what the cache itself keeps for an entry, roughly. */
function bytesOf({ verified: { token, claims, header, scopes } }: Entry): number {
  return BYTES_OF_ENTRY + token.length + sizeInMemory(claims) + scopes.size * BYTES_OF_SCOPE + sizeOfHeader(header)
}

const BYTES_OF_ENTRY = 704
const BYTES_OF_SCOPE = 64

// Most tokens share one header. One with other members may be of its own token alone.
function sizeOfHeader(header: JoseHeader): number {
  const isUsual = Object.keys(header).every((name) => USUAL_MEMBERS.has(name))
  return sizeInMemory(isUsual ? header.kid : header)
}

const USUAL_MEMBERS: ReadonlySet<string> = new Set(['alg', 'kid', 'typ'])
