import type { FetchLike } from '../model/runtime.ts'
import { misconfigured } from '../options/option-rules.ts'

/** The transport of runtimes that are not Node: their own `fetch`, looked up at each call so that tests can replace it. */
export const defaultFetch: FetchLike = (url, init) => fetch(url, init)

/** For whoever is about to rely on `defaultFetch`, which is everywhere but on Node. */
export function assertDefaultFetch(): void {
  // Every runtime with WebCrypto has a fetch.
}

/** @throws TypeError, because only on Node the transport knows proxies */
export function defaultFetchThrough(_proxy: unknown): FetchLike {
  throw misconfigured(
    'fetch keys',
    '"proxy" is for Node: take it out, because the fetch of this runtime has its own settings',
  )
}
