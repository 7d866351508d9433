import { emit } from '../model/events.ts'
import { ownOptions } from '../model/values.ts'
import { kindOf, misconfigured } from '../options/option-rules.ts'
import { configuredUriFlaw, isNamedHttp, printedAddress, printedUri } from './fetch/key-uri.ts'
import { discoveredLocation } from './remote/discovery.ts'
import { locatedKeySet, type RemoteKeySet } from './remote/key-set.ts'
import { KEY_SET_OPTIONS, type RemoteKeySetOptions, resolveKeySetOptions } from './remote/options.ts'

export type { RemoteKeySet } from './remote/key-set.ts'
export {
  checkKeySetTuning,
  KEY_SET_OPTIONS,
  type RemoteKeySetOptions,
  type RemoteKeySetTuning,
} from './remote/options.ts'

/**
 * The keys of a JWK Set at a URL (RFC 7517 section 5). They are fetched when a token needs them, and never more often than
 * `docs/threat-model.md` allows. Nothing is fetched before the first use, and an idle set costs nothing.
 *
 * `resolve` throws `AuthError`: `key_not_found`, `key_ambiguous`, `algorithm_key_mismatch` or `key_unusable` if the set is certain, and
 * `keys_unavailable` (503) if the set cannot be fetched or is too old to be certain.
 *
 * @throws TypeError for an address that is not https, and for options out of their range
 */
export function remoteKeySet(uri: string | URL, options: RemoteKeySetOptions = {}): RemoteKeySet {
  const resolved = resolveKeySetOptions(options)
  const url = parseUri(uri)
  const name = printedAddress(url)
  const flaw = configuredUriFlaw(url, resolved.plainHttp)
  if (flaw !== undefined) throw misconfigured('use remote key set', `its address ${flaw}`, name)
  if (isNamedHttp(url, resolved.plainHttp)) emit(resolved.onEvent, { type: 'keys.plain_http', uri: name })
  const located = { url, validTo: Infinity }
  return locatedKeySet(
    {
      id: url.href,
      name,
      locate: async () => located,
      trusts: ({ origin }) => origin === url.origin,
      onFailure: undefined,
    },
    resolved,
  )
}

function parseUri(uri: string | URL): URL {
  if (isUrl(uri)) return new URL(uri)
  throw misconfigured('use remote key set', 'its address must be an absolute URL', printedUri(uri))
}

/** Whether a value is an absolute URL, as text or as a `URL` object of any realm. */
export function isUrl(value: unknown): boolean {
  return (typeof value === 'string' || kindOf(value) === 'a URL') && URL.canParse(String(value))
}

export interface DiscoveredKeySetOptions extends RemoteKeySetOptions {
  /** Hosts besides the issuer's own where its keys may be, exact, without port. @defaultValue none */
  readonly allowedKeyHosts?: readonly string[]
}

/**
 * The keys of an issuer, discovered through its metadata: OpenID Connect Discovery section 4, else RFC 8414 section 3. The metadata must
 * name exactly this issuer, and a JWK Set on the issuer's own host or on an allowed host. Metadata is cached like key sets: refreshed
 * regularly, and kept through outages.
 *
 * @throws TypeError for an issuer that is not an https URL, or has a query or a fragment
 */
export function discoveredKeySet(issuer: string, options: DiscoveredKeySetOptions = {}): RemoteKeySet {
  const { allowedKeyHosts = [], ...remoteOptions } = ownOptions(options, ['allowedKeyHosts', ...KEY_SET_OPTIONS])
  const resolved = resolveKeySetOptions(remoteOptions)
  if (!Array.isArray(allowedKeyHosts) || !allowedKeyHosts.every((host) => typeof host === 'string'))
    throw misconfigured(ACTION, '"allowedKeyHosts" must be a list of host names')
  const url = parseIssuer(issuer)
  const flaw = configuredUriFlaw(url, resolved.plainHttp) ?? (url.search === '' ? undefined : 'must not have a query')
  if (flaw !== undefined) throw misconfigured(ACTION, `the issuer's address ${flaw}; else say where its keys are`)
  if (isNamedHttp(url, resolved.plainHttp)) emit(resolved.onEvent, { type: 'keys.plain_http', uri: issuer })
  return locatedKeySet(discoveredLocation({ issuer, url, allowedKeyHosts }, resolved), resolved)
}

const ACTION = 'discover keys'

function parseIssuer(issuer: string): URL {
  try {
    return new URL(issuer)
  } catch {
    throw misconfigured(ACTION, 'the issuer must be a URL; else say where its keys are', issuer)
  }
}
