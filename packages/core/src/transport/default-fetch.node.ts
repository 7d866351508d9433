import process from 'node:process'

import type { FetchLike } from '../model/fetch.ts'
import { assertNodeVersion } from './node-version.node.ts'
import { undiciFetch } from './undici-fetch.node.ts'

let transport: FetchLike | undefined

/** The transport of Node: undici with few connections. Connects wherever the configuration says. */
export const defaultFetch: FetchLike = async (url, init) => {
  transport ??= undiciFetch()
  return transport(url, init)
}

/**
 * For whoever is about to rely on `defaultFetch`. Keys at hand need no transport, and work on any Node.
 *
 * @throws TypeError on a Node that is too old for it
 */
export function assertDefaultFetch(): void {
  assertNodeVersion(process.versions)
}
