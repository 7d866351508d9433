import { lookup as systemLookup } from 'node:dns'
import type { LookupFunction } from 'node:net'
import process from 'node:process'
import { PassThrough, pipeline, type Readable, type Transform } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import type { Agent, Dispatcher } from 'undici'
import { TransportError } from '../errors/auth-error.ts'
import { quote } from '../errors/quote.ts'
import { type FetchLike, isLoopback } from '../model/runtime.ts'
import { bare } from '../model/values.ts'
import {
  anything,
  callback,
  type Filled,
  flag,
  misconfigured,
  numberIn,
  type OptionTable,
} from '../options/option-rules.ts'
import { readOptions } from '../options/read-options.ts'
import { guardedConnector, type Undici } from './connection-guard.node.ts'
import { proxyAgent, resolveProxy } from './proxy.node.ts'

const transports = new Map<UndiciFetchOptions['proxy'], FetchLike>()

/** The transport on Node: undici with few connections. Connects to any address that the configuration names. */
export const defaultFetch: FetchLike = (url, init) => defaultFetchThrough(undefined)(url, init)

/**
 * The transport with a proxy.
 *
 * @throws TypeError for an invalid proxy
 */
export function defaultFetchThrough(proxy: UndiciFetchOptions['proxy']): FetchLike {
  // The text "false" is the name of a host.
  const name = proxy instanceof URL ? proxy.href : proxy
  const fetch = transports.get(name) ?? undiciFetch(proxy === undefined ? {} : { proxy })
  transports.set(name, fetch)
  return fetch
}

/**
 * Call this before you rely on `defaultFetch`. Configured keys need no transport, and work on any Node. Warns once if undici will not load:
 * in some bundles, or if it is not installed.
 *
 * @throws TypeError on a Node that is too old, and if the environment contains an invalid proxy
 */
export function assertDefaultFetch(): void {
  defaultFetchThrough(undefined)
  if (isChecked) return
  isChecked = true
  try {
    // A bundler that includes undici, in the bundle or in a file beside it, rewrites this import.
    if (/\(\s*["'`]undici["'`]\s*\)/.test(String(importUndici))) {
      // Bundles for CommonJS have no `import.meta.resolve`.
      import.meta.resolve?.('undici')
      return
    }
  } catch {
    // It is not installed.
  }
  loadUndici().catch((error: unknown) => process.emitWarning(String(error)))
}

let isChecked = false

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
  const { refusePrivateAddresses, connections, lookup, proxy } = readOptions(ACTION, given, UNDICI_FETCH) as ReadOptions
  assertNodeVersion(process.versions)
  const route = resolveProxy(ACTION, proxy, process)
  if (route && refusePrivateAddresses)
    throw misconfigured(
      ACTION,
      '"refusePrivateAddresses" means nothing behind a proxy, because the proxy resolves names: take it out, or write "proxy": false',
    )
  let agents: { readonly direct: Dispatcher; readonly proxied: Dispatcher } | undefined
  const fetch: FetchLike<Response> = async (url, { method, headers, signal, body }) => {
    const undici = await loadUndici()
    if (!agents) {
      const connect = guardedConnector(undici, { refusePrivateAddresses, lookup })
      const agentOptions = { connections, pipelining: 1, connect }
      const direct = new undici.Agent(bare<Agent.Options>({ ...agentOptions }))
      agents = { direct, proxied: route ? proxyAgent(undici, route, { ...agentOptions, lookup }) : direct }
    }
    const target = new URL(url)
    // Plain http goes to loopback addresses, or to hosts whose addresses are checked; a proxy would resolve them without that check.
    const isDirect = target.protocol !== 'https:' || isLoopback(target.hostname)
    // Accepts what `fetch` does: the fields of a `Headers` object or a list of pairs are not members. Key sets are small, so compression is
    // not worth the work.
    const fields = bare({ ...Object.fromEntries(new Headers(headers)), 'accept-encoding': 'identity' })
    const request = {
      method,
      headers: fields,
      signal,
      dispatcher: isDirect ? agents.direct : agents.proxied,
      ...ONLY_THIS_REQUEST,
      body: method === 'POST' ? (body ?? null) : null,
    }
    return responseOf(await undici.request(target, bare(request)))
  }
  // Key sets read `connections`, and wait before a request rather than during it.
  return Object.assign(fetch, { connections })
}

const ACTION = 'use undici'
type ReadOptions = Filled<UndiciFetchOptions, 'refusePrivateAddresses' | 'connections' | 'lookup'>
const UNDICI_FETCH: OptionTable<UndiciFetchOptions> = {
  refusePrivateAddresses: { ...flag, default: false },
  connections: numberIn({ least: 1, most: 100, whole: true, default: 16 }),
  lookup: { ...callback, default: systemLookup },
  // Checked by `resolveProxy`, whose message does not quote it.
  proxy: anything,
}
const ONLY_THIS_REQUEST: object = bare({ query: undefined, servername: undefined, upgrade: undefined })

function responseOf({ statusCode, headers, body }: Dispatcher.ResponseData): Response {
  const fields = new Headers()
  for (const [name, value] of Object.entries(headers))
    for (const single of [value ?? []].flat()) fields.append(name, single)
  const status = statusCode < 200 || statusCode > 599 ? 599 : statusCode
  if ([204, 205, 304].includes(status)) {
    body.destroy()
    return new Response(null, { status, headers: fields })
  }
  const coding = fields.get('content-encoding')?.trim().toLowerCase() ?? ''
  return new Response(webStream(coding === '' ? body : decompressed(body, coding)), { status, headers: fields })
}

// Some servers compress regardless of what the request accepts.
const decompressors: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
  identity: () => new PassThrough(),
}

