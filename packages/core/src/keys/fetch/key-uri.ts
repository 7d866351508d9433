import { isLoopback } from '../../model/runtime.ts'
import { kindOf } from '../../options/option-rules.ts'

/** Where plain http is allowed. */
export interface PlainHttp {
  /** Loopback addresses, for development and tests. */
  readonly loopback: 'allowed' | 'refused'
  /** Hosts by name, with their port unless it is 80, as `URL` writes them. */
  readonly hosts: readonly string[]
}

const NO_PLAIN_HTTP: PlainHttp = { loopback: 'refused', hosts: [] }

/**
 * Why keys or metadata must not be fetched from an address, as the end of a sentence. `undefined` if they may: https
 * without credentials and fragment, or http if allowed (OpenID Connect Discovery section 4).
 */
export function uriFlaw(
  { protocol, host, hostname, username, password, hash }: URL,
  { loopback, hosts }: PlainHttp,
): string | undefined {
  if (username !== '' || password !== '') return 'must not carry credentials'
  if (hash !== '') return 'must not have a fragment'
  if (protocol === 'https:' || (protocol === 'http:' && hosts.includes(host))) return undefined
  if (protocol !== 'http:' || !isLoopback(hostname)) return 'must be https'
  return loopback === 'allowed' ? undefined : 'must be https, because "allowLoopbackHttp" is false'
}

/** `uriFlaw` of a configured address, with the option that would allow it. */
export function configuredUriFlaw(url: URL, plainHttp: PlainHttp): string | undefined {
  const flaw = uriFlaw(url, plainHttp)
  if (flaw !== 'must be https' || url.protocol !== 'http:') return flaw
  return `${flaw} (for a host of your own network, allowHttpHosts: ["${url.host}"], or JWT_ALLOW_HTTP_HOSTS, allows plain http)`
}

/** Where an issuer's metadata may point over plain http: not at all from https, and from a host allowed by name only to that same host. */
export function plainHttpFrom({ protocol, host, hostname }: URL, { loopback, hosts }: PlainHttp): PlainHttp {
  if (protocol === 'https:') return NO_PLAIN_HTTP
  return {
    loopback: isLoopback(hostname) ? loopback : 'refused',
    hosts: hosts.filter((allowed) => allowed === host),
  }
}

/** Whether an address is plain http to a host that is allowed by name. */
export function isNamedHttp({ protocol, host }: URL, { hosts }: PlainHttp): boolean {
  return protocol === 'http:' && hosts.includes(host)
}

/**
 * A host with or without port as `URL` writes it: in lower case, and without port 80. `undefined` for any other text, including patterns.
 */
export function httpHost(text: unknown): string | undefined {
  if (typeof text !== 'string' || !/^[^\s/?#@\\*]+$/.test(text) || !URL.canParse(`http://${text}`)) return undefined
  const { host } = new URL(`http://${text}`)
  return [host, `${host}:80`].includes(text.toLowerCase()) ? host : undefined
}

/** Whether a value is the name of a host as `URL` writes it, without port. */
export function isHost(value: unknown): boolean {
  return typeof value === 'string' && URL.canParse(`https://${value}`) && new URL(`https://${value}`).hostname === value
}

/** Whether a value is an absolute URL, as text or as a `URL` object of any realm. */
export function isUrl(value: unknown): boolean {
  return (typeof value === 'string' || kindOf(value) === 'a URL') && URL.canParse(String(value))
}

/** A key address of any type, made safe for messages. Text that is not a URL is cut at its query, and shows nothing before its last `@`. */
export function printedUri(uri: unknown): unknown {
  if (typeof uri !== 'string') return uri
  return URL.canParse(uri) ? printedAddress(new URL(uri)) : uri.replace(/[?#].*/s, '?…').replace(/^.*@/s, '…@')
}

/** An address for messages and events: without credentials, fragment and query values, which may be secrets. */
export function printedAddress({ protocol, host, pathname, search }: URL): string {
  const names = search
    .slice(1)
    .split('&')
    .map((parameter) => (parameter.includes('=') ? `${parameter.slice(0, parameter.indexOf('='))}=…` : '…'))
  // With an unknown scheme, `URL` leaves credentials in the path: `user:password@host`. A password may contain a slash.
  const path = pathname.replace(/^[^/].*@/, '…@')
  return `${protocol}//${host}${path}${search === '' ? '' : `?${names.join('&')}`}`
}
