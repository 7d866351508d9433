import {
  bare,
  configuredUriFlaw,
  defaultSharing,
  fetchDocument,
  FetchError,
  type FetchLike,
  firstMetadata,
  httpHost,
  isOptions,
  metadataOf,
  metadataUris,
  misconfigured,
  own,
  type PlainHttp,
  plainHttpFrom,
  quote,
  uriFlaw,
} from '../adapter.ts'
import { isTlsClient } from './client.ts'
import { ACTION, type ResolvedOptions } from './options.ts'

/** Where the introspection endpoint is. */
export interface EndpointLocator {
  /** What errors and events call it. */
  readonly name: string
  /**
   * Its address. Fetches the issuer's metadata if no address is known, after ten minutes, and half a minute after a failure. Requests at the
   * same time share one fetch, except in Workers.
   *
   * @param left - milliseconds to take. A shared fetch has those of its first request
   * @throws FetchError
   */
  locate(left: number): Promise<URL>
  /** Whether its address is known. */
  isKnown(): boolean
  /** It failed: the next request fetches metadata again. */
  failed(): void
  /** Aborts the fetch of metadata, and permits no other. */
  close(): void
}

// Milliseconds that metadata counts as current, and that it is not fetched again after that failed.
const CURRENT = 600_000
const RETRY = 30_000
const MOST_BYTES = 65_536

/** @throws TypeError for an address that is not https, and for an issuer whose metadata cannot be found */
export function endpointLocator<C extends object>(
  options: Pick<
    ResolvedOptions<C>,
    'issuer' | 'endpoint' | 'client' | 'allowHttpHosts' | 'fetch' | 'clock' | 'timeout' | 'onEvent'
  >,
  fetch: FetchLike,
): EndpointLocator {
  const { issuer, endpoint, clock, timeout, onEvent } = options
  const plainHttp: PlainHttp = {
    loopback: 'allowed',
    hosts: options.allowHttpHosts.map((host) => httpHost(host) ?? host),
  }
  if (endpoint !== undefined) {
    const url = new URL(endpoint)
    assertAllowed(configuredUriFlaw(url, plainHttp), 'the "endpoint"')
    return {
      name: `${url.origin}${url.pathname}`,
      locate: async () => url,
      isKnown: () => true,
      failed: () => {},
      close: () => {},
    }
  }
  if (issuer === null || !URL.canParse(issuer))
    throw misconfigured(ACTION, 'the issuer must be a URL; else give the "endpoint"', issuer)
  const url = new URL(issuer)
  assertAllowed(
    configuredUriFlaw(url, plainHttp) ?? (url.search === '' ? undefined : 'must not have a query'),
    'the issuer',
  )
  let found: { readonly url: URL; until: number } | undefined
  let fetching: Promise<URL> | undefined
  const isShared = defaultSharing() === 'promise'
  const closing = new AbortController()

  const find = async (left: number): Promise<URL> => {
    const now = clock.monotonic()
    try {
      const { text } = await firstMetadata(metadataUris(url), MOST_BYTES, async (uri, { maxBytes }) =>
        fetchDocument(
          uri,
          bare({
            fetch,
            clock,
            timeout,
            left: left - (clock.monotonic() - now),
            maxBytes,
            accept: 'application/json',
            signal: closing.signal,
            onEvent,
          }),
        ),
      )
      const address = endpointOf(metadataOf(text, issuer), url, plainHttp, isTlsClient(options.client))
      found = { url: address, until: clock.monotonic() + CURRENT }
      return address
    } catch (error) {
      if (found === undefined || isForbidden(error)) throw error
      found.until = clock.monotonic() + RETRY
      return found.url
    } finally {
      fetching = undefined
    }
  }

  return {
    name: issuer,
    locate: async (left) => {
      if (found !== undefined && clock.monotonic() < found.until) return found.url
      if (fetching !== undefined) return fetching
      const finding = find(left)
      if (isShared) fetching = finding
      return finding
    },
    isKnown: () => found !== undefined,
    failed: () => {
      if (found !== undefined) found.until = Math.min(found.until, clock.monotonic() + RETRY)
    },
    close: () => closing.abort(),
  }
}

// Metadata that names another issuer or place must not be ignored.
function isForbidden(error: unknown): boolean {
  return error instanceof FetchError && (error.reason === 'issuer_mismatch' || error.reason === 'uri_not_allowed')
}

function assertAllowed(flaw: string | undefined, what: string): void {
  if (flaw !== undefined) throw misconfigured(ACTION, `the address of ${what} ${flaw}`)
}

/**
 * The endpoint in an issuer's metadata (RFC 8414 section 2): with a client certificate, the alias for it (RFC 8705 section 5) if there is
 * one.
 */
function endpointOf(
  metadata: Readonly<Record<string, unknown>>,
  issuer: URL,
  plainHttp: PlainHttp,
  usesCertificate: boolean,
): URL {
  const aliases = own(metadata, 'mtls_endpoint_aliases')
  const alias = usesCertificate && isOptions(aliases) ? own(aliases, NAME) : undefined
  const uri = alias ?? own(metadata, NAME)
  if (typeof uri !== 'string' || !URL.canParse(uri))
    throw new FetchError('malformed', `The metadata has no "${NAME}" that is a URL: give the "endpoint"`)
  const address = new URL(uri)
  const place = quote(`${address.protocol}//${address.host}`)
  const flaw = uriFlaw(address, plainHttpFrom(issuer, plainHttp))
  if (flaw !== undefined) throw new FetchError('uri_not_allowed', `The "${NAME}" of the metadata, on ${place}, ${flaw}`)
  if (address.hostname !== issuer.hostname)
    throw new FetchError(
      'uri_not_allowed',
      `The "${NAME}" of the metadata is on ${place}: give it as "endpoint" if it is to be trusted`,
    )
  return address
}

const NAME = 'introspection_endpoint'
