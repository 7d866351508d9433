import { asciiBytes, decodeBase64url, decodeUtf8 } from '#bytes'
import * as base64url from 'jose/base64url'
import { base64urlFlaw, hasUnusedBits } from '../bytes/base64url.ts'
import { AuthError, orThrow, overLimit } from '../errors/auth-error.ts'
import { parsePlainJson } from '../json/plain-json.ts'
import { type JsonFlaw, type JsonLimits, parseStrictJson, StrictJsonError } from '../json/strict-json.ts'
import type { ErrorCode } from '../model/catalogue.ts'
import { type Limits, raiseLimit } from '../model/limits.ts'
import { detached, recentMap, sizeInMemory } from '../model/memory.ts'
import { withoutStacks } from '../model/runtime.ts'
import type { JoseHeader, ParsedJws, ParsedJwt, TokenPart } from '../model/token.ts'
import { deepFreeze, isObject } from '../model/values.ts'

/**
 * Parses a compact JWS (RFC 7515 section 7.1) without trusting it and without I/O. The length is checked before
 * anything is read. Exact padding is noted; `checkPadding` decides whether to refuse it.
 *
 * @throws AuthError with status 401 and a `token_`, `json_`, `header_`, `kid_` or `signature_` code
 */
export function parseJws(token: string, limits: Limits): ParsedJws & { readonly payload: Uint8Array } {
  const [headerEnd, payloadEnd] = orThrow(partsOf(token, limits))
  const parts = {
    header: token.slice(0, headerEnd),
    payload: token.slice(headerEnd + 1, payloadEnd),
    signature: token.slice(payloadEnd + 1),
  }
  const header = parseHeader(unpadded(parts.header), limits)
  const payload = decodePart(unpadded(parts.payload), 'payload')
  const signature = decodePart(unpadded(parts.signature), 'signature')
  return { token, header, signingInput: token.slice(0, payloadEnd), payload, signature, padded: paddedPart(parts) }
}

/**
 * Finds where the first and the second part of a token end. Checks the lengths of token and header, and that there are exactly three parts.
 *
 * @returns the two positions, or the refusal: `token_malformed`, `token_too_long` or `header_too_long`
 */
function partsOf(token: string, limits: Limits): readonly [number, number] | AuthError {
  if (typeof token !== 'string') return new AuthError('token_malformed', { expected: 'a string', actual: typeof token })
  if (token.length > limits.tokenLength) return tooLong('tokenLength', token.length, limits)
  // Found one by one, because splitting a text of only dots would build an array as long as the text.
  const first = token.indexOf('.')
  const second = first < 0 ? -1 : token.indexOf('.', first + 1)
  if (second < 0)
    return new AuthError('token_malformed', {
      expected: 'three parts separated by dots',
      actual: first < 0 ? 'one part' : 'two parts',
      hint: NO_TOKEN.has(token)
        ? `The client sent the word "${token}" in place of a token: it had none`
        : 'An opaque token needs introspection (RFC 7662), not verification',
    })
  if (token.includes('.', second + 1)) {
    const isEncrypted = token.split('.', 6).length === 5
    return new AuthError('token_malformed', {
      expected: 'three parts separated by dots',
      actual: isEncrypted ? 'five parts' : 'more than three parts',
      hint: isEncrypted ? 'This is an encrypted token (JWE)' : undefined,
    })
  }
  if (first > limits.headerLength) return tooLong('headerLength', first, limits)
  return [first, second]
}

// What a missing token becomes when JavaScript converts it to text.
const NO_TOKEN: ReadonlySet<string> = new Set(['null', 'undefined', 'NaN'])

/** The refusal of a token that is too long, or has an encoded header that is too long. */
export function tooLong(limit: 'tokenLength' | 'headerLength', actual: number, limits: Limits): AuthError {
  const code = limit === 'tokenLength' ? 'token_too_long' : 'header_too_long'
  return overLimit(code, { limit, most: limits[limit], unit: 'characters', actual })
}

/** Parses the header in the first part of a token, and freezes it. @throws AuthError with a `token_`, `json_`, `header_` or `kid_` code */
function parseHeader(encoded: string, limits: Limits): JoseHeader {
  const header = parseJsonObject(decodePart(encoded, 'header'), 'a header', limits)
  checkHeader(header, limits)
  return deepFreeze(header)
}

