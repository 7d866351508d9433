import type { FetchInit, FetchLike } from '../../../packages/core/src/model/runtime.ts'
import type { ManualClock } from './manual-clock.ts'

export interface SeenRequest {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** Monotonic seconds. */
  readonly at: number
}

export type Answer = (request: SeenRequest, init: FetchInit) => Response | Promise<Response>

/** An in-memory endpoint with configurable responses. Records its requests. */
export interface FakeEndpoint {
  readonly fetch: FetchLike
  readonly requests: SeenRequest[]
  answer: Answer
  /** The maximum number of concurrent requests to one address. */
  mostAtOnce(): number
}

export function fakeEndpoint(clock: ManualClock, answer: Answer): FakeEndpoint {
  const open = new Map<string, number>()
  let most = 0
  const endpoint: FakeEndpoint = {
    requests: [],
    answer,
    mostAtOnce: () => most,
    fetch: async (url, init) => {
      const seen = { url, headers: init.headers, at: clock.monotonic() / 1000 }
      endpoint.requests.push(seen)
      open.set(url, (open.get(url) ?? 0) + 1)
      most = Math.max(most, open.get(url) ?? 0)
      try {
        return await endpoint.answer(seen, init)
      } finally {
        open.set(url, (open.get(url) ?? 0) - 1)
      }
    },
  }
  return endpoint
}

export const json =
  (body: unknown, headers: Readonly<Record<string, string>> = {}): Answer =>
  () =>
    new Response(typeof body === 'string' ? body : JSON.stringify(body), { headers })

export const status =
  (code: number, headers: Readonly<Record<string, string>> = {}): Answer =>
  () =>
    new Response(null, { status: code, headers })

export const refused: Answer = () => {
  throw new TypeError('connection refused')
}

export const hanging: Answer = async (_request, { signal }) =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error))
  })

/** Responds after the given seconds, unless the request is aborted first. */
export const slow =
  (clock: ManualClock, seconds: number, answer: Answer): Answer =>
  async (request, init) =>
    new Promise((resolve, reject) => {
      clock.setTimeout(() => resolve(answer(request, init)), seconds * 1000)
      init.signal.addEventListener('abort', () => reject(init.signal.reason as Error))
    })
