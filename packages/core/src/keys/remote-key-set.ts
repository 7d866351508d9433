import { emit } from '../model/events.ts'
import { kindOf, misconfigured } from '../options/option-rules.ts'
import { configuredUriFlaw, isNamedHttp, printedAddress, printedUri } from './fetch/key-uri.ts'
import { locatedKeySet, type RemoteKeySet } from './remote/key-set.ts'
import { type RemoteKeySetOptions, resolveKeySetOptions } from './remote/options.ts'

export { discoveredKeySet, type DiscoveredKeySetOptions } from './remote/discovery.ts'
export type { RemoteKeySet } from './remote/key-set.ts'
export type { RemoteKeySetOptions, RemoteKeySetTuning } from './remote/options.ts'

/**
 * The keys of a JWK Set at a URL (RFC 7517 section 5). They are fetched when a token needs them, and never more often than
 * `docs/threat-model.md` allows. Nothing is fetched before the first use, and an idle set makes no requests.
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
