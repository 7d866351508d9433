import { AuthError } from '../errors/auth-error.ts'
import { withoutStacks } from '../errors/without-stacks.ts'
import type { ErrorCode } from '../model/error-code.ts'
import { raiseLimit } from '../model/limits.ts'
import { type JsonFlaw, type JsonLimits, parseStrictJson, StrictJsonError } from '../model/strict-json.ts'

/**
 * The JSON object in the bytes of a header or of claims.
 *
 * @throws AuthError `json_malformed`, `json_limits`, `json_duplicate_member`, `json_forbidden_member`
 */
export function parseJsonObject(
  bytes: Uint8Array,
  part: string,
  limits: JsonLimits,
): Readonly<Record<string, unknown>> {
  const value = parse(decodeText(bytes, part), part, limits)
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new AuthError('json_malformed', { expected: `a JSON object as ${part}`, actual: 'another JSON value' })
  return value as Readonly<Record<string, unknown>>
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function decodeText(bytes: Uint8Array, part: string): string {
  const restoreStacks = withoutStacks()
  try {
    return utf8.decode(bytes)
  } catch {
    throw new AuthError('json_malformed', { expected: `UTF-8 in the ${part}`, actual: 'other bytes' })
  } finally {
    restoreStacks()
  }
}

function parse(text: string, part: string, limits: JsonLimits): unknown {
  const restoreStacks = withoutStacks()
  try {
    return parseStrictJson(text, limits)
  } catch (error) {
    if (!(error instanceof StrictJsonError)) throw error
    const { flaw, limit, message } = error
    const hint = limit === undefined ? {} : { hint: raiseLimit(limit, limits[limit]) }
    throw new AuthError(codes[flaw], { actual: `${part} that ${message}`, ...hint })
  } finally {
    restoreStacks()
  }
}

const codes: Readonly<Record<JsonFlaw, ErrorCode>> = {
  malformed: 'json_malformed',
  limits: 'json_limits',
  duplicate_member: 'json_duplicate_member',
  forbidden_member: 'json_forbidden_member',
}
