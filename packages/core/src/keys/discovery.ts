import { misconfigured } from '../errors/misconfigured.ts'
import { discoveredLocation } from './remote/discovered-location.ts'
import { emit } from '../model/emit.ts'
import { ownOptions } from '../model/own.ts'
import { configuredUriFlaw, isNamedHttp } from './fetch/key-uri.ts'
import { locatedKeySet, type RemoteKeySet } from './remote/located-key-set.ts'
import { KEY_SET_OPTIONS, resolveKeySetOptions, type RemoteKeySetOptions } from './remote/remote-key-set-options.ts'

export interface DiscoveredKeySetOptions extends RemoteKeySetOptions {
  /** Hosts besides the issuer's own that its keys may be on, exact, without port. @defaultValue none */
  readonly allowedKeyHosts?: readonly string[]
}

/**
 * The keys of an issuer, found through its metadata: OpenID Connect Discovery section 4, else RFC 8414 section 3. The
 * metadata must name exactly this issuer, and a JWK Set on the issuer's own host or on one allowed by name. Metadata
 * lives by the rules of key sets: kept fresh, and kept through outages.
 *
 * @throws TypeError for an issuer that is no https URL, or has a query or a fragment
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
