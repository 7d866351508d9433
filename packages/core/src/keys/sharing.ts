/**
 * How requests share work under way: by awaiting its promise, or without touching what another request began, as
 * runtimes need that tie I/O to a request.
 */
export type Sharing = 'promise' | 'poll'

/** What the runtime at hand needs. */
export function defaultSharing(): Sharing {
  return globalThis.navigator?.userAgent === 'Cloudflare-Workers' ? 'poll' : 'promise'
}
