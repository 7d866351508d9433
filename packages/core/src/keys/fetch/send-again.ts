import type { FetchLike, FetchResponse } from '../../model/fetch.ts'
import { recentMap, type RecentMap } from '../../model/recent-map.ts'
import { systemCode } from './system-code.ts'

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
