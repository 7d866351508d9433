import { AuthError, type Clock, type RemoteKeySetOptions } from '@claimgate/core/extend'
import { importJWK, type JSONWebKeySet, type CryptoKey } from 'jose'

import type { SimulatedKeySet } from './simulation.ts'

/** Possible mistakes of a cache. The judges must detect each of them. */
export type Flaw =
  /** The cool-down starts with a success, so failures are not counted. */
  | 'counts_successes_only'
  /** A set past its freshness is not used. */
  | 'serves_nothing_stale'
  /** A failed fetch discards the set. */
  | 'forgets_on_failure'
  /** An unknown key is refused instead of reported as unavailable. */
  | 'refuses_when_unsure'
  /** A set younger than the cool-down denies every key that it does not contain. */
  | 'believes_young_sets'
  /** The age of an answer in caches is ignored. */
  | 'ignores_caches'
  /** The first fetch starts a cool-down. */
  | 'counts_the_cold_fetch'
  /** New keys are added to the old ones. */
  | 'merges'
  /** Every request starts its own fetch. */
  | 'shares_nothing'
  /** A set is used without limit while the endpoint is down. */
  | 'never_expires'
  /** An unknown key ID triggers no fetch: only age does. */
  | 'ignores_unknown_kids'
  /** Known keys wait for any fetch in progress. */
  | 'waits_with_known_keys'
  /** There is no cool-down. */
  | 'waits_not_between'
  /** After a few failures it stops trying. */
  | 'gives_up_for_good'
  /** An unknown key ID returns any key. */
  | 'accepts_unknown_keys'
  /** A fetch has no deadline. */
  | 'has_no_deadline'

const COOLDOWN = 30_000
const DEADLINE = 5000
const SOFT_WAIT = 1000

/** A minimal cache with a selected flaw, which shows that the judges detect it. */
export function simpleKeySet(uri: string, { clock, fetch }: RemoteKeySetOptions, flaw: Flaw): SimulatedKeySet {
  if (!clock || !fetch) throw new TypeError('A simulation has its own clock and network')
  let keys = new Map<string, CryptoKey>()
  let fetchedAt = -Infinity
  let cachedFor = 0
  let triedAt = -Infinity
  let failures = 0
  let underWay: Promise<void> | undefined
  const age = (): number => (clock.monotonic() - fetchedAt) / 1000

  const load = async (): Promise<void> => {
    const startedAt = clock.monotonic()
    const isCold = fetchedAt === -Infinity
    triedAt = startedAt
    const deadline = new AbortController()
    const longest = flaw === 'has_no_deadline' ? 8 * DEADLINE : DEADLINE
    const cancel = clock.setTimeout(() => deadline.abort(new Error('deadline')), longest)
    try {
      const response = await fetch(uri, { method: 'GET', headers: {}, redirect: 'manual', signal: deadline.signal })
      const set = (await new Response(response.body as ReadableStream).json()) as JSONWebKeySet
      const next = flaw === 'merges' ? new Map(keys) : new Map<string, CryptoKey>()
      for (const jwk of set.keys) next.set(jwk.kid ?? '', (await importJWK(jwk, 'ES256')) as CryptoKey)
      keys = next
      fetchedAt = startedAt
      cachedFor = flaw === 'ignores_caches' ? 0 : Number(response.headers.get('age') ?? 0) * 1000
      if (isCold && flaw !== 'counts_the_cold_fetch') triedAt = -Infinity
      failures = 0
    } catch (error) {
      failures += 1
      if (flaw === 'forgets_on_failure') keys = new Map()
      throw error
    } finally {
      cancel()
    }
  }

  const join = async (): Promise<void> => {
    if (flaw === 'shares_nothing') return load()
    underWay ??= load().finally(() => {
      underWay = undefined
    })
    return underWay
  }

  const mayFetch = (): boolean => {
    if (underWay || flaw === 'shares_nothing' || flaw === 'waits_not_between') return true
    if (flaw === 'gives_up_for_good' && failures >= 3) return false
    const last = flaw === 'counts_successes_only' ? fetchedAt : triedAt
    return clock.monotonic() - last >= COOLDOWN
  }

  const find = (kid: string): CryptoKey | undefined => {
    const longest = flaw === 'serves_nothing_stale' ? 600 : 4200
    if (flaw !== 'never_expires' && age() >= longest) return undefined
    return keys.get(kid) ?? (flaw === 'accepts_unknown_keys' ? [...keys.values()][0] : undefined)
  }

  return {
    resolve: async ({ kid }, { issuedBefore = Infinity } = {}) => {
      let failed = false
      const note = (): void => {
        failed = true
      }
      if (flaw === 'waits_with_known_keys' && underWay) await underWay.catch(note)
      const wanted = age() >= 600 || (!find(kid) && flaw !== 'ignores_unknown_kids')
      if (wanted && mayFetch()) {
        const loading = join().catch(note)
        if (find(kid)) await Promise.race([loading, timer(clock, SOFT_WAIT)])
        else await loading
      }
      const key = find(kid)
      if (key) return key
      const requestedAt = clock.now() - age() * 1000 - cachedFor
      const isOlder = flaw === 'believes_young_sets' ? age() < COOLDOWN / 1000 : issuedBefore * 1000 < requestedAt
      const sure = flaw === 'refuses_when_unsure' || flaw === 'ignores_unknown_kids' || (!failed && isOlder)
      throw new AuthError(sure ? 'key_not_found' : 'keys_unavailable')
    },
  }
}

async function timer(clock: Clock, milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    clock.setTimeout(resolve, milliseconds)
  })
}
