import { recentMap, type RecentMap } from '../../model/recent-map.ts'
import type { FetchLike, FetchResponse } from '../../model/runtime.ts'
import { own } from '../../model/values.ts'
import { systemCode } from './fetch-error.ts'

/** Permission to fetch from one origin. */
export interface FetchTurn {
  /** Resolves when the fetch may begin; rejects with the signal's reason. Absent if it may begin now. */
  readonly begins: Promise<void> | undefined
  /** Lets the next fetch begin. */
  end(): void
}

export interface FetchTurnOptions {
  readonly fetch: FetchLike
  readonly origin: string
  /** `urgent` if there are no keys yet: until the fetch is done, no token of that issuer can be verified. */
  readonly kind: FetchKind
  /** Stops waiting. */
  readonly signal: AbortSignal
}

export type FetchKind = 'urgent' | 'other'

interface Queue {
  running: number
  begun: number
  readonly waiting: Readonly<Record<FetchKind, (() => void)[]>>
}

// Connections belong to the transport, so all key sets that use it share a queue.
const queues = new WeakMap<FetchLike, Map<string, Queue>>()

/**
 * Takes a turn at fetching from an origin. Fetches over the limit wait here, because waiting in the transport would count against their
 * deadline.
 *
 * Junk tokens for many issuers can fill the queue, and nothing distinguishes them from good ones until their keys arrive. So the newest and
 * the oldest begin alternately: a new fetch begins almost immediately, and later fetches cannot delay one that has waited. Urgent fetches
 * come first, because junk tokens cause only one of them per issuer; others get every fourth turn.
 */
export function takeTurn({ fetch, origin, kind, signal }: FetchTurnOptions): FetchTurn {
  const origins = queues.get(fetch) ?? new Map<string, Queue>()
  queues.set(fetch, origins)
  const queue = origins.get(origin) ?? { running: 0, begun: 0, waiting: { urgent: [], other: [] } }
  origins.set(origin, queue)

  let isRunning = false
  const begin = (): void => {
    isRunning = true
    queue.running += 1
  }
  const end = (): void => {
    if (!isRunning) return
    isRunning = false
    queue.running -= 1
    nextOf(queue)?.()
    if (queue.running === 0) origins.delete(origin)
  }
  if (queue.running < connectionsOf(fetch)) {
    begin()
    return { begins: undefined, end }
  }
  const waiting = queue.waiting[kind]
  const begins = new Promise<void>((resolve, reject) => {
    const called = (): void => {
      signal.removeEventListener('abort', giveUp)
      begin()
      resolve()
    }
    const giveUp = (): void => {
      waiting.splice(waiting.indexOf(called), 1)
      reject(signal.reason as Error)
    }
    waiting.push(called)
    signal.addEventListener('abort', giveUp, { once: true })
  })
  return { begins, end }
}

// A transport may declare how many connections it opens, as undiciFetch does.
function connectionsOf(fetch: FetchLike): number {
  const connections = own(fetch, 'connections')
  return typeof connections === 'number' ? connections : CONNECTIONS
}

const CONNECTIONS = 16

function nextOf(queue: Queue): (() => void) | undefined {
  const { urgent, other } = queue.waiting
  const turn = (queue.begun += 1)
  const waiting = urgent.length === 0 || (other.length > 0 && turn % 4 === 0) ? other : urgent
  return turn % 2 === 1 ? waiting.pop() : waiting.shift()
}

/**
 * Sends a request, and retries it once immediately if a possibly reused connection breaks before any response: a server may close an idle
 * connection just as a request is written to it. Only an origin that has responded can have an open connection. If the retry breaks too,
 * the origin must respond again before the next retry, so an outage costs an endpoint one extra request, not twice as many.
 */
export async function sendAgain(
  fetch: FetchLike,
  origin: string,
  signal: AbortSignal,
  send: () => Promise<FetchResponse>,
): Promise<FetchResponse> {
  const answered = originsOf(fetch)
  const mayBeReused = answered.get(origin) === true
  const response = await send().catch(async (error: unknown) => {
    if (!mayBeReused || signal.aborted || !isBroken(error)) throw error
    return send().catch((again: unknown) => {
      answered.delete(origin)
      throw again
    })
  })
  answered.set(origin, true)
  return response
}

// Connections belong to the transport, so all key sets that use it share them.
const transports = new WeakMap<FetchLike, RecentMap<string, true>>()
const MOST_ORIGINS = 1000

function originsOf(fetch: FetchLike): RecentMap<string, true> {
  const origins = transports.get(fetch) ?? recentMap<string, true>(MOST_ORIGINS)
  transports.set(fetch, origins)
  return origins
}

const BROKEN: ReadonlySet<string | undefined> = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'])

// A runtime's `fetch` has the socket's error as its cause.
function isBroken(error: unknown): boolean {
  return BROKEN.has(systemCode(error)) || (error instanceof Error && BROKEN.has(systemCode(error.cause)))
}
