import { fetchDocument } from '../fetch/fetch-document.ts'
import { FetchError } from '../fetch/fetch-error.ts'
import { takeTurn, type FetchKind, type FetchTurn } from '../fetch/fetch-queue.ts'
import type { Flight } from './flight.ts'
import type { FetchStep, KeyLocation } from './key-location.ts'
import type { ResolvedKeySetOptions } from './remote-key-set-options.ts'

/** The fetches of one flight, one after the other. */
export interface FetchSteps {
  readonly fetch: FetchStep
  /** Gives back the turn of the last fetch. */
  end(): void
}

/** A flight that outlives each of its deadlines by this much was carried by a request that no longer runs. Milliseconds. */
export const GRACE = 1000

/**
 * Makes the fetches of a flight. They share one deadline, which is that of the requests that wait for them. Waiting for a turn at the origin
 * does not count: an endpoint is not slow because others are asked at the same time. `onSend` is called before each request is sent.
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
    // Where no request may wait for another one, the runtime bounds connections.
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
