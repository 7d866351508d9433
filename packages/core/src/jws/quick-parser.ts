import { asciiBytes, decodeBase64url } from '#bytes'
import { hasUnusedBits } from '../bytes/base64url.ts'
import { parsePlainJson } from '../json/plain-json.ts'
import type { Limits } from '../model/limits.ts'
import { detached, sizeInMemory } from '../model/memory.ts'
import { recentMap } from '../model/recent-map.ts'
import type { JoseHeader, ParsedJwt } from '../model/token.ts'
import { parseHeader, parseJwt, partsOf, unpadded } from './parse.ts'

/** Takes a JWT apart without trusting any of it and without I/O. */
export type JwtParser = (token: string) => ParsedJwt

/**
 * A parser that answers as `parseJwt` does, sooner for tokens of the plain kind that issuers make. Whatever is unusual goes to
 * `parseJwt`, which alone refuses.
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
    // With the header at hand, by which key sets know their keys.
    if (claims === undefined || signature === undefined || encoded.endsWith('='))
      return { ...parseJwt(token, limits), header }
    return { token, header, signingInput: token.slice(0, payloadEnd), signature, claims, padded: undefined }
  }
}

/** The characters that base64url without `-` and `_` stands for, if it is canonical; ASCII rarely needs those two. */
function plainText(part: string): string | undefined {
  if (part.length % 4 === 1 || hasUnusedBits(part)) return undefined
  if (part.includes('+') || part.includes('/') || part.includes('-') || part.includes('_')) return undefined
  const text = decodeBase64(part)
  // White space and padding, which atob passes over, show in the length.
  return text?.length === Math.floor((part.length * 3) / 4) ? text : undefined
}

function decodeBase64(text: string): string | undefined {
  try {
    return atob(text)
  } catch {
    return undefined
  }
}

/** Gives the header that an encoded text stands for, frozen: the same object for the same text, for as long as it is remembered. */
type HeaderReader = (encoded: string) => JoseHeader

/**
 * Remembers headers by their encoded text, for the header of an issuer's tokens is the same few texts again and again. What `parse`
 * refuses is not remembered.
 */
export function headerCache(parse: HeaderReader): HeaderReader {
  const headers = recentMap<string, Known>(MOST_HEADERS, { most: MOST_BYTES, of: bytesOf })
  // Most issuers sign with one key at a time, and to compare is cheaper than to look up.
  let last: Known | undefined
  return (encoded) => {
    if (last?.encoded === encoded) return last.header
    const known = headers.get(encoded)
    if (known !== undefined) {
      last = known
      return known.header
    }
    const header = parse(encoded)
    // A copy of the text, for a slice would keep its whole token in memory.
    const own = detached(encoded)
    headers.set(own, { encoded: own, header })
    return header
  }
}

interface Known {
  readonly encoded: string
  readonly header: JoseHeader
}

function bytesOf({ encoded, header }: Known): number {
  return encoded.length + sizeInMemory(header)
}

// A verifier meets a few headers for each key. Strangers may fill the room, which costs the others a parse.
const MOST_HEADERS = 256
// What they take up in memory: of headers with a certificate chain, or with many members, fewer are remembered.
const MOST_BYTES = 524_288
