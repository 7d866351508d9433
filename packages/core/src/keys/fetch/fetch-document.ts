import { TransportError } from '../../errors/auth-error.ts'
import { quote } from '../../errors/quote.ts'
import { emit, type EventListener, type FetchFailure } from '../../model/events.ts'
import { recentMap, type RecentMap } from '../../model/memory.ts'
import type { Clock, FetchHeaders, FetchInit, FetchLike, FetchResponse } from '../../model/runtime.ts'
import { bare, ignoreRejection, own } from '../../model/values.ts'
import { FetchError, systemCode } from './fetch-error.ts'
import { printedAddress } from './key-uri.ts'

/** What to fetch a document with, and the bounds of the fetch. */
export interface FetchDocumentOptions {
  readonly fetch: FetchLike
  readonly clock: Clock
  /** Seconds for the whole fetch: connect, headers and body. */
  readonly timeout: number
  /** Milliseconds left of the timeout, if earlier fetches have used some. @defaultValue all */
  readonly left?: number
  /** Most bytes of the body, after decompression. */
  readonly maxBytes: number
  /** Configured header fields, which may be secrets. @defaultValue none */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Sent as a POST request, with its content type. @defaultValue a GET request */
  readonly post?: { readonly contentType: string; readonly body: string } | undefined
  /** @defaultValue that of a JWK Set */
  readonly accept?: string
  /** Makes the request conditional, and accepts status 304. */
  readonly etag?: string | undefined
  /** Aborts the fetch early. */
  readonly signal?: AbortSignal | undefined
  /** What messages say about status 401 and 403. @defaultValue what to write for `keySet.headers`, if there are none */
  readonly ifRefused?: string | undefined
  /** Told when the fetch has ended. @defaultValue none */
  readonly onEvent?: EventListener | undefined
}

/** A document that arrived whole. */
export interface FetchedDocument {
  readonly status: 200 | 304
  /** Empty for 304. */
  readonly text: string
  readonly headers: FetchHeaders
}

/**
 * Fetches a small document under one deadline. Follows no redirects, accepts only status 200 (or 304 with `etag`), and does not trust the
 * content type.
 *
 * @throws FetchError
 */
export async function fetchDocument(url: URL, given: FetchDocumentOptions): Promise<FetchedDocument> {
  const options = bare({ ...given })
  const { onEvent } = options
  if (onEvent === undefined) return documentWithin(url, options)
  const { clock } = options
  const begun = clock.monotonic()
  const ended = (outcome: { readonly status?: number | undefined; readonly reason?: FetchFailure }): void => {
    const [status, reason] = [own(outcome, 'status'), own(outcome, 'reason')]
    const duration = clock.monotonic() - begun
    const method = options.post ? 'POST' : 'GET'
    const known = { ...(status !== undefined && { status }), ...(reason !== undefined && { reason }) }
    emit(onEvent, { type: 'fetch.ended', uri: printedAddress(url), method, duration, ...known })
  }
  try {
    const document = await documentWithin(url, options)
    ended({ status: document.status })
    return document
  } catch (error) {
    // Nothing failed if the verifier was closed.
    if (!options.signal?.aborted) ended(error instanceof FetchError ? error : { reason: 'network' })
    throw error
  }
}

async function documentWithin(url: URL, options: FetchDocumentOptions): Promise<FetchedDocument> {
  const { clock, timeout, left = timeout * 1000, signal } = options
  const deadline = new AbortController()
  const onAbort = (): void => deadline.abort(new FetchError('network', 'The fetch was given up'))
  const onTimeout = (): void => deadline.abort(new FetchError('timeout', `No complete answer within ${timeout} s`))
  // If a transport ignores its signal, its promise is abandoned and its late response discarded.
  const aborted = new Promise<never>((_resolve, reject) => {
    deadline.signal.addEventListener('abort', () => reject(deadline.signal.reason as Error))
  })
  if (signal?.aborted) onAbort()
  signal?.addEventListener('abort', onAbort)
  const cancelTimer = clock.setTimeout(onTimeout, left)
  try {
    return await Promise.race([exchange(url, options, deadline.signal), aborted])
  } catch (cause) {
    const reason: unknown = deadline.signal.reason
    if (reason instanceof FetchError) throw reason
    throw cause instanceof FetchError ? cause : requestError(url, options, cause)
  } finally {
    cancelTimer()
    signal?.removeEventListener('abort', onAbort)
    // A transport that ignores the caller's signal must not keep reading.
    deadline.abort()
  }
}

/** The `User-Agent` of requests (RFC 9110 section 10.1.5). Some key endpoints refuse requests without one. */
export const USER_AGENT = 'claimgate/0.1.0'

