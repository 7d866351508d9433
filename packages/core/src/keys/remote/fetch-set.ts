import { fetchDocument } from '../fetch/fetch-document.ts'
import { FetchError } from '../fetch/fetch-error.ts'
import { type FetchKind, type FetchTurn, takeTurn } from '../fetch/fetch-queue.ts'
import { ageSeconds, entityTag, freshSeconds } from '../fetch/fields.ts'
import { type KeySet, listSkipped, parseJwkSet } from '../jwk/jwk-set.ts'
import type { Flight } from './flight.ts'
import { type Errand, type FetchStep, type HeldSet, type KeyLocation, lifetime } from './held-set.ts'
import type { ResolvedKeySetOptions } from './options.ts'

/**
 * Runs one attempt: finds the address, fetches the set, and returns the replacement for the current set. If the set is unchanged, the
 * result contains the same object, so imported keys are kept.
 *
 * @throws FetchError for any response that must not replace a good set
 */
export async function fetchSet(
  location: KeyLocation,
  held: HeldSet | undefined,
  errand: Errand,
  options: ResolvedKeySetOptions,
): Promise<Omit<HeldSet, 'attempt'>> {
  const { url, validTo } = await location.locate(errand)
  // Another address may use the same entity-tag for different keys.
  const etag = held?.url === url.href ? held.etag : undefined
  const { status, text, headers, sentAt } = await errand.fetch(url, { maxBytes: options.maxBytes, etag })
  const maxAge = freshSeconds(headers)
  const { clock } = options
  // The response lacks keys published after the request was sent, so its age counts from then.
  const completeTo = Math.min(sentAt - ageSeconds(headers) * 1000, validTo)
  const common = {
    ...lifetime(sentAt, maxAge, options),
    completeTo,
    url: url.href,
    etag: entityTag(headers.get('etag')) ?? (status === 304 ? etag : undefined),
    fetchedAt: clock.now() - (clock.monotonic() - sentAt),
    maxAge,
  }
  if (status === 304 && held) return { ...common, set: held.set, text: held.text }
  if (held?.text === text) return { ...common, set: held.set, text }
  return { ...common, set: usableSet(text, options), text }
}

function usableSet(text: string, { maxKeys, sharing }: ResolvedKeySetOptions): KeySet {
  const set = parseJwkSet(text, { maxKeys, sharing })
  if (set.size > 0) return set
  const found =
    set.skipped.length === 0 ? 'is empty' : `holds only members that are skipped: ${listSkipped(set.skipped)}`
  throw new FetchError('no_usable_key', `The JWK Set ${found.slice(0, 600)}`)
}

/** The fetches of one flight, one after the other. */
interface FetchSteps {
  readonly fetch: FetchStep
  /** Releases the turn of the last fetch. */
  end(): void
}

/** Milliseconds past a deadline after which the request that carried a flight has stopped running. */
export const GRACE = 1000

/**
 * Makes the fetches of a flight. They share one deadline with the requests that wait for them. Waiting for a turn at the origin does not
 * count, because other fetches do not make an endpoint slow. `onSend` is called before each request is sent.
 */
export function fetchSteps(
  flight: Flight,
  { kind, onSend, trusts }: { readonly kind: FetchKind; readonly onSend: () => void } & Pick<KeyLocation, 'trusts'>,
  options: ResolvedKeySetOptions,
): FetchSteps {
  const { clock, fetch, timeout, sharing } = options
  const { signal } = flight.controller
  let left = flight.startedAt + timeout * 1000 - clock.monotonic()
  let turn: FetchTurn | undefined
  let place: string | undefined

  const waitForTurn = async (origin: string): Promise<void> => {
    // If requests cannot wait for each other, the runtime limits connections.
    if (sharing === 'poll' || place === origin) return
    turn?.end()
    turn = takeTurn({ fetch, origin, kind, signal })
    place = origin
    if (turn.begins === undefined) return
    flight.aliveUntil = Infinity
    await turn.begins
  }

  return {
    fetch: async (url, { maxBytes, etag }) => {
      await waitForTurn(url.origin)
      signal.throwIfAborted()
      if (left <= 0) throw new FetchError('timeout', `No complete answer within ${timeout} s`)
      onSend()
      const sentAt = clock.monotonic()
      flight.aliveUntil = sentAt + left + GRACE
      try {
        const document = await fetchDocument(url, {
          fetch,
          clock,
          timeout,
          left,
          maxBytes,
          etag,
          headers: trusts(url) ? options.headers : undefined,
          signal,
        })
        return { ...document, sentAt }
      } finally {
        left -= clock.monotonic() - sentAt
      }
    },
    end: () => turn?.end(),
  }
}
