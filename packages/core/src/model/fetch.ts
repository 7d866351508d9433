/** The part of the Fetch API that Claimgate calls: what `fetch` of every runtime satisfies. */
export type FetchLike = (url: string, init: FetchInit) => Promise<Response>

/** Requests are always GET, never follow a redirect, and carry a deadline. */
export interface FetchInit {
  readonly method: 'GET'
  readonly headers: Readonly<Record<string, string>>
  readonly redirect: 'manual'
  readonly signal: AbortSignal
}
