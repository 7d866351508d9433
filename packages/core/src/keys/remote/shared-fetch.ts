import type { Clock, FetchLike, Sharing } from '../../model/runtime.ts'
import { ignoreRejection, own } from '../../model/values.ts'
import { type FetchDocumentOptions, type FetchedDocument, fetchDocument } from '../fetch/fetch-document.ts'
import { FetchError } from '../fetch/fetch-error.ts'
import type { ResolvedKeySetOptions } from './options.ts'

/** A fetch of the keys that many requests wait for. It has a separate signal, so an aborted request does not abort the fetch. */
export interface SharedFetch {
  readonly startedAt: number
  readonly controller: AbortController
  /** Settles when `result` is set; never rejects. */
  settled: Promise<void>
  result: FetchResult | undefined
  /** Monotonic time after which the request that runs it must have ended; `Infinity` while it waits for its turn. */
  aliveUntil: number
}

/** The result of a shared fetch. */
export type FetchResult =
  /** With the attempts that had begun by then: a request may see the result when the next fetch is running. */
  | { readonly kind: 'fetched'; readonly attempts: number }
  /** A newer set was found in the store instead. The request checks again. */
  | { readonly kind: 'seeded' }
  /** The request that ran it has ended. The waiting request checks again, and may take over. */
  | { readonly kind: 'abandoned' }
  | { readonly kind: 'failed'; readonly error: FetchError }

/** Milliseconds past a deadline after which the request that ran a fetch has stopped running. */
export const GRACE = 1000

interface FetchWait {
  readonly clock: Clock
  /** Whether to await the promise or to poll. */
  readonly by: Sharing
  /** Monotonic time to stop waiting at. */
  readonly until: number
}

const POLL_EVERY = 20
// Runtimes fire timers with an infinite delay immediately.
const LONGEST_TIMER = 60_000

/** Waits for a shared fetch; `undefined` if it takes longer than the request wants to wait. */
export async function waitForFetch(
  shared: SharedFetch,
  { clock, by, until }: FetchWait,
): Promise<FetchResult | undefined> {
  // Checked in rounds, because each document extends the life of the fetch.
  for (;;) {
    const left = Math.min(until, shared.aliveUntil) - clock.monotonic()
    if (shared.result || left <= 0) break
    const timer = startTimer(clock, by === 'poll' ? POLL_EVERY : Math.min(left, LONGEST_TIMER))
    await (by === 'poll' ? timer.elapsed : Promise.race([shared.settled, timer.elapsed]))
    timer.cancel()
  }
  return shared.result ?? (clock.monotonic() >= shared.aliveUntil ? { kind: 'abandoned' } : undefined)
}

interface Timer {
  /** Resolves when the time is over. Never settles if cancelled. */
  readonly elapsed: Promise<void>
  cancel(): void
}

/** Starts a timer. */
export function startTimer(clock: Clock, milliseconds: number): Timer {
  let cancel = (): void => {}
  const elapsed = new Promise<void>((resolve) => {
    cancel = clock.setTimeout(resolve, milliseconds)
  })
  return { elapsed, cancel }
}

/** Passes background work to the runtime's `waitUntil`, which may be unavailable outside a request. */
export function keepAlive(
  waitUntil: ((promise: Promise<unknown>) => void) | undefined,
  promise: Promise<unknown>,
): void {
  try {
    // An async function may reject.
    ignoreRejection(waitUntil?.(promise))
  } catch {
    // Without waitUntil, the work continues only as long as the runtime allows.
  }
}

/** A document, and when its request was sent, in monotonic milliseconds. */
export interface SentDocument extends FetchedDocument {
  readonly sentAt: number
}

/** Fetches one document within a shared fetch. */
export type DocumentFetch = (
  url: URL,
  options: Pick<FetchDocumentOptions, 'maxBytes' | 'etag'>,
) => Promise<SentDocument>

interface DocumentRules {
  readonly urgency: Urgency
  /** Called before each request is sent. */
  readonly onSend: () => void
  /** Whether the configured header fields may be sent to an address. */
  readonly trusts: (url: URL) => boolean
}

/**
 * Makes the requests of a shared fetch, one after the other. They share one deadline with the requests that wait for them. Waiting for a
 * turn at the origin does not count, because other fetches do not make an endpoint slow. `release` gives back the last turn.
 */
