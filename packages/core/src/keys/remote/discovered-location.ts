import {
  afterFailure,
  afterStart,
  afterSuccess,
  nextAttemptAt,
  NO_ATTEMPTS,
  type AttemptLimits,
} from './attempt-history.ts'
import { freshSeconds } from '../fetch/cache-control.ts'
import type { FetchedDocument } from '../fetch/fetch-document.ts'
import { FetchError } from '../fetch/fetch-error.ts'
import { lifetime } from './held-set.ts'
import { keyAddress, type MetadataRules } from './issuer-metadata.ts'
import type { Errand, FetchStep, KeyLocation } from './key-location.ts'
import { metadataUris } from './metadata-uris.ts'
import { freshnessAt, type Lifetime } from './refresh-policy.ts'
import { retrySeconds } from './keys-unavailable.ts'
import type { ResolvedKeySetOptions } from './remote-key-set-options.ts'

const LARGEST_METADATA = 262_144
const DEFAULT_METADATA = 65_536

interface Found extends Lifetime {
  readonly address: URL
}

/**
 * Where an issuer's metadata says its keys are. Metadata is asked for within a fetch of the keys and at most once in
 * it, so that the bounds on fetches hold for its address as well. A token that names what the set does not have makes it
 * ask again, too: keys may have moved while their old address still answers.
 */
export function discoveredLocation(
  rules: Omit<MetadataRules, 'plainHttp'>,
  options: ResolvedKeySetOptions,
): KeyLocation {
  const { clock, random, plainHttp } = options
  const limits: AttemptLimits = { cooldown: options.cooldown * 1000, fetchesPerMinute: options.fetchesPerMinute }
  const maxBytes = Math.min(Math.max(options.maxBytes, DEFAULT_METADATA), LARGEST_METADATA)
  const uris = metadataUris(rules.url)
  const [place = rules.url] = uris
  let found: Found | undefined
  let history = NO_ATTEMPTS
  let suspect = false

  const ask = async (fetch: FetchStep): Promise<Found> => {
    const confirmedAt = clock.monotonic()
    const { text, headers } = await firstAnswer(uris, async (uri) => fetch(uri, { maxBytes, etag: undefined }))
    const address = keyAddress(text, { ...rules, plainHttp })
    return { ...lifetime(confirmedAt, freshSeconds(headers), options), address }
  }

  const locate = async ({ cause, fetch, onStale }: Errand): Promise<URL> => {
    const startedAt = clock.monotonic()
    const freshness = freshnessAt(startedAt, found)
    const usable = found && freshness !== 'expired' ? found : undefined
    const doubted = suspect || (cause === 'token' && usable && startedAt >= usable.confirmedAt + limits.cooldown)
    if (usable && freshness === 'fresh' && !doubted) return usable.address
    // Keys that are known to be somewhere need not wait for metadata that keeps failing.
    const mayAsk = nextAttemptAt(history, { cause, freshness }, limits, startedAt) <= startedAt
    if (usable && !mayAsk) return usable.address
    try {
      history = afterStart(history, cause, limits, startedAt)
      found = await ask(fetch)
      suspect = false
      history = afterSuccess(history)
      return found.address
    } catch (error) {
      const { reason, retryAfter } = error instanceof FetchError ? error : { reason: 'network' as const }
      const now = clock.monotonic()
      history = afterFailure(history, { startedAt, retryAfter, random: random() }, now)
      if (!usable) throw error
      const wait = nextAttemptAt(history, { cause: 'age', freshness }, limits, now) - now
      const age = (now - usable.confirmedAt) / 1000
      onStale({ uri: place.href, age, reason, retryAfter: retrySeconds(wait) })
      return usable.address
    }
  }

  return {
    id: rules.issuer,
    locate,
    onFailure: () => {
      suspect = true
    },
  }
}

// Only "there is nothing here" leads on to the next address; garbage, a mismatch or an outage does not.
async function firstAnswer(
  [first, ...others]: readonly URL[],
  ask: (uri: URL) => Promise<FetchedDocument>,
  asked: readonly URL[] = [],
): Promise<FetchedDocument> {
  if (!first) throw new FetchError('status', 'No metadata was found')
  const all = [...asked, first]
  try {
    return await ask(first)
  } catch (error) {
    if (!(error instanceof FetchError)) throw error
    const isAbsent = error.status !== undefined && ABSENT.has(error.status)
    if (!isAbsent || others.length === 0) throw naming(all, error)
    return firstAnswer(others, ask, all)
  }
}

const ABSENT: ReadonlySet<number> = new Set([400, 401, 403, 404, 405, 410, 501])

function naming(asked: readonly URL[], error: FetchError): FetchError {
  const { reason, message, status, retryAfter } = error
  const places = asked.map(({ href }) => href).join(', ')
  return new FetchError(reason, `No metadata from ${places}: ${message}`, { cause: error, status, retryAfter })
}
