import { AuthError } from '../errors/auth-error.ts'
import { overLimit } from '../errors/over-limit.ts'
import type { JoseHeader } from '../model/token.ts'

/**
 * The JOSE header is one an access token may have (RFC 7515 section 4): `alg`, `kid`, `typ` and `cty` are strings, no extension is
 * demanded (RFC 7515 section 4.1.11, RFC 7797). Keys and addresses of keys in it (`jwk`, `jku`, `x5u`, `x5c`) are ignored, whatever their
 * type: authorization servers send them, RFC 7515 lets a verifier ignore them, and nothing here ever reads them (RFC 8725 section 3.10).
 *
 * @throws AuthError `header_malformed`, `kid_malformed`, `header_critical`
 */
export function checkHeader(
  header: Readonly<Record<string, unknown>>,
  limits: { readonly kidLength: number },
): asserts header is JoseHeader {
  if (typeof header['alg'] !== 'string')
    throw new AuthError('header_malformed', { expected: 'alg: a string', actual: typeof header['alg'] })
  for (const name of ['typ', 'cty']) {
    const value = header[name]
    if (typeof value === 'string' && value.length > LONGEST_TYPE)
      throw new AuthError('header_malformed', {
        expected: `${name}: at most ${LONGEST_TYPE} characters`,
        actual: value.length,
        hint: `${FIXED_LIMIT}; media types are shorter`,
      })
    if (value !== undefined && (typeof value !== 'string' || CONTROL_CHARACTERS.test(value)))
      throw new AuthError('header_malformed', { expected: `${name}: a media type`, actual: typeof value })
  }
  if (Object.hasOwn(header, 'kid')) checkKid(header['kid'], limits.kidLength)
  for (const name of ['crit', 'b64'])
    if (Object.hasOwn(header, name)) throw new AuthError('header_critical', { expected: `no "${name}"`, actual: name })
}

/** Says for `explain` which members of a header were ignored, or gives `undefined`. */
export function ignoredKeysHint(header: JoseHeader): string | undefined {
  const names = ['jwk', 'jku', 'x5u', 'x5c'].filter((name) => Object.hasOwn(header, name))
  if (names.length === 0) return undefined
  return `Ignored in the header: ${names.join(', ')}. Keys come only from the configuration of the issuer, never from a token`
}

/** What a refusal says about a limit that no option raises. */
export const FIXED_LIMIT = 'The limit is that of Claimgate and cannot be raised'
const LONGEST_TYPE = 128
const CONTROL_CHARACTERS = /[\p{Cc}\p{Cs}\u2028\u2029]/u

function checkKid(kid: unknown, most: number): void {
  if (typeof kid !== 'string') throw new AuthError('kid_malformed', { expected: 'a string', actual: typeof kid })
  if (kid.length > most)
    throw overLimit('kid_malformed', { limit: 'kidLength', most, unit: 'characters', actual: kid.length })
  if (CONTROL_CHARACTERS.test(kid) || kid === '__proto__')
    throw new AuthError('kid_malformed', { expected: 'an ordinary name', actual: kid })
}
