import {
  afterFailure,
  afterStart,
  afterSuccess,
  answeredWithin,
  type AttemptHistory,
  AuthError,
  bare,
  createClaimsVerifier,
  defaultSharing,
  fetchDocument,
  FetchError,
  nextAttemptAt,
  NO_ATTEMPTS,
  recentMap,
  retrySeconds,
} from '../adapter.ts'
import type { ResolvedStatusListOptions } from './options.ts'
import {
  longestToken,
  readStatusList,
  type StatusList,
  StatusListError,
  type StatusListRules,
} from './status-list-token.ts'

/** A list to get, and what it must be. */
type Wanted = Pick<StatusListRules, 'keys' | 'algorithms' | 'uri' | 'issuer'> & { readonly url: URL }

/** The status lists in memory. */
export interface StatusLists {
  /** The list, fetched if it is missing or old. @throws AuthError `check_unavailable` */
  get(wanted: Wanted): Promise<StatusList>
}

/** What is known of one list. Times are monotonic milliseconds. */
interface Entry {
  list: StatusList | undefined
  fetchedAt: number
  history: AttemptHistory
  /** The fetch under way, which requests share. */
  fetching: Promise<StatusList> | undefined
}

const LIMITS = { cooldown: 0, fetchesPerMinute: 10 }
const FAILED = 'The last fetch has failed, and the next one is not due'
const LIMITED = `The list was fetched ${LIMITS.fetchesPerMinute} times in a minute, and the next fetch is not due`
const ATTEMPT = { cause: 'age', freshness: 'cold' } as const
const MOST_BYTES = 67_108_864
const LONGEST_TTL = 86_400
/** Seconds that a request waits for a newer list, if there is an old one. */
const SOFT_WAIT = 1

/** Fetches lists like key sets: one fetch at a time for each, bounded attempts, and old lists while a fetch fails. */
export function statusLists(options: ResolvedStatusListOptions): StatusLists {
  const { clock, fetch, timeout, maxBytes, maxLists, maxAge, staleOnError, clockTolerance } = options
  const entries = recentMap<string, Entry>(maxLists, MOST_BYTES)
  const times = createClaimsVerifier({ issuer: null, audience: null, requiredClaims: ['iat'], clockTolerance, clock })
  const sharesPromises = defaultSharing() === 'promise'

  const entryOf = (name: string): Entry => {
    const known = entries.get(name)
    if (known !== undefined) return known
    const entry: Entry = { list: undefined, fetchedAt: -Infinity, history: NO_ATTEMPTS, fetching: undefined }
    entries.set(name, entry)
    return entry
  }

  /** Seconds that the list of an entry may still be used, without and with an error. */
  const secondsLeft = ({ list, fetchedAt }: Entry): { readonly fresh: number; readonly stale: number } => {
    if (list === undefined) return { fresh: 0, stale: 0 }
    const untilExpiry = (list.exp ?? Infinity) + clockTolerance - clock.now() / 1000
    const fresh = Math.min(list.ttl ?? maxAge, LONGEST_TTL) - (clock.monotonic() - fetchedAt) / 1000
    return { fresh: Math.min(fresh, untilExpiry), stale: Math.min(fresh + staleOnError, untilExpiry) }
  }

  const fetched = async ({ url, ...rules }: Wanted): Promise<StatusList> => {
    const begun = clock.monotonic()
    const { text } = await fetchDocument(
      url,
      bare({ fetch, clock, timeout, maxBytes: longestToken(maxBytes), accept: 'application/statuslist+jwt' }),
    )
    const seconds = Math.max(0, timeout - (clock.monotonic() - begun) / 1000)
    // Keys may have to be fetched, too.
    return answeredWithin(
      { late: () => new StatusListError('The status list was not verified in time'), seconds, clock },
      async () => readStatusList(text.trim(), { ...rules, maxBytes, times }),
    )
  }

  const refresh = async (entry: Entry, name: string, wanted: Wanted): Promise<StatusList> => {
    const startedAt = clock.monotonic()
    entry.history = afterStart(entry.history, 'age', LIMITS, startedAt)
    try {
      const list = await fetched(wanted)
      Object.assign(entry, { list, fetchedAt: startedAt, history: afterSuccess(entry.history, 'warm') })
      entries.set(name, entry, list.bytes.length)
      return list
    } catch (error) {
      const retryAfter = error instanceof FetchError ? error.retryAfter : undefined
      entry.history = afterFailure(entry.history, { startedAt, retryAfter, random: Math.random() }, clock.monotonic())
      throw unavailable(reasonOf(error), entry.history.notBefore - clock.monotonic())
    } finally {
      entry.fetching = undefined
    }
  }

  const shared = (entry: Entry, name: string, wanted: Wanted): Promise<StatusList> => {
    if (entry.fetching !== undefined) return entry.fetching
    const fetching = refresh(entry, name, wanted)
    if (sharesPromises) entry.fetching = fetching
    // A request that does not wait for it must not leave a rejection unhandled.
    fetching.catch(() => {})
    return fetching
  }

  return {
    get: async (wanted) => {
      const name = JSON.stringify([wanted.issuer ?? null, wanted.uri])
      const entry = entryOf(name)
      const { fresh, stale } = secondsLeft(entry)
      const { list } = entry
      if (list !== undefined && fresh > 0) return list
      const old = stale > 0 ? list : undefined
      const wait = entry.fetching
        ? 0
        : nextAttemptAt(entry.history, ATTEMPT, LIMITS, clock.monotonic()) - clock.monotonic()
      if (wait > 0) {
        if (old !== undefined) return old
        throw unavailable(new StatusListError(entry.history.failures > 0 ? FAILED : LIMITED), wait)
      }
      const fetching = shared(entry, name, wanted)
      if (old === undefined) return fetching
      const late = (): StatusListError => new StatusListError('The newer list is late')
      return answeredWithin({ late, seconds: SOFT_WAIT, clock }, () => fetching).catch(() => old)
    },
  }
}

// The message of `fetchDocument` is about key sets.
function reasonOf(error: unknown): unknown {
  if (!(error instanceof FetchError)) return error
  const { reason, status, content } = error
  if (content === 'web_page') return new StatusListError('The answer is a web page, not a status list')
  if (reason === 'too_large') return new StatusListError('The status list is larger than "maxBytes" allows')
  if (reason === 'status') return new StatusListError(`The status list was answered with status ${status}, not 200`)
  return error
}

function unavailable(cause: unknown, milliseconds: number): AuthError {
  return new AuthError('check_unavailable', {
    actual: 'the status list',
    cause,
    retryAfter: retrySeconds(milliseconds),
  })
}
