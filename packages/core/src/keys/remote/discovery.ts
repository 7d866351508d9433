import { quote } from '../../errors/quote.ts'
import { parseStrictJson, StrictJsonError } from '../../json/strict-json.ts'
import { FetchError, retrySeconds } from '../fetch/fetch-error.ts'
import { ageSeconds, freshSeconds } from '../fetch/fields.ts'
import { type PlainHttp, plainHttpFrom, uriFlaw } from '../fetch/key-uri.ts'
import {
  afterFailure,
  afterStart,
  afterSuccess,
  type AttemptLimits,
  nextAttemptAt,
  NO_ATTEMPTS,
} from './attempt-history.ts'
import {
  type Errand,
  type FetchStep,
  type KeyLocation,
  lifetime,
  type LocatedSet,
  type SentDocument,
} from './held-set.ts'
import type { ResolvedKeySetOptions } from './options.ts'
import { freshnessAt, type Lifetime } from './refresh-policy.ts'

const LARGEST_METADATA = 262_144
const DEFAULT_METADATA = 65_536

type Found = Lifetime & LocatedSet

/**
 * Finds the key address in an issuer's metadata. Metadata is fetched within a fetch of the keys and at most once per fetch, so the rate
 * limits also apply to its address. A token that names a key the set lacks also triggers a metadata fetch: keys may have moved while their
 * old address still responds.
 */
export function discoveredLocation(
  rules: Omit<MetadataRules, 'plainHttp'>,
  options: ResolvedKeySetOptions,
): KeyLocation {
  const { clock, random, plainHttp } = options
  const limits: AttemptLimits = { cooldown: options.cooldown * 1000, fetchesPerMinute: options.fetchesPerMinute }
  const maxBytes = Math.min(Math.max(options.maxBytes, DEFAULT_METADATA), LARGEST_METADATA)
  const uris = metadataUris(rules.url)
  const [place = rules.url] = uris
  let found: Found | undefined
  let history = NO_ATTEMPTS
  let suspect = false

  const ask = async (fetch: FetchStep): Promise<Found> => {
    const {
      text,
      headers,
      sentAt: confirmedAt,
    } = await firstAnswer(uris, async (uri) => fetch(uri, { maxBytes, etag: undefined }))
    const url = keyAddress(text, { ...rules, plainHttp })
    const validTo = confirmedAt - ageSeconds(headers) * 1000
    return { ...lifetime(confirmedAt, freshSeconds(headers), options), url, validTo }
  }

  const locate = async ({ cause, fetch, onStale }: Errand): Promise<LocatedSet> => {
    const startedAt = clock.monotonic()
    const freshness = freshnessAt(startedAt, found)
    const usable = found && freshness !== 'expired' ? found : undefined
    const doubted = suspect || (cause === 'token' && usable && startedAt >= usable.confirmedAt + limits.cooldown)
    if (usable && freshness === 'fresh' && !doubted) return usable
    // With a known key address, a fetch need not wait for metadata that keeps failing.
    const mayAsk = nextAttemptAt(history, { cause, freshness }, limits, startedAt) <= startedAt
    if (usable && !mayAsk) return usable
    try {
      history = afterStart(history, cause, limits, startedAt)
      found = await ask(fetch)
      suspect = false
      history = afterSuccess(history, 'warm')
      return found
    } catch (error) {
      const { reason, retryAfter } = error instanceof FetchError ? error : { reason: 'network' as const }
      const now = clock.monotonic()
      history = afterFailure(history, { startedAt, retryAfter, random: random() }, now)
      if (!usable) throw error
      const wait = nextAttemptAt(history, { cause: 'age', freshness }, limits, now) - now
      const age = (now - usable.confirmedAt) / 1000
      onStale({ uri: place.href, age, reason, retryAfter: retrySeconds(wait) })
      return usable
    }
  }

  return {
    id: rules.issuer,
    // A discovered issuer has no query and no credentials, so its URL is safe to show.
    name: rules.issuer,
    locate,
    trusts: ({ origin, hostname }) => origin === rules.url.origin || rules.allowedKeyHosts.includes(hostname),
    onFailure: () => {
      suspect = true
    },
  }
}