async function exchange(url: URL, options: FetchDocumentOptions, signal: AbortSignal): Promise<FetchedDocument> {
  signal.throwIfAborted()
  const { etag, maxBytes, post } = options
  // Some browsers forbid the field, and others send a preflight because of it.
  const isBrowser = globalThis.navigator?.userAgent?.startsWith('Mozilla/')
  const headers = bare({
    accept: options.accept ?? 'application/jwk-set+json, application/json;q=0.9',
    ...(!isBrowser && { 'user-agent': USER_AGENT }),
    ...options.headers,
    ...(etag !== undefined && { 'if-none-match': etag }),
    ...(post && { 'content-type': post.contentType }),
  })
  // Without a prototype, because a transport reads any option it finds: a body, a proxy, another host.
  const received = await send(
    url,
    bare<FetchInit>({
      method: post ? 'POST' : 'GET',
      headers,
      redirect: 'manual',
      signal,
      ...(post && { body: post.body }),
    }),
    options.fetch,
  )
  const { status, type, redirected, body } = received
  const response = { status, type, redirected, body, headers: textFields(received.headers) }
  const isUnchanged = status === 304 && etag !== undefined
  const failure = isUnchanged ? undefined : statusError(url, response, options)
  if (isUnchanged || failure) ignoreRejection(response.body?.cancel())
  if (failure) throw failure
  const text = isUnchanged ? '' : await readText(response, maxBytes, signal)
  return { status: isUnchanged ? 304 : 200, text, headers: response.headers }
}

// A transport of the application may give anything, such as a promise that rejects.
function textFields(headers: FetchHeaders): FetchHeaders {
  return {
    get: (name) => {
      const value: unknown = headers.get(name)
      if (typeof value === 'string') return value
      ignoreRejection(value)
      return null
    },
  }
}

// Connections belong to the transport, so all key sets that use it share them.
const respondingOrigins = new WeakMap<FetchLike, RecentMap<string, true>>()
const MOST_ORIGINS = 1000
const BROKEN: ReadonlySet<string | undefined> = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'])

/**
 * Sends a request, and retries it once immediately if a possibly reused connection breaks before any response: a server may close an idle
 * connection just as a request is written to it. Only an origin that has responded can have an open connection. If the retry breaks too,
 * the origin must respond again before the next retry, so an outage costs an endpoint one extra request, not twice as many.
 */
async function send({ href, origin }: URL, init: FetchInit, fetch: FetchLike): Promise<FetchResponse> {
  const responding = respondingOrigins.get(fetch) ?? recentMap<string, true>(MOST_ORIGINS)
  respondingOrigins.set(fetch, responding)
  const mayBeReused = responding.get(origin) === true
  let response: FetchResponse
  try {
    response = await fetch(href, init)
  } catch (error) {
    // A runtime's `fetch` has the socket's error as its cause.
    const isBroken = BROKEN.has(systemCode(error)) || (error instanceof Error && BROKEN.has(systemCode(error.cause)))
    if (!mayBeReused || init.signal.aborted || !isBroken) throw error
    try {
      response = await fetch(href, init)
    } catch (again) {
      responding.delete(origin)
      throw again
    }
  }
  responding.set(origin, true)
  return response
}

const WANTS_HEADERS = 'if it wants credentials, keySet.headers can send them'

function statusError(
  url: URL,
  { status, type, redirected, headers }: FetchResponse,
  options: FetchDocumentOptions,
): FetchError | undefined {
  if (type === 'opaqueredirect' || redirected || (status >= 300 && status < 400 && status !== 304)) {
    const location = headers.get('location')
    const target =
      location !== null && URL.canParse(location, url) ? ` to ${quote(printedAddress(new URL(location, url)))}` : ''
    return new FetchError('redirect', `Redirects are not followed (status ${status}${target})`, { status })
  }
  if (status === 200) return undefined
  const { clock, headers: sent = {} } = options
  const ifRefused = options.ifRefused ?? (Object.keys(sent).length === 0 ? WANTS_HEADERS : undefined)
  const advice = (status === 401 || status === 403) && ifRefused !== undefined ? ` (${ifRefused})` : ''
  const retryAfter = retryAfterSeconds(headers.get('retry-after'), clock.now())
  return new FetchError('status', `The status was ${status}, not 200${advice}`, { status, retryAfter })
}

function requestError({ search }: URL, { headers = {} }: FetchDocumentOptions, cause: unknown): FetchError {
  if (cause instanceof TransportError) return new FetchError('transport', cause.message, { cause })
  // Values that an error may repeat but must not be shown: the query, and the configured header fields.
  const secrets = [search, ...Object.values(headers)].filter((secret) => secret !== '')
  const inner = cause instanceof Error ? cause.cause : undefined
  // A runtime's `fetch` error says little; its `cause` says what went wrong.
  const [first, second] = systemCode(cause) === undefined ? [inner, cause] : [cause, inner]
  const code = systemCode(first) ?? systemCode(second)
  const text = messageOf(first, secrets) ?? messageOf(second, secrets)
  // The code of a system error is enough; codes of Node and undici are not.
  const isEnough = code !== undefined && !/^(?:UND_)?ERR_/.test(code)
  const why = [code, isEnough ? undefined : text].filter((part) => part !== undefined).join(': ')
  const detail = why === '' ? '' : code === undefined ? `: ${why}` : ` (${why})`
  // Any nested error may repeat secrets, so the cause is dropped if there are any.
  return new FetchError('network', `The request failed${detail}`, secrets.length === 0 ? { cause } : {})
}

