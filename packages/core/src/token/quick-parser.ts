import { asciiBytes, decodeBase64url } from '#bytes'
import { hasUnusedBits } from '../model/base64url.ts'
import type { Limits } from '../model/limits.ts'
import { parsePlainJson } from '../model/plain-json.ts'
import type { ParsedJwt } from '../model/token.ts'
import { headerCache } from './header-cache.ts'
import { parseJwt } from './parse-jwt.ts'
import { unpadded } from './padding.ts'
import { parseHeader, partsOf } from './parse-jws.ts'

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