interface Miss {
  readonly uri: URL
  readonly error: FetchError
}

// Only missing metadata leads to the next address: malformed metadata, a mismatch or an outage does not.
async function firstAnswer(
  [first, ...others]: readonly URL[],
  ask: (uri: URL) => Promise<SentDocument>,
  missed: readonly Miss[] = [],
): Promise<SentDocument> {
  if (!first) throw noMetadata(missed, mostTelling(missed))
  try {
    return await ask(first)
  } catch (error) {
    if (!(error instanceof FetchError)) throw error
    const miss = { uri: first, error }
    if (!isAbsent(error)) throw noMetadata([...missed, miss], miss)
    return firstAnswer(others, ask, [...missed, miss])
  }
}

const ABSENT: ReadonlySet<number> = new Set([400, 401, 403, 404, 405, 410, 501])
const REFUSED: ReadonlySet<number> = new Set([401, 403])

// A web application may answer every path with its one page, or redirect it to its login.
function isAbsent({ reason, status, content }: FetchError): boolean {
  return reason === 'redirect' || content === 'web_page' || (status !== undefined && ABSENT.has(status))
}

// A 401, a redirect or a web page tells an operator more than a 404 from the other addresses.
function mostTelling(missed: readonly Miss[]): Miss | undefined {
  const refused = missed.find(({ error: { status } }) => status !== undefined && REFUSED.has(status))
  return refused ?? missed.find(({ error: { status } }) => status === undefined || !ABSENT.has(status)) ?? missed.at(-1)
}

function noMetadata(missed: readonly Miss[], telling: Miss | undefined): FetchError {
  const { reason, message, status, retryAfter } = telling?.error ?? new FetchError('status', 'it has no address')
  const places = missed.map(({ uri, error }) => `${uri.href}${missed.length > 1 ? ` (${inBrief(error)})` : ''}`)
  const cause = telling?.error
  return new FetchError(reason, `No metadata from ${places.join(', ')}: ${message}`, { cause, status, retryAfter })
}

function inBrief({ reason, status, content }: FetchError): string {
  if (content === 'web_page') return 'a web page'
  return status === undefined ? reason : String(status)
}

/** The expected issuer of metadata, and where the keys it names may be. */
interface MetadataRules {
  /** Compared with the metadata's `issuer` exactly, without normalising. */
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
export function keyAddress(text: string, { issuer, url, allowedKeyHosts, plainHttp }: MetadataRules): URL {
  const metadata = parse(text)
  if (metadata['issuer'] !== issuer)
    throw new FetchError(
      'issuer_mismatch',
      `The metadata names another issuer: expected ${quote(issuer)}, found ${quote(metadata['issuer'])}${slashAdvice(issuer, metadata['issuer'])}`,
    )
  const address = parseUrl(metadata['jwks_uri'])
  if (!address) throw new FetchError('malformed', 'The metadata has no "jwks_uri" that is a URL')
  // An https issuer must not redirect its verifiers to plain http, not even on loopback.
  const flaw = uriFlaw(address, plainHttpFrom(url, plainHttp))
  const place = quote(`${address.protocol}//${address.host}`)
  if (flaw !== undefined)
    throw new FetchError('uri_not_allowed', `The "jwks_uri" of the metadata, on ${place}, ${flaw}`)
  if (address.hostname !== url.hostname && !allowedKeyHosts.includes(address.hostname))
    throw new FetchError(
      'uri_not_allowed',
      `The "jwks_uri" of the metadata is on ${place}: add ${quote(address.hostname)} to "allowedKeyHosts" if it is to be trusted`,
    )
  return address
}

function slashAdvice(issuer: string, found: unknown): string {
  if (found !== `${issuer}/` && `${String(found)}/` !== issuer) return ''
  return `. If that is the issuer, write "issuer": ${quote(found)}, as its tokens do`
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const value = parseStrictJson(text, JSON_LIMITS)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch (cause) {
    if (!(cause instanceof StrictJsonError)) throw cause
    throw new FetchError('malformed', `The metadata ${cause.message}`, { cause })
  }
  throw new FetchError('malformed', 'The metadata is not a JSON object')
}

function parseUrl(value: unknown): URL | undefined {
  return typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined
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
