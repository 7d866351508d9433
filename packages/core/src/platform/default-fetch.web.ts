import type { FetchLike } from '../model/runtime.ts'
import { misconfigured } from '../options/option-rules.ts'

/** The transport of runtimes other than Node: their own `fetch`, read on each call so tests can replace it. */
export const defaultFetch: FetchLike = (url, init) => fetch(url, init)

/** Call this before you rely on `defaultFetch`. It can fail only on Node. */
export function assertDefaultFetch(): void {
  // Every runtime with WebCrypto has a fetch.
}

/** @throws TypeError, because only the transport on Node supports proxies */
export function defaultFetchThrough(_proxy: unknown): FetchLike {
  throw misconfigured(
    'fetch keys',
    '"proxy" is for Node: take it out, because the fetch of this runtime has its own settings',
  )
}
