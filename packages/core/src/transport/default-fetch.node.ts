import type { FetchLike } from '../model/fetch.ts'

export const defaultFetch: FetchLike = (url, init) => fetch(url, init)
