import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { isIP, type Socket } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'

import type { ProxyRoute } from '@claimgate/core/node'
import { isLoopback, systemCode } from '@claimgate/core/adapter'

import type { Finding } from '../finding.ts'

/** What a TLS handshake with a host has shown. */
export interface Tls {
  readonly host: string
  /** For example `TLSv1.3`; `null` without a handshake. */
  readonly protocol: string | null
  readonly subject: string | null
  readonly issuer: string | null
  readonly validTo: string | null
  readonly daysLeft: number | null
  /** Why Node does not trust the certificate, or why there was no handshake. */
  readonly failure: string | null
}

const DAY_MS = 86_400_000

/**
 * Makes a TLS handshake with the host of an https address, through the proxy that its requests use, and sends nothing. Accepts any
 * certificate, because it only reports. Never rejects.
 *
 * @param timeout - seconds
 */
export async function examineTls(url: URL, timeout: number, route: ProxyRoute | undefined): Promise<Tls> {
  const deadline = AbortSignal.timeout(timeout * 1000)
  let tunnel: Socket | undefined
  try {
    tunnel = route !== undefined && goesThrough(url.hostname, route) ? await tunnelTo(url, route, deadline) : undefined
    return await handshake(url, tunnel, deadline)
  } catch (error) {
    const failure = deadline.aborted ? `no handshake within ${timeout} s` : (systemCode(error) ?? 'no handshake')
    return { host: url.host, protocol: null, subject: null, issuer: null, validTo: null, daysLeft: null, failure }
  } finally {
    tunnel?.destroy()
  }
}

async function handshake(url: URL, tunnel: Socket | undefined, signal: AbortSignal): Promise<Tls> {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const socket = connect({
    ...(tunnel === undefined ? { host, port: Number(url.port || 443) } : { socket: tunnel }),
    ...(isIP(host) === 0 && { servername: host }),
    rejectUnauthorized: false,
  })
  // It may fail more than once, and an error without a listener ends the process.
  socket.on('error', () => undefined)
  try {
    await secured(socket, signal)
    return reportOf(url, socket)
  } finally {
    socket.destroy()
  }
}

function reportOf({ host }: URL, socket: TLSSocket): Tls {
  const { subject, issuer, valid_to: validTo } = socket.getPeerCertificate()
  const end = Date.parse(validTo)
  const reason: unknown = socket.authorizationError
  return {
    host,
    protocol: socket.getProtocol(),
    subject: nameOf(subject),
    issuer: nameOf(issuer),
    validTo: Number.isNaN(end) ? null : new Date(end).toISOString(),
    daysLeft: Number.isNaN(end) ? null : Math.floor((end - Date.now()) / DAY_MS),
    failure: socket.authorized
      ? null
      : reason instanceof Error
        ? (systemCode(reason) ?? reason.message)
        : String(reason),
  }
}

function nameOf(name: { readonly CN?: unknown; readonly O?: unknown } | undefined): string | null {
  const value = [name?.CN ?? name?.O].flat()[0]
  return typeof value === 'string' ? value : null
}

async function tunnelTo(url: URL, { address }: ProxyRoute, signal: AbortSignal): Promise<Socket> {
  const request = (address.protocol === 'https:' ? requestHttps : requestHttp)({
    host: address.hostname,
    port: address.port || (address.protocol === 'https:' ? 443 : 80),
    method: 'CONNECT',
    path: `${url.hostname}:${url.port || 443}`,
    signal,
    headers: { host: `${url.hostname}:${url.port || 443}`, ...authorizationOf(address) },
  })
  return new Promise((resolve, reject) => {
    request.on('error', reject)
    request.on('connect', (response, socket) => {
      socket.on('error', () => undefined)
      if (response.statusCode === 200) return resolve(socket)
      socket.destroy()
      return reject(Object.assign(new Error('The proxy refused'), { code: `ERR_PROXY_${response.statusCode}` }))
    })
    request.end()
  })
}

function authorizationOf({ username, password }: URL): { readonly 'proxy-authorization'?: string } {
  if (username === '' && password === '') return {}
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { 'proxy-authorization': `Basic ${Buffer.from(pair).toString('base64')}` }
}

/** Whether requests to a host use a proxy: not to loopback, and not to hosts of `NO_PROXY`. */
function goesThrough(hostname: string, { exceptions }: ProxyRoute): boolean {
  const bypassed = exceptions
    .split(/[\s,]+/)
    .map((entry) =>
      entry
        .replace(/:\d+$/, '')
        .replace(/^\*?\./, '')
        .toLowerCase(),
    )
    .some((entry) => entry === '*' || (entry !== '' && (hostname === entry || hostname.endsWith(`.${entry}`))))
  return !bypassed && !isLoopback(hostname)
}

async function secured(socket: TLSSocket, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('secureConnect', () => resolve())
    socket.once('error', reject)
    signal.addEventListener('abort', () => reject(new Error('too late')), { once: true })
  })
}

const FEW_DAYS = 14

/** What a handshake says. */
export function tlsFinding({ host, protocol, subject, issuer, validTo, daysLeft, failure }: Tls): Finding {
  if (protocol === null) return { severity: 'unknown', about: 'TLS', message: `${host}: ${failure}` }
  const certificate = `certificate of ${subject ?? 'no name'} by ${issuer ?? 'no name'}, valid until ${validTo?.slice(0, 10) ?? 'unknown'}`
  const days = daysLeft === null ? '' : ` (${daysLeft} days)`
  const message = `${host}: ${protocol}, ${certificate}${days}`
  if (failure !== null)
    return {
      severity: 'bad',
      about: 'TLS',
      message: `${message}. Node does not trust it: ${failure}`,
      hint: 'For a CA of your own, set NODE_EXTRA_CA_CERTS to the file of its certificate before you start Node.',
    }
  const soon = daysLeft !== null && daysLeft < FEW_DAYS
  return soon
    ? { severity: 'warning', about: 'TLS', message, hint: 'The certificate expires soon.' }
    : { severity: 'good', about: 'TLS', message }
}
