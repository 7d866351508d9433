import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'

/** One request that the server received. */
export interface ReceivedRequest {
  readonly method: string
  /** The path with the query, as on the request line. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
  /** When it arrived, by the server's clock, in milliseconds. */
  readonly at: number
}

/** A snapshot of the traffic that a server has received. */
export interface TrafficStats {
  /** TCP connections accepted, including failed TLS handshakes. */
  readonly connections: number
  readonly requests: readonly ReceivedRequest[]
  /** Requests received and not yet answered or abandoned. */
  readonly inFlight: number
  /** The largest `inFlight` so far. */
  readonly maxInFlight: number
  /** Requests whose client disconnected before the server had finished. */
  readonly aborted: number
}

/** Counts the traffic of a server. */
export interface Traffic {
  connected(): void
  /** Counts a request until its response is closed. Call the returned function when the server has finished with it. */
  received(request: IncomingMessage, response: ServerResponse): () => void
  /** Marks all requests in flight as finished by the server. */
  abandonAll(): void
  forget(): void
  stats(): TrafficStats
  /** Resolves when this many requests have been received, or at once if they already have. */
  reached(requests: number): Promise<void>
  /** Resolves when no request is in flight. */
  idle(): Promise<void>
}

/** @param now The time in milliseconds, used as `at` of each request. */
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
