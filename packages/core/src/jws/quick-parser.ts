import { asciiBytes, decodeBase64url } from '#bytes'
import { hasUnusedBits } from '../bytes/base64url.ts'
import { parsePlainJson } from '../json/plain-json.ts'
import type { Limits } from '../model/limits.ts'
import { detached, recentMap, sizeInMemory } from '../model/memory.ts'
import type { JoseHeader, ParsedJwt } from '../model/token.ts'
import { parseHeader, parseJwt, partsOf, unpadded } from './parse.ts'

/** Parses a JWT without trusting it and without I/O. */
export type JwtParser = (token: string) => ParsedJwt

/**
 * Gives the same results as `parseJwt`, but faster for ordinary tokens. Anything unusual falls back to `parseJwt`, the only parser that
 * rejects.
 */
export function quickParser(limits: Limits): JwtParser {
  const headerOf = headerCache((encoded) => parseHeader(encoded, limits))
  return (token) => {
    const [headerEnd, payloadEnd] = partsOf(token, limits)
    const encoded = token.slice(0, headerEnd)
    const header = headerOf(unpadded(encoded))
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
type HeaderReader = (encoded: string) => JoseHeader

/**
 * Caches headers by their encoded text, because an issuer's tokens repeat the same few headers. Headers that `parse` rejects are not cached.
 */
export function headerCache(parse: HeaderReader): HeaderReader {
  const headers = recentMap<string, Known>(MOST_HEADERS, MOST_BYTES)
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
const MOST_BYTES = 524_288