/** The message of an error, without the secrets it may repeat. */
function messageOf(error: unknown, secrets: readonly string[]): string | undefined {
  const text = error instanceof Error ? error.message : error
  if (typeof text !== 'string' || text.trim() === '') return undefined
  return quote(secrets.reduce((rest, secret) => rest.replaceAll(secret, ''), text))
}

/**
 * Reads a body as UTF-8. Counts bytes after decompression and stops at the limit.
 *
 * @throws FetchError `too_large`, or `malformed` if it is not UTF-8 or a web page
 */
async function readText({ body, headers }: FetchResponse, maxBytes: number, signal: AbortSignal): Promise<string> {
  if (!body) return ''
  const reader = body.getReader()
  const cancel = (): void => {
    try {
      ignoreRejection(reader.cancel())
    } catch {
      // Node ends the process for what a listener of an abort throws.
    }
  }
  signal.addEventListener('abort', cancel)
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      // A text has no byteLength, and the limit would be lost.
      if (!ArrayBuffer.isView(value)) throw new FetchError('malformed', 'The body is not bytes')
      size += value.byteLength
      if (size > maxBytes) throw tooLarge(headers, maxBytes)
      chunks.push(value)
    }
    // A cancelled body ends as if it were complete.
    signal.throwIfAborted()
  } catch (error) {
    cancel()
    throw error
  } finally {
    signal.removeEventListener('abort', cancel)
  }
  const text = decode(chunks)
  if (MARKUP.test(text)) throw webPage('malformed')
  return text
}

const MARKUP = /^\uFEFF?\s*</

function decode(chunks: readonly Uint8Array[]): string {
  // Keeps a byte order mark, which the parser rejects.
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  try {
    return chunks.map((chunk) => decoder.decode(chunk, { stream: true })).join('') + decoder.decode()
  } catch (cause) {
    throw new FetchError('malformed', 'The body is not UTF-8', { cause })
  }
}

// The content type is not trusted, but for a page that is too large to read it is the only clue.
function tooLarge(headers: FetchHeaders, maxBytes: number): FetchError {
  if (/^text\/html\b/i.test(headers.get('content-type') ?? '')) return webPage('too_large')
  const limit = `The body has more than ${maxBytes} bytes; "maxBytes" of the key set sets this limit`
  return new FetchError('too_large', limit)
}

function webPage(reason: FetchFailure): FetchError {
  return new FetchError(reason, 'The answer is a web page, not JSON', { content: 'web_page' })
}

const FEWEST_SECONDS = 60
const MOST_SECONDS = 86_400

/**
 * Seconds a response counts as fresh, from `Cache-Control: max-age` less `Age` (RFC 9111 sections 4.2 and 5.1), clamped to between a minute
 * and a day. `undefined` if the server sends no `max-age`, or forbids storing.
 */
export function freshSeconds(headers: FetchHeaders): number | undefined {
  const control = headers.get('cache-control') ?? ''
  if (/\bno-(store|cache)\b/i.test(control)) return undefined
  const [, digits] = /(?:^|[\s,])max-age\s*=\s*"?(\d{1,10})/i.exec(control) ?? []
  return digits === undefined ? undefined : clampFreshness(Number(digits) - ageSeconds(headers))
}

/** Seconds a response has spent in caches, from its `Age` (RFC 9111 section 5.1); 0 without one. */
export function ageSeconds(headers: FetchHeaders): number {
  return Number(/^\s*(\d{1,10})(?=\s*(?:,|$))/.exec(headers.get('age') ?? '')?.[1] ?? 0)
}

/** Clamps seconds of freshness to the limits for servers and seeds. */
export function clampFreshness(seconds: number): number {
  return Math.min(Math.max(seconds, FEWEST_SECONDS), MOST_SECONDS)
}

// Allows a space inside, which some servers send and which is harmless.
const ENTITY_TAG = /^(?:W\/)?"[ !#-~]{0,1024}"$/

/**
 * A value that may go into `If-None-Match`: an entity-tag (RFC 9110 section 8.8.3) in ASCII, of reasonable length. `undefined` for anything
 * else, because a transport may refuse to send it.
 */
export function entityTag(value: unknown): string | undefined {
  return typeof value === 'string' && ENTITY_TAG.test(value) ? value : undefined
}

/** Seconds of a `Retry-After`, given as a number or a date (RFC 9110 section 10.2.3); `undefined` if it is neither. */
export function retryAfterSeconds(value: string | null, now: number): number | undefined {
  const text = value?.trim() ?? ''
  if (/^\d{1,10}$/.test(text)) return Number(text)
  if (!/^[A-Z][a-z]{2}/.test(text)) return undefined
  const date = Date.parse(text)
  return Number.isNaN(date) ? undefined : Math.max(0, Math.ceil((date - now) / 1000))
}
