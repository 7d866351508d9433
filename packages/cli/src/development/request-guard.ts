import type { IncomingMessage } from 'node:http'

/**
 * Why a request is refused, or `undefined`. Only programs of this machine may use the issuer, and no page in a browser:
 *
 * - `Host` must name this machine, because a web page can give its own domain the address 127.0.0.1 (DNS rebinding)
 * - no `Origin`, and no `Sec-Fetch-Site` but `none`: browsers send them with the requests of pages, and programs such as curl do not
 */
export function requestFlaw({ headers, rawHeaders }: IncomingMessage, port: number): string | undefined {
  const hosts = rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'host')
  const known = ['127.0.0.1', 'localhost'].flatMap((host) => (port === 80 ? [host, `${host}:80`] : [`${host}:${port}`]))
  if (hosts.length !== 1 || !known.includes((headers.host ?? '').toLowerCase()))
    return `The Host header must be ${known[0]}.`
  if (headers.origin !== undefined || (headers['sec-fetch-site'] ?? 'none') !== 'none')
    return 'Pages in a browser must not use this issuer.'
  return undefined
}
