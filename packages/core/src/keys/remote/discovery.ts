import { quote } from '../../errors/quote.ts'
import { parseStrictJson, StrictJsonError } from '../../json/strict-json.ts'
import { emit } from '../../model/events.ts'
import { bare, isObject } from '../../model/values.ts'
import { listOf, misconfigured, type OptionRule, type OptionTable } from '../../options/option-rules.ts'
import { readOptions } from '../../options/read-options.ts'
import { ageSeconds, type FetchDocumentOptions, type FetchedDocument, freshSeconds } from '../fetch/fetch-document.ts'
import { FetchError, retrySeconds } from '../fetch/fetch-error.ts'
import {
  configuredUriFlaw,
  isHost,
  isNamedHttp,
  isUrl,
  type PlainHttp,
  plainHttpFrom,
  uriFlaw,
} from '../fetch/key-uri.ts'
import { afterFailure, afterStart, afterSuccess, nextAttemptAt, NO_ATTEMPTS } from './attempt-history.ts'
import { locatedKeySet, type RemoteKeySet } from './key-set.ts'
import {
  completeKeySetOptions,
  type ReadKeySetOptions,
  REMOTE_KEY_SET,
  type RemoteKeySetOptions,
  type ResolvedKeySetOptions,
} from './options.ts'
import { freshnessAt, type Lifetime, lifetime } from './refresh-policy.ts'
import type { JwkSetAddress, JwkSetLocator } from './refresh.ts'

export interface DiscoveredKeySetOptions extends RemoteKeySetOptions {
  /** Hosts besides the issuer's own where its keys may be, exact, without port. @defaultValue none */
  readonly allowedKeyHosts?: readonly string[]
  /** Where the metadata is, if its address does not follow from the issuer. @defaultValue the issuer's well-known addresses */
  readonly metadataUri?: string | URL | undefined
}

/**
 * The keys of an issuer, discovered through its metadata: OpenID Connect Discovery section 4, else RFC 8414 section 3. The metadata must
 * name exactly this issuer, and a JWK Set on the issuer's own host or on an allowed host. Metadata is cached like key sets: refreshed
 * regularly, and kept through outages.
 *
 * @throws TypeError for an issuer that is not an https URL, or has a query or a fragment
 */
export function discoveredKeySet(issuer: string, options: DiscoveredKeySetOptions = {}): RemoteKeySet {
  const { allowedKeyHosts, metadataUri, ...read } = readOptions(ACTION, options, DISCOVERED) as ReadKeySetOptions &
    DiscoveredKeySetOptions & { readonly allowedKeyHosts: readonly string[] }
  return keySetOf({ issuer, metadataUri, allowedKeyHosts }, completeKeySetOptions(bare(read)))
}

/** Which keys are looked for, and where. */
interface Discovery extends Pick<DiscoveredKeySetOptions, 'metadataUri'> {
  readonly issuer: string
  readonly allowedKeyHosts: readonly string[]
}

/** Like `discoveredKeySet`, with options that were read before. */
export function keySetOf(
  { issuer, metadataUri, allowedKeyHosts }: Discovery,
  options: ResolvedKeySetOptions,
): RemoteKeySet {
  const { plainHttp, onEvent } = options
  const address = String(metadataUri ?? issuer)
  if (!URL.canParse(address)) throw misconfigured(ACTION, `the issuer must be a URL; ${INSTEAD}`, address)
  const url = new URL(address)
  const flaw = configuredUriFlaw(url, plainHttp) ?? (url.search === '' ? undefined : 'must not have a query')
  if (flaw !== undefined)
    throw misconfigured(ACTION, `the ${metadataUri ? 'metadata' : "issuer's"} address ${flaw}; ${INSTEAD}`)
  if (isNamedHttp(url, plainHttp)) emit(onEvent, { type: 'keys.plain_http', uri: address })
  const uris = metadataUri ? [url] : metadataUris(url)
  return locatedKeySet(discoveredLocator({ issuer, url, allowedKeyHosts, plainHttp }, uris, options), options)
}

const ACTION = 'discover keys'
const INSTEAD = 'otherwise set "metadataUri" or "jwksUri"'
const HOST_NAME: OptionRule = { be: 'the name of a host', fits: isHost }
const DISCOVERED: OptionTable<DiscoveredKeySetOptions> = {
  ...REMOTE_KEY_SET,
  allowedKeyHosts: { ...listOf('a list of host names', HOST_NAME), default: [] },
  metadataUri: { be: 'a URL', fits: isUrl },
}
const LARGEST_METADATA = 262_144
const DEFAULT_METADATA = 65_536

