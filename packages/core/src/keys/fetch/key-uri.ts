const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/

/** How far plain http goes: nowhere, or to this machine, for development and tests. */
export type PlainHttp = 'never' | 'loopback'

/**
 * Why keys or metadata may not be fetched from an address, as the end of a sentence; `undefined` where they may: https
 * without credentials and fragment, or http to this machine where that is allowed (OpenID Connect Discovery section 4).
 */
export function uriFlaw(
  { protocol, hostname, username, password, hash }: URL,
  plainHttp: PlainHttp,
): string | undefined {
  if (username !== '' || password !== '') return 'must not carry credentials'
  if (hash !== '') return 'must not have a fragment'
  if (protocol === 'https:') return undefined
  if (protocol !== 'http:') return 'must be https'
  if (!LOOPBACK.test(hostname)) return 'must be https'
  return plainHttp === 'loopback' ? undefined : 'must be https, for "allowLoopbackHttp" is false'
}
