import { deepFreeze } from '../model/deep-freeze.ts'
import type { Limits } from '../model/limits.ts'
import type { ParsedJwt } from '../model/token.ts'
import { parseJsonObject } from './parse-json.ts'
import { parseJws } from './parse-jws.ts'

/**
 * Takes a JWT apart (RFC 7519 section 7.2) without trusting any of it and without I/O. Its claims are frozen, for predicates see them
 * before they are accepted, and again when the token is remembered.
 *
 * @throws AuthError as `parseJws`, and with a `json_` code for claims that are not a proper JSON object
 */
export function parseJwt(token: string, limits: Limits): ParsedJwt {
  const { payload, ...jws } = parseJws(token, limits)
  return { ...jws, claims: deepFreeze(parseJsonObject(payload, 'claims', limits)) }
}
