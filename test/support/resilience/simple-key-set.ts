import { AuthError, type Clock, type RemoteKeySetOptions } from '@claimgate/core/extend'
import { importJWK, type JSONWebKeySet, type CryptoKey } from 'jose'

import type { SimulatedKeySet } from './simulation.ts'

/** What a cache may get wrong. Each of them must be seen by the judges. */
export type Flaw =
  /** The cool-down begins with a success, so that failures are not counted. */
  | 'counts_successes_only'
  /** A set past its freshness is of no use. */
  | 'serves_nothing_stale'
  /** A fetch that fails takes the set along. */
  | 'forgets_on_failure'
  /** What could not be asked is refused instead of unavailable. */
  | 'refuses_when_unsure'
  /** A set younger than the cool-down denies whatever it does not have. */
  | 'believes_young_sets'
  /** What an answer has spent in caches makes no difference. */
  | 'ignores_caches'
  /** The first fetch begins a cool-down. */
  | 'counts_the_cold_fetch'
  /** New keys are added to the old ones. */
  | 'merges'
  /** Every request fetches for itself. */
  | 'shares_nothing'
  /** A set is used for ever while the endpoint is down. */
  | 'never_expires'
  /** An unknown key ID makes no difference: only age does. */
  | 'ignores_unknown_kids'
  /** Known keys wait for whatever fetch is under way. */
  | 'waits_with_known_keys'
  /** There is no cool-down. */
  | 'waits_not_between'
  /** After a few failures it tries no more. */
  | 'gives_up_for_good'
  /** A key ID that is unknown gets whatever key there is. */
  | 'lets_strangers_in'
  /** A fetch may take as long as it likes. */
  | 'has_no_deadline'

const COOLDOWN = 30_000
const DEADLINE = 5000
const SOFT_WAIT = 1000

/** The shortest cache one might write, with a flaw of choice: to show that the judges see it. */
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
    return keys.get(kid) ?? (flaw === 'lets_strangers_in' ? [...keys.values()][0] : undefined)
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
