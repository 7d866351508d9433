import { recentMap, type RecentMap } from '../../model/recent-map.ts'
import type { FetchLike, FetchResponse } from '../../model/runtime.ts'
import { own } from '../../model/values.ts'
import { systemCode } from './fetch-error.ts'

/** The right to fetch from one origin. */
export interface FetchTurn {
  /** Settles when the fetch may begin; rejects with the signal's reason. Absent where it may begin now. */
  readonly begins: Promise<void> | undefined
  /** Lets the next fetch begin. */
  end(): void
}

export interface FetchTurnOptions {
  readonly fetch: FetchLike
  readonly origin: string
  /** Urgent where there are no keys yet: until the fetch is done, no token of that issuer can be verified. */
  readonly kind: FetchKind
  /** Gives up waiting. */
  readonly signal: AbortSignal
}

export type FetchKind = 'urgent' | 'other'

interface Queue {
  running: number
  begun: number
  readonly waiting: Readonly<Record<FetchKind, (() => void)[]>>
}

// A transport has its own connections, so all key sets that use it share a queue.
const queues = new WeakMap<FetchLike, Map<string, Queue>>()

/**
 * Takes a turn at fetching from an origin. Fetches over the limit wait here and not in the transport, where waiting would count against their
 * deadline.
 *
 * Junk tokens for many issuers can fill the queue, and nothing tells them from good ones before their keys are there. So the newest and the
 * oldest begin alternately: a fetch that is wanted now begins almost at once, and one that has waited is not put off by what comes after it.
 * Urgent ones come first, because junk tokens cause only one of them for each issuer; others get every fourth turn.
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

// A transport may say how many connections it makes, as undiciFetch does.
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
 * Sends a request, and once more at once if its connection breaks before any answer to it and may have been a reused one: a server may close
 * an idle connection at the moment a request is written to it. Only an origin that has answered can have left a connection open. One
 * that also breaks the second request must answer again first, so an outage costs an endpoint one request more and not twice as many.
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

// The fetch of a runtime has the socket's error as its cause.
function isBroken(error: unknown): boolean {
  return BROKEN.has(systemCode(error)) || (error instanceof Error && BROKEN.has(systemCode(error.cause)))
}
