import {
  afterFailure,
  afterStart,
  afterSuccess,
  nextAttemptAt,
  NO_ATTEMPTS,
  type AttemptLimits,
} from './attempt-history.ts'
import { freshSeconds } from '../fetch/cache-control.ts'
import { FetchError } from '../fetch/fetch-error.ts'
import { lifetime } from './held-set.ts'
import { keyAddress, type MetadataRules } from './issuer-metadata.ts'
import type { FetchStep, KeyLocation } from './key-location.ts'
import { metadataUris } from './metadata-uris.ts'
import { freshnessAt, type Lifetime } from './refresh-policy.ts'
import type { ResolvedKeySetOptions } from './remote-key-set-options.ts'

const LARGEST_METADATA = 262_144
const DEFAULT_METADATA = 65_536

interface Found extends Lifetime {
  readonly address: URL
}

/**
 * Where an issuer's metadata says its keys are. Metadata is asked for within a fetch of the keys and at most once in
 * it, so that the bounds on fetches hold for its address as well.
 */
export function discoveredLocation(
  rules: Omit<MetadataRules, 'plainHttp'>,
  options: ResolvedKeySetOptions,
): KeyLocation {
  const { clock, random, plainHttp } = options
  const limits: AttemptLimits = { cooldown: options.cooldown * 1000, fetchesPerMinute: options.fetchesPerMinute }
  const maxBytes = Math.min(Math.max(options.maxBytes, DEFAULT_METADATA), LARGEST_METADATA)
  const uris = metadataUris(rules.url)
  let found: Found | undefined
  let history = NO_ATTEMPTS
  let suspect = false

  const ask = async (fetch: FetchStep): Promise<Found> => {
    const confirmedAt = clock.monotonic()
    const { text, headers } = await firstAnswer(uris, async (uri) => fetch(uri, { maxBytes, etag: undefined }))
    const address = keyAddress(text, { ...rules, plainHttp })
    return { ...lifetime(confirmedAt, freshSeconds(headers), options), address }
  }

  const locate = async (fetch: FetchStep): Promise<URL> => {
    const startedAt = clock.monotonic()
    const freshness = freshnessAt(startedAt, found)
    const usable = found && freshness !== 'expired' ? found.address : undefined
    if (usable && freshness === 'fresh' && !suspect) return usable
    // Keys that are known to be somewhere need not wait for metadata that keeps failing.
    const mayAsk = nextAttemptAt(history, { cause: 'age', freshness }, limits, startedAt) <= startedAt
    if (usable && !mayAsk) return usable
    try {
      history = afterStart(history, 'age', limits, startedAt)
      found = await ask(fetch)
      suspect = false
      history = afterSuccess(history)
      return found.address
    } catch (error) {
      const retryAfter = error instanceof FetchError ? error.retryAfter : undefined
      history = afterFailure(history, { startedAt, retryAfter, random: random() }, clock.monotonic())
      if (usable) return usable
      throw error
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
async function firstAnswer<T>([first, ...others]: readonly URL[], ask: (uri: URL) => Promise<T>): Promise<T> {
  if (!first) throw new FetchError('status', 'No metadata was found')
  try {
    return await ask(first)
  } catch (error) {
    const isAbsent = error instanceof FetchError && error.status !== undefined && ABSENT.has(error.status)
    if (!isAbsent || others.length === 0) throw error
    return firstAnswer(others, ask)
  }
}

const ABSENT: ReadonlySet<number> = new Set([400, 401, 403, 404, 405, 410, 501])