export function documentFetcher(
  shared: SharedFetch,
  { urgency, onSend, trusts }: DocumentRules,
  { clock, fetch, timeout, sharing, headers, onEvent, ifRefused }: ResolvedKeySetOptions,
): { readonly fetch: DocumentFetch; readonly release: () => void } {
  const { signal } = shared.controller
  let left = shared.startedAt + timeout * 1000 - clock.monotonic()
  let turn: FetchTurn | undefined
  return {
    fetch: async (url, { maxBytes, etag }) => {
      // If requests cannot wait for each other, the runtime limits connections.
      if (sharing === 'promise' && turn?.origin !== url.origin) {
        turn?.release()
        turn = takeTurn({ fetch, origin: url.origin, urgency, signal })
        if (turn.begins) {
          shared.aliveUntil = Infinity
          await turn.begins
        }
      }
      signal.throwIfAborted()
      if (left <= 0) throw new FetchError('timeout', `No complete answer within ${timeout} s`)
      onSend()
      const sentAt = clock.monotonic()
      shared.aliveUntil = sentAt + left + GRACE
      const sent = trusts(url) ? headers : undefined
      try {
        const request = { fetch, clock, timeout, left, maxBytes, etag, headers: sent, signal, onEvent, ifRefused }
        return { ...(await fetchDocument(url, request)), sentAt }
      } finally {
        left -= clock.monotonic() - sentAt
      }
    },
    release: () => turn?.release(),
  }
}

/** Permission to fetch from one origin. */
export interface FetchTurn {
  readonly origin: string
  /** Resolves when the fetch may begin; rejects with the signal's reason. Absent if it may begin now. */
  readonly begins: Promise<void> | undefined
  /** Lets the next fetch begin. */
  release(): void
}

export interface FetchTurnOptions {
  readonly fetch: FetchLike
  readonly origin: string
  readonly urgency: Urgency
  /** Stops waiting. */
  readonly signal: AbortSignal
}

/** `urgent` if there are no keys yet: until the fetch is done, no token of that issuer can be verified. */
type Urgency = 'urgent' | 'other'

interface Queue {
  running: number
  begun: number
  readonly waiting: Readonly<Record<Urgency, (() => void)[]>>
}

// Connections belong to the transport, so all key sets that use it share a queue.
const queues = new WeakMap<FetchLike, Map<string, Queue>>()
const CONNECTIONS = 16

/**
 * Takes a turn at fetching from an origin. Fetches over the limit wait here, because waiting in the transport would count against their
 * deadline.
 *
 * Junk tokens for many issuers can fill the queue, and nothing distinguishes them from good ones until their keys arrive. So the newest and
 * the oldest begin alternately: a new fetch begins almost immediately, and later fetches cannot delay one that has waited. Urgent fetches
 * come first, because junk tokens cause only one of them per issuer; others get every fourth turn.
 */
export function takeTurn({ fetch, origin, urgency, signal }: FetchTurnOptions): FetchTurn {
  const origins = queues.get(fetch) ?? new Map<string, Queue>()
  queues.set(fetch, origins)
  const queue = origins.get(origin) ?? { running: 0, begun: 0, waiting: { urgent: [], other: [] } }
  origins.set(origin, queue)
  // A transport may declare how many connections it opens, as undiciFetch does.
  const declared = own(fetch, 'connections')
  const connections = typeof declared === 'number' ? declared : CONNECTIONS

  let isRunning = queue.running < connections
  if (isRunning) queue.running += 1
  const release = (): void => {
    if (!isRunning) return
    isRunning = false
    queue.running -= 1
    queue.begun += 1
    const { urgent, other } = queue.waiting
    const next = urgent.length === 0 || (other.length > 0 && queue.begun % 4 === 0) ? other : urgent
    const begin = queue.begun % 2 === 1 ? next.pop() : next.shift()
    begin?.()
    if (queue.running === 0) origins.delete(origin)
  }
  if (isRunning) return { origin, begins: undefined, release }
  const waiting = queue.waiting[urgency]
  const begins = new Promise<void>((resolve, reject) => {
    const begin = (): void => {
      signal.removeEventListener('abort', stopWaiting)
      isRunning = true
      queue.running += 1
      resolve()
    }
    const stopWaiting = (): void => {
      waiting.splice(waiting.indexOf(begin), 1)
      reject(signal.reason as Error)
    }
    waiting.push(begin)
    signal.addEventListener('abort', stopWaiting, { once: true })
  })
  return { origin, begins, release }
}
