import type { FetchLike } from '../model/fetch.ts'
import { undiciFetch } from './undici-fetch.node.ts'

/** The transport of Node: undici with few connections. Connects wherever the configuration says. */
export const defaultFetch: FetchLike = undiciFetch()
