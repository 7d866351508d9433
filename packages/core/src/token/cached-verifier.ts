import type { CryptoKey } from 'jose'
import { checkConfirmation } from '../binding/binding.ts'
import { asError } from '../errors/as-error.ts'
import type { KeyContext, KeySource } from '../keys/key-source.ts'
import { possibleKeys } from '../keys/possible-keys.ts'
import type { Clock } from '../model/clock.ts'
import { ignoreRejection } from '../model/ignore-rejection.ts'
import { type RecentMap, recentMap } from '../model/recent-map.ts'
import type { VerifiedToken } from '../model/token.ts'
import type { ResolvedTokenCache } from '../options.ts'
import type { ResolvedPolicy } from '../policy/resolve-policy.ts'
import {
  type Acceptance,
  checkedToken,
  type JwtRules,
  jwtVerifier,
  type TokenContext,
  type TokenVerifier,
} from './jwt-verifier.ts'
import { keyContext, refuseWithoutKey } from './undecided-token.ts'

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
    made ??= recentMap(maxEntries, { most: maxBytes, of: bytesOf })
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

// The text, the claims made of it and the entry, roughly. An object of two characters takes up far more than its text does, and whoever
// may put objects into the claims of an issuer could fill the memory with them.
function bytesOf({ verified }: Entry): number {
  return verified.token.length * 3 + 1024 + containersIn(verified.claims) * BYTES_OF_CONTAINER
}

const BYTES_OF_CONTAINER = 192

// By name, which costs less than the list of values.
function containersIn(value: object): number {
  let containers = 0
  for (const name of Object.keys(value)) {
    const item = (value as Readonly<Record<string, unknown>>)[name]
    if (typeof item === 'object' && item !== null) containers += 1 + containersIn(item)
  }
  return containers
}
