import { kindOf, misconfigured } from '../errors/misconfigured.ts'
import { emit } from '../model/emit.ts'
import { configuredUriFlaw, isNamedHttp } from './fetch/key-uri.ts'
import { printedAddress, printedUri } from './fetch/printed-address.ts'
import { locatedKeySet, type RemoteKeySet } from './remote/located-key-set.ts'
import { resolveKeySetOptions, type RemoteKeySetOptions } from './remote/remote-key-set-options.ts'

export type { RemoteKeySet } from './remote/located-key-set.ts'
export {
  checkKeySetTuning,
  KEY_SET_OPTIONS,
  type RemoteKeySetOptions,
  type RemoteKeySetTuning,
} from './remote/remote-key-set-options.ts'

/**
 * The keys of a JWK Set at an address (RFC 7517 section 5), fetched when a token needs them and never more often than
 * the bounds of `docs/threat-model.md` allow. Nothing is fetched before the first use, and an idle set costs nothing.
 *
 * `resolve` throws `AuthError`: `key_not_found`, `key_ambiguous`, `algorithm_key_mismatch` or `key_unusable` when the
 * set says so, and `keys_unavailable` (503) when it cannot be had or is too old to say.
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

/** Whether a value is an absolute URL, as text or as an object of whatever realm. */
export function isUrl(value: unknown): boolean {
  return (typeof value === 'string' || kindOf(value) === 'a URL') && URL.canParse(String(value))
}
