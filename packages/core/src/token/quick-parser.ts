import { LRUCache } from 'lru-cache'
import { decodeBase64url } from '#bytes'
import { hasUnusedBits } from '../model/base64url.ts'
import { deepFreeze } from '../model/deep-freeze.ts'
import type { Limits } from '../model/limits.ts'
import { parsePlainJson } from '../model/plain-json.ts'
import type { JoseHeader, ParsedJwt } from '../model/token.ts'
import { checkHeader } from './check-header.ts'
import { decodePart } from './decode-part.ts'
import { parseJsonObject } from './parse-json.ts'
import { parseJwt } from './parse-jwt.ts'
import { partsOf } from './parse-jws.ts'

/** Takes a JWT apart without trusting any of it and without I/O. */
export type JwtParser = (token: string) => ParsedJwt

/**
 * A parser that answers as `parseJwt` does, sooner for tokens of the plain kind that issuers make. The header of an issuer's tokens is
 * the same few texts again and again, and is looked up. Whatever is unusual goes to `parseJwt`, which alone refuses.
 */
export function quickParser(limits: Limits): JwtParser {
  const headers = new LRUCache<string, JoseHeader>({ max: MOST_HEADERS })

  const headerOf = (text: string): JoseHeader => {
    const known = headers.get(text)
    if (known !== undefined) return known
    const header = parseJsonObject(decodePart(text, 'header'), 'a header', limits)
    checkHeader(header, limits)
    // A slice would keep the whole token in memory.
    if (text.length <= LONGEST_HEADER) headers.set(` ${text}`.slice(1), deepFreeze(header))
    return header
  }

  return (token) => {
    const [headerEnd, payloadEnd] = partsOf(token, limits)
    const header = headerOf(token.slice(0, headerEnd))
    const text = plainText(token.slice(headerEnd + 1, payloadEnd))
    const claims = text === undefined ? undefined : parsePlainJson(text, limits)
    const signature = decodeBase64url(token.slice(payloadEnd + 1))
    if (claims === undefined || signature === undefined) return parseJwt(token, limits)
    return { token, header, signingInput: token.slice(0, payloadEnd), signature, claims }
  }
}

// A verifier meets a few headers for each key. Strangers may fill the room, which costs the others a parse.
const MOST_HEADERS = 256
const LONGEST_HEADER = 1024

/** The characters that base64url without `-` and `_` stands for, if it is canonical; ASCII rarely needs those two. */
function plainText(part: string): string | undefined {
  if (part.length % 4 === 1 || hasUnusedBits(part) || FOREIGN.some((character) => part.includes(character)))
    return undefined
  const text = decodeBase64(part)
  // White space and padding, which atob passes over, show in the length.
  return text?.length === Math.floor((part.length * 3) / 4) ? text : undefined
}

const FOREIGN = ['+', '/', '-', '_']

function decodeBase64(text: string): string | undefined {
  try {
    return atob(text)
  } catch {
    return undefined
  }
}