/**
 * Parses a JWT (RFC 7519 section 7.2) without trusting it and without I/O. Its claims are frozen, because predicates see them before the
 * token is accepted, and again when the token is cached.
 *
 * @throws AuthError as `parseJws`, and with a `json_` code for claims that are not a proper JSON object
 */
export function parseJwt(token: string, limits: Limits): ParsedJwt {
  const { payload, ...jws } = parseJws(token, limits)
  return { ...jws, claims: deepFreeze(parseJsonObject(payload, 'a claims set', limits)) }
}

/** Parses a JWT without trusting it and without I/O. Returns or throws its refusals. */
export type JwtParser = (token: string) => ParsedJwt | AuthError

/**
 * Gives the same results as `parseJwt`, but faster for ordinary tokens and for garbage, whose refusal it returns. Anything unusual falls
 * back to `parseJwt`.
 *
 * @param mostHeaders - how many headers to cache
 */
export function quickParser(limits: Limits, mostHeaders?: number): JwtParser {
  const headerOf = headerCache(
    (encoded) => encodingRefusal(encoded, 'header') ?? parseHeader(encoded, limits),
    mostHeaders,
  )
  return (token) => {
    const ends = partsOf(token, limits)
    if (ends instanceof AuthError) return ends
    const [headerEnd, payloadEnd] = ends
    const encoded = token.slice(0, headerEnd)
    const header = headerOf(unpadded(encoded))
    if (header instanceof AuthError) return header
    const text = plainText(token.slice(headerEnd + 1, payloadEnd))
    const claims = text === undefined ? undefined : parsePlainJson(text, limits, asciiBytes(text))
    const signature = decodeBase64url(token.slice(payloadEnd + 1))
    // Passes the cached header object, because key sets find their keys by it.
    if (claims === undefined || signature === undefined || encoded.endsWith('='))
      return { ...parseJwt(token, limits), header }
    return { token, header, signingInput: token.slice(0, payloadEnd), signature, claims, padded: undefined }
  }
}

/** Decodes canonical base64url without `-` and `_`, which ASCII rarely needs. `undefined` for anything else. */
function plainText(part: string): string | undefined {
  if (part.length % 4 === 1 || hasUnusedBits(part)) return undefined
  if (part.includes('+') || part.includes('/') || part.includes('-') || part.includes('_')) return undefined
  try {
    const text = atob(part)
    // The length reveals white space and padding, which atob ignores.
    return text.length === Math.floor((part.length * 3) / 4) ? text : undefined
  } catch {
    return undefined
  }
}

/** Decodes an encoded header and freezes it. Returns the same object for the same text while it is cached. */
type HeaderReader = (encoded: string) => JoseHeader | AuthError

/**
 * Caches headers by their encoded text, because an issuer's tokens repeat the same few headers. Headers that `parse` rejects are not cached.
 */
export function headerCache(parse: HeaderReader, most: number = MOST_HEADERS): HeaderReader {
  const headers = recentMap<string, Known>(most, most * HEADER_BYTES)
  // Most issuers sign with one key at a time, and a comparison is cheaper than a lookup.
  let last: Known | undefined
  return (encoded) => {
    if (last?.encoded === encoded) return last.header
    const known = headers.get(encoded)
    if (known !== undefined) {
      last = known
      return known.header
    }
    const header = parse(encoded)
    if (header instanceof AuthError) return header
    // A copy, because a slice would keep its whole token in memory.
    const own = detached(encoded)
    headers.set(own, { encoded: own, header }, own.length + sizeInMemory(header))
    return header
  }
}

interface Known {
  readonly encoded: string
  readonly header: JoseHeader
}

// A verifier needs a few headers per key. An attacker who fills the cache only makes other tokens slower to parse.
const MOST_HEADERS = 256
// The limit in memory: fewer headers are cached if they have a certificate chain or many members.
const HEADER_BYTES = 2048

/**
 * Decodes a part of a token, which must be canonical base64url (RFC 7515 section 2).
 *
 * @param part - the name of the part, for the message
 * @throws AuthError `token_encoding`
 */
export function decodePart(text: string, part: string): Uint8Array<ArrayBuffer> {
  const refusal = encodingRefusal(text, part)
  if (refusal !== undefined) throw refusal
  return base64url.decode(text) as Uint8Array<ArrayBuffer>
}

function encodingRefusal(text: string, part: string): AuthError | undefined {
  const flaw = base64urlFlaw(text)
  return flaw === undefined ? undefined : encodingError(part, flaw, /\s/.test(text) ? WHITE_SPACE_HINT : undefined)
}

