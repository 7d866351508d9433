import type { FetchInit } from '@claimgate/core'
import { createTestKeys, type TestClock } from '@claimgate/testing'

/** How the endpoint answers. Latencies, and the age of a cached answer, are in seconds. */
export type EndpointMode =
  | { readonly kind: 'well'; readonly latency: number; readonly maxAge?: number; readonly age?: number }
  | { readonly kind: 'refuse' }
  | { readonly kind: 'hang' }
  | { readonly kind: 'garbage'; readonly latency: number }
  | { readonly kind: 'status'; readonly status: number; readonly retryAfter?: number }

/** One fetch as the endpoint saw it. Times are monotonic seconds. */
export interface SeenFetch {
  readonly startedAt: number
  /** The key IDs in the answer, if it was usable. */
  answer?: { readonly at: number; readonly kids: readonly string[]; readonly maxAge: number | undefined }
  failedAt?: number
}

export interface Endpoint {
  fetch(url: string, init: FetchInit): Promise<Response>
  publish(kids: readonly string[]): void
  behave(mode: EndpointMode): void
  readonly fetches: readonly SeenFetch[]
  mostInFlight(): number
}

// One key pair under every name, because only the name matters here.
const { publicJwk } = await createTestKeys('ES256')

/** A JWK Set endpoint in memory, on a simulated network with latency. */
export function createEndpoint(clock: TestClock, random: () => number): Endpoint {
  const fetches: SeenFetch[] = []
  const published: { readonly at: number; readonly kids: readonly string[] }[] = []
  let mode: EndpointMode = { kind: 'refuse' }
  let inFlight = 0
  let most = 0

  /** The key IDs published this many seconds ago. */
  const kidsOf = (age: number): readonly string[] => {
    const at = clock.monotonic() / 1000 - age
    return (published.findLast((set) => set.at <= at) ?? published[0])?.kids ?? []
  }

  const answer = async (seen: SeenFetch, signal: AbortSignal): Promise<Response> => {
    const current = mode
    switch (current.kind) {
      case 'refuse':
        throw new TypeError('connection refused')
      case 'hang':
        return new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error))
        })
      case 'status': {
        const { status, retryAfter } = current
        return new Response('', { status, headers: retryAfter === undefined ? {} : { 'retry-after': `${retryAfter}` } })
      }
      case 'garbage':
        await clock.sleep(current.latency * 1000, signal)
        return new Response('<html>')
      default: {
        // The answer was read at some time during the exchange.
        const { maxAge, age = 0 } = current
        const early = kidsOf(age)
        await clock.sleep(current.latency * 1000, signal)
        const sent = random() < 0.5 ? early : kidsOf(age)
        seen.answer = { at: clock.monotonic() / 1000, kids: sent, maxAge }
        const set = { keys: sent.map((kid) => ({ ...publicJwk, kid })) }
        return new Response(JSON.stringify(set), {
          headers: {
            ...(maxAge !== undefined && { 'cache-control': `max-age=${maxAge}` }),
            ...(age > 0 && { age: `${age}` }),
          },
        })
      }
    }
  }

  return {
    fetches,
    mostInFlight: () => most,
    publish: (next) => {
      published.push({ at: clock.monotonic() / 1000, kids: next })
    },
    behave: (next) => {
      mode = next
    },
    fetch: async (_url, { signal }) => {
      const seen: SeenFetch = { startedAt: clock.monotonic() / 1000 }
      fetches.push(seen)
      inFlight += 1
      most = Math.max(most, inFlight)
      try {
        return await answer(seen, signal)
      } finally {
        inFlight -= 1
        if (!seen.answer) seen.failedAt = clock.monotonic() / 1000
      }
    },
  }
}