function decompressed(body: Readable, coding: string): Readable {
  const decompressor = decompressors[coding]
  if (!Object.hasOwn(decompressors, coding) || !decompressor) {
    body.destroy()
    throw new TypeError(`The content coding ${quote(coding)} is not supported`)
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

// The dispatcher of the runtime's own `fetch`, on every version of Node this package supports.
const RUNTIME_DISPATCHER = Symbol.for('undici.globalDispatcher.1')
const BANNER =
  'Its bundle has no "require": give esbuild --banner:js="import { createRequire } from \'node:module\'; const require = createRequire(import.meta.url);", or --external:undici'

let loading: Promise<Undici> | undefined

/**
 * Loads undici on the first request, and undoes a side effect of loading it: undici replaces the agent of the runtime's `fetch`, which makes
 * some calls fail.
 *
 * @throws TransportError
 */
async function loadUndici(): Promise<Undici> {
  if (loading) return loading
  const slots = globalThis as unknown as Record<symbol, unknown>
  const before = slots[RUNTIME_DISPATCHER]
  loading = importUndici().finally(() => {
    if (slots[RUNTIME_DISPATCHER] !== before) slots[RUNTIME_DISPATCHER] = before
  })
  return loading
}

const importUndici = async (): Promise<Undici> => {
  try {
    const loaded = await import('undici')
    // With `splitting`, esbuild gives the file of a CommonJS module no named exports.
    return Object.hasOwn(loaded, 'Agent') ? loaded : (loaded.default as unknown as Undici)
  } catch (cause) {
    const remedy = /dynamic require/i.test(String(cause)) ? `. ${BANNER}` : ''
    throw new TransportError(`Cannot fetch keys: undici, on which it depends, does not load${remedy}`, { cause })
  }
}

/** The relevant members of `process.versions`. */
interface RuntimeVersions {
  readonly node?: string | undefined
  readonly bun?: string | undefined
  readonly deno?: string | undefined
}

// The minimum for undici. An older Node cannot load it, and would report a network failure.
const OLDEST = [22, 19] as const

/**
 * Rejects a Node that cannot load undici. Accepts other runtimes, which report a Node version only for compatibility.
 *
 * @throws TypeError
 */
export function assertNodeVersion({ node = '', bun, deno }: RuntimeVersions): void {
  if (bun !== undefined || deno !== undefined) return
  const [major = 0, minor = 0] = node.split('.').map(Number)
  const [oldestMajor, oldestMinor] = OLDEST
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return
  throw misconfigured(
    'fetch keys',
    `Claimgate needs Node ${OLDEST.join('.')} or later for fetching keys, and this is ${node}; or give a "fetch" of your own`,
  )
}
