import { AuthError } from '../errors/auth-error.ts'
import { overLimit } from '../errors/over-limit.ts'
import { deepFreeze } from '../model/deep-freeze.ts'
import type { Limits } from '../model/limits.ts'
import type { JoseHeader, ParsedJws } from '../model/token.ts'
import { decodePart } from './decode-part.ts'
import { checkHeader } from './check-header.ts'
import { paddedPart, unpadded } from './padding.ts'
import { parseJsonObject } from './parse-json.ts'

/**
 * Takes a compact JWS apart (RFC 7515 section 7.1) without trusting any of it and without I/O. The length is capped before
 * anything is read. Exact padding is noted; `checkPadding` decides whether to refuse it.
 *
 * @throws AuthError with status 401 and a `token_`, `json_`, `header_`, `kid_` or `signature_` code
 */
export function parseJws(token: string, limits: Limits): ParsedJws & { readonly payload: Uint8Array } {
  const [headerEnd, payloadEnd] = partsOf(token, limits)
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
 * Where the first and the second part of a token end. The lengths of token and header are within their limits, and there are exactly
 * three parts.
 *
 * @throws AuthError `token_malformed`, `token_too_long`, `header_too_long`
 */
export function partsOf(token: string, limits: Limits): readonly [number, number] {
  if (typeof token !== 'string') throw new AuthError('token_malformed', { expected: 'a string', actual: typeof token })
  if (token.length > limits.tokenLength) throw tooLong('tokenLength', token.length, limits)
  const ends = dots(token)
  const [headerEnd] = ends
  if (headerEnd > limits.headerLength) throw tooLong('headerLength', headerEnd, limits)
  return ends
}

/** The refusal of a token that is too long, or whose encoded header is. */
export function tooLong(limit: 'tokenLength' | 'headerLength', actual: number, limits: Limits): AuthError {
  const code = limit === 'tokenLength' ? 'token_too_long' : 'header_too_long'
  return overLimit(code, { limit, most: limits[limit], unit: 'characters', actual })
}

/** The header in the first part of a token, frozen. @throws AuthError with a `token_`, `json_`, `header_` or `kid_` code */
export function parseHeader(encoded: string, limits: Limits): JoseHeader {
  const header = parseJsonObject(decodePart(encoded, 'header'), 'a header', limits)
  checkHeader(header, limits)
  return deepFreeze(header)
}

// Found one by one: splitting a string of dots would build an array as long as the string.
function dots(token: string): readonly [number, number] {
  const first = token.indexOf('.')
  const second = first < 0 ? -1 : token.indexOf('.', first + 1)
  const third = second < 0 ? -1 : token.indexOf('.', second + 1)
  if (second < 0)
    throw new AuthError('token_malformed', {
      expected: 'three parts separated by dots',
      actual: first < 0 ? 'one part' : 'two parts',
      hint: NO_TOKEN.has(token)
        ? `The client sent the word "${token}" in place of a token: it had none`
        : 'An opaque token needs introspection (RFC 7662), not verification',
    })
  if (third >= 0) {
    const encrypted = token.split('.', 6).length === 5
    throw new AuthError('token_malformed', {
      expected: 'three parts separated by dots',
      actual: encrypted ? 'five parts' : 'more than three parts',
      ...(encrypted ? { hint: 'This is an encrypted token (JWE)' } : {}),
    })
  }
  return [first, second]
}

// What JavaScript makes of a token that is not there.
const NO_TOKEN: ReadonlySet<string> = new Set(['null', 'undefined', 'NaN'])