/**
 * Finds the key address in an issuer's metadata. Metadata is fetched within a fetch of the keys and at most once per fetch, so the rate
 * limits also apply to its address. A token that names a key the set lacks also triggers a metadata fetch: keys may have moved while their
 * old address still responds.
 */
function discoveredLocator(rules: MetadataRules, uris: readonly URL[], options: ResolvedKeySetOptions): JwkSetLocator {
  const { clock, random } = options
  const limits = { cooldown: options.cooldown * 1000, fetchesPerMinute: options.fetchesPerMinute }
  const maxBytes = Math.min(Math.max(options.maxBytes, DEFAULT_METADATA), LARGEST_METADATA)
  let found: (Lifetime & JwkSetAddress) | undefined
  let history = NO_ATTEMPTS
  let fetchFailed = false

  const locate: JwkSetLocator['locate'] = async ({ cause, fetch, onStale }) => {
    const startedAt = clock.monotonic()
    const freshness = freshnessAt(startedAt, found)
    const usable = freshness === 'expired' ? undefined : found
    const isDue = cause === 'token' && usable && startedAt >= usable.confirmedAt + limits.cooldown
    if (usable && freshness === 'fresh' && !fetchFailed && !isDue) return usable
    // With a known key address, a fetch need not wait for metadata that keeps failing.
    if (usable && nextAttemptAt(history, { cause, freshness }, limits, startedAt) > startedAt) return usable
    history = afterStart(history, cause, limits, startedAt)
    try {
      const { text, headers, sentAt } = await firstMetadata(uris, maxBytes, fetch)
      const url = jwksUriOf(text, rules)
      const times = lifetime(sentAt, freshSeconds(headers) ?? options.freshFor, options)
      found = { ...times, url, validTo: sentAt - ageSeconds(headers) * 1000 }
      fetchFailed = false
      history = afterSuccess(history, 'warm')
      return found
    } catch (error) {
      const { reason, retryAfter } = error instanceof FetchError ? error : { reason: 'network' as const }
      const now = clock.monotonic()
      history = afterFailure(history, { startedAt, retryAfter, random: random() }, now)
      if (!usable) throw error
      const wait = nextAttemptAt(history, { cause: 'age', freshness }, limits, now) - now
      const uri = (uris[0] ?? rules.url).href
      onStale({ uri, age: (now - usable.confirmedAt) / 1000, reason, retryAfter: retrySeconds(wait) })
      return usable
    }
  }

  return {
    // Policies of one issuer may have their own metadata and keys.
    id: uris.includes(rules.url) ? rules.url.href : rules.issuer,
    // A discovered issuer has no query and no credentials, so its URL is safe to show.
    name: rules.issuer,
    locate,
    trusts: ({ origin, hostname }) => origin === rules.url.origin || rules.allowedKeyHosts.includes(hostname),
    onFailure: () => {
      fetchFailed = true
    },
  }
}

/**
 * The first metadata of those addresses.
 *
 * @throws FetchError
 */
export async function firstMetadata<D extends FetchedDocument>(
  uris: readonly URL[],
  maxBytes: number,
  fetch: (url: URL, options: Pick<FetchDocumentOptions, 'maxBytes' | 'etag'>) => Promise<D>,
): Promise<D> {
  const failed: FailedLookup[] = []
  for (const uri of uris) {
    try {
      return await fetch(uri, { maxBytes, etag: undefined })
    } catch (error) {
      if (!(error instanceof FetchError)) throw error
      failed.push({ uri, error })
      // Only missing metadata leads to the next address: malformed metadata, a mismatch or an outage does not.
      if (!isAbsent(error)) break
    }
  }
  throw noMetadata(failed)
}

const ABSENT: ReadonlySet<number> = new Set([400, 401, 403, 404, 405, 410, 501])

// A web application may answer every path with its one page, or redirect it to its login.
function isAbsent({ reason, status, content }: FetchError): boolean {
  return reason === 'redirect' || content === 'web_page' || (status !== undefined && ABSENT.has(status))
}

interface FailedLookup {
  readonly uri: URL
  readonly error: FetchError
}