/**
 * Removes the padding of a part, if it is exactly right (RFC 4648 section 3.2). Returns any other text unchanged: decoding rejects it.
 */
function unpadded(part: string): string {
  return part.endsWith('=') && part.length % 4 === 0 ? part.replace(/={1,2}$/, '') : part
}

/**
 * The first padded part of a token. Every part that needs padding must have it, or none: otherwise a token would have several spellings.
 *
 * @throws AuthError `token_encoding` for a part without padding beside one with it
 */
function paddedPart(parts: Readonly<Record<TokenPart, string>>): TokenPart | undefined {
  const padded = PARTS.find((name) => parts[name].endsWith('='))
  if (padded === undefined) return undefined
  const other = PARTS.find((name) => parts[name].length % 4 !== 0)
  if (other !== undefined) throw encodingError(other, 'no padding, where other parts have it')
  return padded
}

/**
 * Padding is accepted only if the policy allows it. Every policy accepts a token without padding.
 *
 * @throws AuthError `token_encoding`
 */
export function checkPadding({ padded }: Pick<ParsedJws, 'padded'>, padding: 'accept' | 'refuse'): void {
  if (padded === undefined || padding === 'accept') return
  throw encodingError(padded, 'characters outside the base64url alphabet', PADDING_HINT)
}

const PARTS: readonly TokenPart[] = ['header', 'payload', 'signature']
const WHITE_SPACE_HINT = 'It holds white space: give the token alone, without "Bearer " and without a line break'
const PADDING_HINT =
  'It is padded, as the tokens of AWS load balancers are: for such an issuer, set "padding" to "accept"'

function encodingError(part: string, actual: string, hint?: string): AuthError {
  return new AuthError('token_encoding', { expected: `canonical base64url in the ${part}`, actual, hint })
}

/**
 * The JOSE header must be acceptable for an access token (RFC 7515 section 4): `alg`, `kid`, `typ` and `cty` are strings, and no extension
 * is required (RFC 7515 section 4.1.11, RFC 7797). Keys and key URLs in it (`jwk`, `jku`, `x5u`, `x5c`) are ignored, whatever their type:
 * authorization servers send them, RFC 7515 lets a verifier ignore them, and no code here reads them (RFC 8725 section 3.10).
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

/** Names the ignored members of a header, for `explain`; `undefined` if there are none. */
export function ignoredKeysHint(header: JoseHeader): string | undefined {
  const names = ['jwk', 'jku', 'x5u', 'x5c'].filter((name) => Object.hasOwn(header, name))
  if (names.length === 0) return undefined
  return `Ignored in the header: ${names.join(', ')}. Keys come only from the configuration of the issuer, never from a token`
}

/** The hint for a limit that no option raises. */
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

/**
 * Parses the JSON object in the bytes of a header or of claims.
 *
 * @throws AuthError `json_malformed`, `json_limits`, `json_duplicate_member`, `json_forbidden_member`
 */
export function parseJsonObject(
  bytes: Uint8Array,
  part: string,
  limits: JsonLimits,
): Readonly<Record<string, unknown>> {
  const value = parseJson(decodeText(bytes, part), part, limits)
  if (!isObject(value) || Array.isArray(value))
    throw new AuthError('json_malformed', { expected: `a JSON object as ${part}`, actual: 'another JSON value' })
  return value as Readonly<Record<string, unknown>>
}

function decodeText(bytes: Uint8Array, part: string): string {
  const text = decodeUtf8(bytes)
  if (text === undefined) throw new AuthError('json_malformed', { expected: `UTF-8 in ${part}`, actual: 'other bytes' })
  return text
}

function parseJson(text: string, part: string, limits: JsonLimits): unknown {
  const restoreStacks = withoutStacks()
  try {
    return parseStrictJson(text, limits)
  } catch (error) {
    if (!(error instanceof StrictJsonError)) throw error
    const { flaw, limit, message } = error
    const hint = limit && raiseLimit(limit, limits[limit])
    throw new AuthError(CODES[flaw], { actual: `${part} that ${message}`, hint })
  } finally {
    restoreStacks()
  }
}

const CODES: Readonly<Record<JsonFlaw, ErrorCode>> = {
  malformed: 'json_malformed',
  limits: 'json_limits',
  duplicate_member: 'json_duplicate_member',
  forbidden_member: 'json_forbidden_member',
}
