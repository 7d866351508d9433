import { TransportError } from '../../errors/auth-error.ts'
import { quote } from '../../errors/quote.ts'
import type { FetchFailure } from '../../model/events.ts'
import type { Clock, FetchHeaders, FetchInit, FetchLike, FetchResponse } from '../../model/runtime.ts'
import { bare, ignoreRejection } from '../../model/values.ts'
import { FetchError, systemCode } from './fetch-error.ts'
import { sendAgain } from './fetch-queue.ts'
import { type HeaderFields, retryAfterSeconds, userAgent } from './fields.ts'
import { printedAddress } from './key-uri.ts'

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
  readonly headers?: HeaderFields | undefined
  /** Makes the request conditional, and accepts status 304. */
  readonly etag?: string | undefined
  /** Aborts the fetch early. */
  readonly signal?: AbortSignal | undefined
}

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
export async function fetchDocument(url: URL, options: FetchDocumentOptions): Promise<FetchedDocument> {
  const { clock, timeout, left = timeout * 1000, signal } = options
  const deadline = new AbortController()
  const giveUp = (reason: FetchError): void => deadline.abort(reason)
  const closed = (): void => giveUp(new FetchError('network', 'The fetch was given up'))
  if (signal?.aborted) closed()
  signal?.addEventListener('abort', closed)
  const cancelTimer = clock.setTimeout(
    () => giveUp(new FetchError('timeout', `No complete answer within ${timeout} s`)),
    left,
  )
  try {
    return await untilAborted(deadline.signal, exchange(url, options, deadline.signal))
  } catch (cause) {
    const reason: unknown = deadline.signal.reason
    if (reason instanceof FetchError) throw reason
    throw cause instanceof FetchError ? cause : requestFailed(secretsOf(url, options), cause)
  } finally {
    cancelTimer()
    signal?.removeEventListener('abort', closed)
    // A transport that ignores the caller's signal must not keep reading.
    if (!deadline.signal.aborted) deadline.abort()
  }
}

async function exchange(url: URL, options: FetchDocumentOptions, signal: AbortSignal): Promise<FetchedDocument> {
  signal.throwIfAborted()
  const { fetch, etag, maxBytes } = options
  const headers = bare({
    accept: 'application/jwk-set+json, application/json;q=0.9',
    ...userAgent(),
    ...options.headers,
    ...(etag !== undefined && { 'if-none-match': etag }),
  })
  // Without a prototype, because a transport reads any option it finds: a body, a proxy, another host.
  const init = bare<FetchInit>({ method: 'GET', headers, redirect: 'manual', signal })
  const response = await sendAgain(fetch, url.origin, signal, async () => fetch(url.href, init))
  if (response.status === 304 && etag !== undefined) {
    discard(response)
    return { status: 304, text: '', headers: response.headers }
  }
  const failure = judge(url, response, options)
  if (failure) {
    discard(response)
    throw failure
  }
  const text = await readDocument(response, { maxBytes, signal })
  return { status: 200, text, headers: response.headers }
}

// The content type is not trusted, but for a page that is too large to read it is the only clue.
async function readDocument(response: FetchResponse, options: ReadTextOptions): Promise<string> {
  const isHtml = /^text\/html\b/i.test(response.headers.get('content-type') ?? '')
  const text = await readText(response, options).catch((error: unknown) => {
    throw isHtml && error instanceof FetchError && error.reason === 'too_large' ? webPage('too_large') : error
  })
  if (MARKUP.test(text)) throw webPage('malformed')
  return text
}

const MARKUP = /^\uFEFF?\s*</

function webPage(reason: FetchFailure): FetchError {
  return new FetchError(reason, 'The answer is a web page, not JSON', { content: 'web_page' })
}

