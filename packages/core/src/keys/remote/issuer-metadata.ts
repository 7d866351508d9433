import { quote } from '../../errors/quote.ts'
import { parseStrictJson, StrictJsonError } from '../../model/strict-json.ts'
import { FetchError } from '../fetch/fetch-error.ts'
import { plainHttpFrom, uriFlaw, type PlainHttp } from '../fetch/key-uri.ts'

/** Whose metadata it must be, and where the keys it names may be. */
export interface MetadataRules {
  /** Compared with the metadata's `issuer` as it is, without normalising. */
  readonly issuer: string
  readonly url: URL
  readonly allowedKeyHosts: readonly string[]
  readonly plainHttp: PlainHttp
}

const JSON_LIMITS = { members: 1000, nodes: 65_536, depth: 16 }

/**
 * The address of the JWK Set an issuer's metadata names (RFC 8414 sections 2 and 3.3).
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
  // An issuer on https cannot send its verifiers to plain http, not even on their own machine.
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
