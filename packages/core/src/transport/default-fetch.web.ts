import type { FetchLike } from '../model/fetch.ts'

/** The transport of runtimes that are not Node: their own `fetch`, looked up at each call so that tests can replace it. */
export const defaultFetch: FetchLike = (url, init) => fetch(url, init)