function judge(
  url: URL,
  response: FetchResponse,
  { clock, headers: sent = {} }: FetchDocumentOptions,
): FetchError | undefined {
  const { status, type, redirected, headers } = response
  if (type === 'opaqueredirect' || redirected || (status >= 300 && status < 400 && status !== 304))
    return new FetchError('redirect', `Redirects are not followed (status ${status}${target(url, headers)})`, {
      status,
    })
  if (status === 200) return undefined
  const retryAfter = retryAfterSeconds(headers.get('retry-after'), clock.now())
  const wantsCredentials = (status === 401 || status === 403) && Object.keys(sent).length === 0
  const advice = wantsCredentials ? ' (if it wants credentials, keySet.headers can send them)' : ''
  return new FetchError('status', `The status was ${status}, not 200${advice}`, {
    status,
    ...(retryAfter !== undefined && { retryAfter }),
  })
}

function target(url: URL, headers: FetchHeaders): string {
  const location = headers.get('location')
  if (location === null || !URL.canParse(location, url)) return ''
  return ` to ${quote(printedAddress(new URL(location, url)))}`
}

function requestFailed(secrets: readonly string[], cause: unknown): FetchError {
  if (cause instanceof TransportError) return new FetchError('transport', cause.message, { cause })
  const inner = cause instanceof Error ? cause.cause : undefined
  // A runtime's `fetch` error says little; its `cause` says what went wrong.
  const [first, second] = systemCode(cause) === undefined ? [inner, cause] : [cause, inner]
  const code = systemCode(first) ?? systemCode(second)
  const text = textOf(first, secrets) ?? textOf(second, secrets)
  // Any nested error may repeat secrets, so the cause is dropped if there are any.
  return new FetchError('network', `The request failed${why(code, text)}`, secrets.length === 0 ? { cause } : {})
}

// The code of a system error is enough; codes of Node and undici are not.
function why(code: string | undefined, text: string | undefined): string {
  if (code === undefined) return text === undefined ? '' : `: ${text}`
  return text !== undefined && /^(?:UND_)?ERR_/.test(code) ? ` (${code}: ${text})` : ` (${code})`
}

// Values that an error may repeat but must not be shown: the query, and the configured header fields.
function secretsOf({ search }: URL, { headers = {} }: FetchDocumentOptions): readonly string[] {
  return [search, ...Object.values(headers)].filter((secret) => secret !== '')
}

/** The message of an error, without the secrets it may repeat. */
function textOf(error: unknown, secrets: readonly string[]): string | undefined {
  const text = error instanceof Error ? error.message : error
  if (typeof text !== 'string' || text.trim() === '') return undefined
  return quote(secrets.reduce((rest, secret) => rest.replaceAll(secret, ''), text))
}

/** Frees the connection of a response that is not read. */
function discard(response: FetchResponse): void {
  ignoreRejection(response.body?.cancel())
}

// If a transport ignores its signal, its promise is abandoned and its late response discarded.
async function untilAborted<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  const settled = new AbortController()
  const aborted = new Promise<never>((_resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error)
    signal.addEventListener('abort', onAbort, { signal: settled.signal })
    if (signal.aborted) onAbort()
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    settled.abort()
  }
}

interface ReadTextOptions {
  readonly maxBytes: number
  readonly signal: AbortSignal
}

/**
 * Reads a body as UTF-8. Counts bytes after decompression and stops at the limit.
 *
 * @throws FetchError `too_large`, or `malformed` if it is not UTF-8
 */
async function readText(response: FetchResponse, { maxBytes, signal }: ReadTextOptions): Promise<string> {
  if (!response.body) return ''
  const reader = response.body.getReader()
  const cancel = (): void => ignoreRejection(reader.cancel())
  signal.addEventListener('abort', cancel)
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      size += value.byteLength
      if (size > maxBytes)
        throw new FetchError(
          'too_large',
          `The body has more than ${maxBytes} bytes; "maxBytes" of the key set sets this limit`,
        )
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
  return utf8(chunks, size)
}

function utf8(chunks: readonly Uint8Array[], size: number): string {
  const bytes = new Uint8Array(size)
  let offset = 0
  for (const chunk of chunks) {
    bytes.set(chunk, offset)
    offset += chunk.byteLength
  }
  try {
    // Keeps a byte order mark, which the parser rejects.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw new FetchError('malformed', 'The body is not UTF-8', { cause })
  }
}
