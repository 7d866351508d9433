import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'

/** One request as the server saw it. */
export interface ReceivedRequest {
  readonly method: string
  /** With the query, as it was on the request line. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
  /** When it came, by the server's clock: milliseconds. */
  readonly at: number
}

/** What a server has seen so far. A copy: it does not change afterwards. */
export interface TrafficStats {
  /** TCP connections accepted, failed TLS handshakes included. */
  readonly connections: number
  readonly requests: readonly ReceivedRequest[]
  /** Requests received and not yet answered or abandoned. */
  readonly inFlight: number
  /** The largest `inFlight` there has been. */
  readonly maxInFlight: number
  /** Requests whose client went away before the server was finished with them. */
  readonly aborted: number
}

/** Counts what goes through a server. */
export interface Traffic {
  connected(): void
  /** Counts a request until its response is closed; the function it gives says that the server is finished with it. */
  received(request: IncomingMessage, response: ServerResponse): () => void
  /** Says that the server is finished with everything in flight. */
  abandonAll(): void
  forget(): void
  stats(): TrafficStats
  /** Settles when so many requests have been received, or at once if they have. */
  reached(requests: number): Promise<void>
  /** Settles when nothing is in flight. */
  idle(): Promise<void>
}

/** @param now Milliseconds, for `at` of each request. */
export function createTraffic(now: () => number): Traffic {
  let connections = 0
  let requests: ReceivedRequest[] = []
  let maxInFlight = 0
  let aborted = 0
  const inFlight = new Set<() => void>()
  const waiting = new Set<() => void>()

  const changed = (): void => {
    for (const look of waiting) look()
  }
  const until = (met: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (!met()) return
        waiting.delete(look)
        resolve()
      }
      waiting.add(look)
      look()
    })

  return {
    connected: () => {
      connections++
    },
    received: ({ method = '', url = '', headers }, response) => {
      requests.push({ method, path: url, headers, at: now() })
      const finished = (): void => {
        inFlight.delete(finished)
        changed()
      }
      inFlight.add(finished)
      maxInFlight = Math.max(maxInFlight, inFlight.size)
      response.once('finish', finished)
      response.once('close', () => {
        if (inFlight.has(finished)) aborted++
        finished()
      })
      changed()
      return finished
    },
    abandonAll: () => {
      for (const finished of inFlight) finished()
    },
    forget: () => {
      connections = 0
      requests = []
      maxInFlight = inFlight.size
      aborted = 0
    },
    stats: () => ({ connections, requests: [...requests], inFlight: inFlight.size, maxInFlight, aborted }),
    reached: (count) => until(() => requests.length >= count),
    idle: () => until(() => inFlight.size === 0),
  }
}