function noMetadata(failed: readonly FailedLookup[]): FetchError {
  const errors = failed.map(({ error }) => error)
  // A 401, a redirect or a web page tells an operator more than a 404 from the other addresses.
  const cause =
    errors.find((error) => !isAbsent(error)) ??
    errors.find(({ status }) => status === 401 || status === 403) ??
    errors.find(({ status }) => status === undefined || !ABSENT.has(status)) ??
    errors.at(-1)
  const places = failed.map(({ uri, error: { reason, status, content } }) => {
    const brief = content === 'web_page' ? 'a web page' : (status ?? reason)
    return `${uri.href}${failed.length > 1 ? ` (${brief})` : ''}`
  })
  const { reason, message, status, retryAfter } = cause ?? new FetchError('status', 'it has no address')
  return new FetchError(reason, `No metadata from ${places.join(', ')}: ${message}`, { cause, status, retryAfter })
}

/** The expected issuer of metadata, and where the keys it names may be. */
interface MetadataRules {
  /** Compared with the metadata's `issuer` exactly, without normalizing. */
  readonly issuer: string
  readonly url: URL
  readonly allowedKeyHosts: readonly string[]
  readonly plainHttp: PlainHttp
}

const JSON_LIMITS = { members: 1000, nodes: 65_536, depth: 16 }

/**
 * The address of the JWK Set in an issuer's metadata (RFC 8414 sections 2 and 3.3).
 *
 * @throws FetchError `malformed`, `issuer_mismatch` or `uri_not_allowed`
 */
export function jwksUriOf(text: string, { issuer, url, allowedKeyHosts, plainHttp }: MetadataRules): URL {
  const { jwks_uri: uri } = metadataOf(text, issuer)
  if (typeof uri !== 'string' || !URL.canParse(uri))
    throw new FetchError('malformed', 'The metadata has no "jwks_uri" that is a URL')
  const address = new URL(uri)
  // An https issuer must not redirect its verifiers to plain http, not even on loopback.
  const flaw = uriFlaw(address, plainHttpFrom(url, plainHttp))
  const isOnKeyHost = address.hostname === url.hostname || allowedKeyHosts.includes(address.hostname)
  if (flaw === undefined && isOnKeyHost) return address
  const place = quote(`${address.protocol}//${address.host}`)
  throw new FetchError(
    'uri_not_allowed',
    flaw === undefined
      ? `The "jwks_uri" of the metadata is on ${place}: add ${quote(address.hostname)} to "allowedKeyHosts" if it is to be trusted`
      : `The "jwks_uri" of the metadata, on ${place}, ${flaw}`,
  )
}

/**
 * The metadata of an issuer (RFC 8414 sections 2 and 3.3).
 *
 * @throws FetchError `malformed` or `issuer_mismatch`
 */
export function metadataOf(text: string, issuer: string): Readonly<Record<string, unknown>> {
  const metadata = parseMetadata(text)
  const { issuer: found } = metadata
  if (found === issuer) return metadata
  const isSlash = found === `${issuer}/` || `${String(found)}/` === issuer
  const advice = isSlash ? `. If that is the issuer, write "issuer": ${quote(found)}, as its tokens do` : ''
  throw new FetchError(
    'issuer_mismatch',
    `The metadata names another issuer: expected ${quote(issuer)}, found ${quote(found)}${advice}`,
  )
}

function parseMetadata(text: string): Readonly<Record<string, unknown>> {
  try {
    const value = parseStrictJson(text, JSON_LIMITS)
    if (isObject(value) && !Array.isArray(value)) return value as Record<string, unknown>
  } catch (cause) {
    if (!(cause instanceof StrictJsonError)) throw cause
    throw new FetchError('malformed', `The metadata ${cause.message}`, { cause })
  }
  throw new FetchError('malformed', 'The metadata is not a JSON object')
}

/**
 * Where an issuer's metadata may be, in the order to try: the path of OpenID Connect Discovery section 4.1 appended, the
 * path of RFC 8414 section 3.1 inserted, and OpenID's name inserted the same way (RFC 8414 section 5).
 */
export function metadataUris(issuer: URL): readonly URL[] {
  const path = issuer.pathname.replace(/\/$/, '')
  const paths = [
    `${path}/.well-known/openid-configuration`,
    `/.well-known/oauth-authorization-server${path}`,
    `/.well-known/openid-configuration${path}`,
  ]
  return [...new Set(paths)].map((pathname) => Object.assign(new URL(issuer), { pathname }))
}
