/**
 * What fetches keys and metadata: no more of the Fetch API than Claimgate uses, so that `fetch` of every runtime and of undici
 * satisfies it, and so does a function that answers with a `Response`.
 */
export type FetchLike<R extends FetchResponse = FetchResponse> = (url: string, init: FetchInit) => Promise<R>

/** Requests are always GET, never follow a redirect, and carry a deadline. */
export interface FetchInit {
  readonly method: 'GET'
  readonly headers: Readonly<Record<string, string>>
  readonly redirect: 'manual'
  readonly signal: AbortSignal
}

/** What is read of an answer. Every `Response` has it. */
export interface FetchResponse {
  readonly status: number
  readonly type: string
  readonly redirected: boolean
  readonly headers: FetchHeaders
  readonly body: FetchBody | null
}

/** Finds a header without regard to case. */
export interface FetchHeaders {
  get(name: string): string | null
}

/** A stream of bytes, decompressed. */
export interface FetchBody {
  getReader(): FetchReader
  cancel(): Promise<void>
}

/** Reads a stream chunk by chunk. */
export interface FetchReader {
  read(): Promise<
    { readonly done: false; readonly value: Uint8Array } | { readonly done: true; readonly value?: unknown }
  >
  cancel(): Promise<void>
}
