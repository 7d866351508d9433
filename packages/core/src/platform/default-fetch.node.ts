import { lookup as systemLookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import process from 'node:process'
import { PassThrough, pipeline, type Readable, type Transform } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import type { Agent, buildConnector, Dispatcher } from 'undici'
import { quote } from '../errors/quote.ts'
import { type FetchInit, type FetchLike, isLoopback } from '../model/runtime.ts'
import { bare } from '../model/values.ts'
import { knownOptions } from '../options/known-options.ts'
import { misconfigured } from '../options/option-rules.ts'
import { type AddressRule, connectOptions, guardedLookup, privateOnly, publicOnly } from './guarded-lookup.node.ts'
import { assertNodeVersion, loadUndici, type Undici, warnUnlessLoadable } from './load-undici.node.ts'
import { checkProxy, proxyAgent, type ProxyRoute, resolveProxy } from './proxy.node.ts'

const transports = new Map<string, FetchLike>()

/** The transport on Node: undici with few connections. Connects to any address that the configuration names. */
export const defaultFetch: FetchLike = (url, init) => defaultFetchThrough(undefined)(url, init)

/**
 * The transport with a proxy.
 *
 * @throws TypeError for an invalid proxy
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
 * Call this before you rely on `defaultFetch`. Configured keys need no transport, and work on any Node.
 *
 * @throws TypeError on a Node that is too old, and if the environment contains an invalid proxy
 */
export function assertDefaultFetch(): void {
  assertNodeVersion(process.versions)
  defaultFetchThrough(undefined)
  warnUnlessLoadable()
}

/** How undici connects. */
export interface UndiciFetchOptions {
  /** Refuses to connect to addresses that are not public, whatever host name resolves to them. @defaultValue false */
  readonly refusePrivateAddresses?: boolean
  /** Connections to one origin. Further key sets wait for their turn. From 1 to 100. @defaultValue 16 */
  readonly connections?: number | undefined
  /** Resolves host names, as `dns.lookup` does. @defaultValue dns.lookup */
  readonly lookup?: LookupFunction | undefined
  /**
   * The proxy for https: its address, `'environment'` to read `HTTPS_PROXY`, or `false` for none. Hosts in `NO_PROXY`, loopback addresses
   * and plain http always bypass it. @defaultValue 'environment' under NODE_USE_ENV_PROXY=1, else false
   */
  readonly proxy?: string | URL | false | undefined
}

/**
 * A transport for keys and metadata on Node: undici with a separate agent, few connections, and a check when a connection is made: plain
 * http never goes to a public address. Follows no redirects, does not keep an idle program running, and loads undici on the first call.
 *
 * The body is decompressed as it is read, so the reader can count its bytes and stop.
 *
 * @throws TypeError for unknown options or options out of their range, and on a Node older than 22.19
 */
export function undiciFetch(given: UndiciFetchOptions = {}): FetchLike<Response> {
  const options = knownOptions(ACTION, given, NAMES)
  const { refusePrivateAddresses = false, connections = 16, lookup = systemLookup } = options
  if (typeof refusePrivateAddresses !== 'boolean')
    throw misconfigured(ACTION, '"refusePrivateAddresses" must be true or false', refusePrivateAddresses)
  if (typeof lookup !== 'function') throw misconfigured(ACTION, '"lookup" must be a function', typeof lookup)
  if (!Number.isInteger(connections) || connections < 1 || connections > 100)
    throw misconfigured(ACTION, '"connections" must be a whole number from 1 to 100', connections)
  checkProxy(ACTION, options.proxy)
  const route = resolveProxy(ACTION, options.proxy, process)
  if (route && refusePrivateAddresses)
    throw misconfigured(
      ACTION,
      '"refusePrivateAddresses" means nothing behind a proxy, because the proxy resolves names: take it out, or write "proxy": false',
    )
  assertNodeVersion(process.versions)
  let agents: Agents | undefined
  const fetch: FetchLike<Response> = async (url, init) => {
    const undici = await loadUndici()
    agents ??= agentsOf(undici, { connections, lookup, refusePrivateAddresses, route })
    const target = new URL(url)
    return request(undici, isProxied(target) ? agents.proxied : agents.direct, target, init)
  }
  // Key sets read `connections`, and wait before a request rather than during it.
  return Object.assign(fetch, { connections })
}

interface Agents {
  readonly direct: Dispatcher
  readonly proxied: Dispatcher
}

interface AgentOptions extends ConnectorOptions {
  readonly connections: number
  readonly route: ProxyRoute | undefined
}

interface ConnectorOptions {
  readonly refusePrivateAddresses: boolean
  readonly lookup: LookupFunction
}

function agentsOf(undici: Undici, { connections, route, ...connecting }: AgentOptions): Agents {
  const options = { connections, pipelining: 1, connect: connector(undici, connecting) }
  const direct = new undici.Agent(bare<Agent.Options>({ ...options }))
  return { direct, proxied: route ? proxyAgent(undici, route, { ...options, lookup: connecting.lookup }) : direct }
}

// Plain http goes to loopback addresses, or to hosts whose addresses are checked; a proxy would resolve them without that check.
function isProxied({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' && !isLoopback(hostname)
}

const ACTION = 'use undici'
const NAMES: readonly string[] = ['refusePrivateAddresses', 'connections', 'lookup', 'proxy']

function connector(undici: Undici, { refusePrivateAddresses, lookup }: ConnectorOptions): buildConnector.connector {
  const https = refusePrivateAddresses
    ? guardedConnector(undici, lookup, publicOnly)
    : undici.buildConnector(connectOptions(lookup))
  const http = guardedConnector(undici, lookup, (hostname, addresses) =>
    refusePrivateAddresses
      ? (publicOnly(hostname, addresses) ?? privateOnly(hostname, addresses))
      : privateOnly(hostname, addresses),
  )
  return (target, callback) => (target.protocol === 'http:' ? http : https)(target, callback)
}

function guardedConnector(undici: Undici, lookup: LookupFunction, rule: AddressRule): buildConnector.connector {
  const connect = undici.buildConnector(connectOptions(guardedLookup(lookup, rule)))
  return (target, callback) => {
    // A literal address needs no lookup. URL has normalised its spelling.
    const hostname = target.hostname.replace(/^\[(.*)\]$/, '$1')
    const flaw = isIP(hostname) === 0 ? undefined : rule(hostname, [hostname])
    if (flaw) callback(flaw, null)
    else connect(target, callback)
  }
}

const ONLY_THIS_REQUEST: object = bare({ body: null, query: undefined, servername: undefined, upgrade: undefined })

async function request(undici: Undici, dispatcher: Dispatcher, url: URL, init: FetchInit): Promise<Response> {
  const options = {
    ...ONLY_THIS_REQUEST,
    method: init.method,
    // Key sets are small, so compression is not worth the work.
    headers: bare({ ...fieldsOf(init.headers), 'accept-encoding': 'identity' }),
    signal: init.signal,
    dispatcher,
  }
  const { statusCode, headers, body } = await undici.request(url, bare(options))
  const fields = new Headers()
  for (const [name, value] of Object.entries(headers)) {
    for (const single of [value ?? []].flat()) fields.append(name, single)
  }
  const status = statusCode < 200 || statusCode > 599 ? 599 : statusCode
  if ([204, 205, 304].includes(status)) {
    body.destroy()
    return new Response(null, { status, headers: fields })
  }
  const coding = fields.get('content-encoding')
  return new Response(webStream(decompressed(body, coding)), {
    status,
    headers: fields,
  })
}

// Accepts what `fetch` does: the fields of a `Headers` object or a list of pairs are not members. Lower case, so our fields replace theirs.
function fieldsOf(headers: ConstructorParameters<typeof Headers>[0]): Readonly<Record<string, string>> {
  return headers === undefined ? {} : Object.fromEntries(new Headers(headers))
}

// Some servers compress regardless of what the request accepts.
const decompressors: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
  identity: () => new PassThrough(),
}

function decompressed(body: Readable, coding: string | null): Readable {
  const name = coding?.trim().toLowerCase() ?? ''
  if (name === '') return body
  const decompressor = decompressors[name]
  if (!Object.hasOwn(decompressors, name) || !decompressor) {
    body.destroy()
    throw new TypeError(`The content coding ${quote(name)} is not supported`)
  }
  // The reader of the pipeline's end receives the error.
  return pipeline(body, decompressor(), () => undefined)
}

/**
 * Converts a Node stream to the body of a `Response`, with back-pressure.
 *
 * Replaces `Readable.toWeb`, which on Node 22 and 24 throws an uncatchable error if a body is cancelled while
 * bytes are arriving.
 */
export function webStream(readable: Readable): ReadableStream<Uint8Array> {
  // A reader gets errors from `next`; without a reader they do not matter.
  readable.on('error', () => undefined)
  const chunks = readable[Symbol.asyncIterator]() as AsyncIterator<Uint8Array, undefined>
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        const { done, value } = await chunks.next()
        if (done === true) controller.close()
        else controller.enqueue(value)
      },
      cancel: () => {
        readable.destroy()
      },
    },
    { highWaterMark: 0 },
  )
}
