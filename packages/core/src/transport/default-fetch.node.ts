import process from 'node:process'

import type { FetchLike } from '../model/fetch.ts'
import { warnUnlessLoadable } from './load-undici.node.ts'
import { assertNodeVersion } from './node-version.node.ts'
import { undiciFetch, type UndiciFetchOptions } from './undici-fetch.node.ts'

const transports = new Map<string, FetchLike>()

/** The transport of Node: undici with few connections. Connects wherever the configuration says. */
export const defaultFetch: FetchLike = (url, init) => defaultFetchThrough(undefined)(url, init)

/**
 * The transport with a proxy.
 *
 * @throws TypeError for what is no proxy
 */
export function defaultFetchThrough(proxy: UndiciFetchOptions['proxy']): FetchLike {
  const name = String(proxy)
  const known = transports.get(name)
  if (known) return known
  const made = undiciFetch(proxy === undefined ? {} : { proxy })
  transports.set(name, made)
  return made
}

/**
 * For whoever is about to rely on `defaultFetch`. Keys at hand need no transport, and work on any Node.
 *
 * @throws TypeError on a Node that is too old for it, and where the environment names what is no proxy
 */
export function assertDefaultFetch(): void {
  assertNodeVersion(process.versions)
  defaultFetchThrough(undefined)
  warnUnlessLoadable()
}
