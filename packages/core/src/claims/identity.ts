import { AuthError } from '../errors/auth-error.ts'
import { type ClaimPath, nameOfPath, valueAt } from '../model/claim-path.ts'
import type { Claims } from '../model/token.ts'
import { assertText, type ClaimCheck } from './registered-claims.ts'

const LONGEST_DIFFERENCE = 8

/**
 * A small difference between two issuers or audiences that a person would overlook; `undefined` if they really differ. Cheap for texts of
 * very different length, however long they are.
 */
export function nearMiss(expected: string, actual: string): string | undefined {
  if (expected === actual || Math.abs(expected.length - actual.length) > LONGEST_DIFFERENCE) return undefined
  if (withoutSlash(expected) === withoutSlash(actual)) return 'They differ only by a trailing slash'
  if (expected.toLowerCase() === actual.toLowerCase()) return 'They differ only by case'
  if (withoutScheme(expected) === withoutScheme(actual)) return 'They differ only by the scheme (http or https)'
  if (expected.trim() === actual.trim()) return 'They differ only by white space'
  return undefined
}

/** The near miss among several accepted texts, if there is one. */
export function nearestMiss(accepted: Iterable<string>, actual: string): string | undefined {
  for (const expected of accepted) {
    const hint = nearMiss(expected, actual)
    if (hint !== undefined) return hint
  }
  return undefined
}

const withoutSlash = (text: string): string => (text.endsWith('/') ? text.slice(0, -1) : text)
const withoutScheme = (text: string): string => text.replace(/^https?:\/\//i, '')

/** `aud` must name this resource server (RFC 7519 section 4.1.3, RFC 9068 section 4). Does not check `scope`. */
export function audience(accepted: ReadonlySet<string>): ClaimCheck {
  return {
    step: 'aud',
    answer: 'lasting',
    check: ({ claims }) => {
      // Own members only, because Object.prototype must not supply a claim that lets a token in.
      const aud = Object.hasOwn(claims, 'aud') ? claims.aud : undefined
      if (typeof aud === 'string' && accepted.has(aud)) return
      if (aud === undefined) throw new AuthError('audience_missing', { expected: accepted, actual: aud })
      const values: readonly unknown[] = Array.isArray(aud) ? aud : [aud]
      if (values.some((value) => typeof value === 'string' && accepted.has(value))) return
      const hint = hintFor(accepted, values) ?? idTokenHint(values, claims['azp'] ?? claims['client_id'])
      throw new AuthError('audience_mismatch', {
        expected: accepted,
        actual: aud,
        ...(hint === undefined ? {} : { hint }),
      })
    },
    compare: ({ claims }) => ({ expected: accepted, actual: claims.aud }),
  }
}

function hintFor(accepted: ReadonlySet<string>, values: readonly unknown[]): string | undefined {
  for (const actual of values) {
    const hint = typeof actual === 'string' ? nearestMiss(accepted, actual) : undefined
    if (hint !== undefined) return hint
  }
  return undefined
}

function idTokenHint(values: readonly unknown[], clientId: unknown): string | undefined {
  return clientId !== undefined && values.includes(clientId)
    ? 'aud is the client ID, as in an ID token: ask the authorization server for an access token for this API'
    : undefined
}

/** The token must be issued to an accepted client. The first of the claims that is present names the client; `null` counts as absent. */
export function client(accepted: ReadonlySet<string>, names: readonly ClaimPath[]): ClaimCheck {
  const clientOf = (claims: Claims): unknown => {
    for (const name of names) {
      const value = valueAt(claims, name) ?? undefined
      if (value !== undefined) return value
    }
    return undefined
  }
  return {
    step: 'client_id',
    answer: 'lasting',
    check: ({ claims }) => {
      const actual = clientOf(claims)
      if (actual === undefined) throw missing(claims, names)
      assertText('client', actual)
      if (!accepted.has(actual)) throw new AuthError('claim_mismatch', { expected: accepted, actual })
    },
    compare: ({ claims }) => ({ expected: accepted, actual: clientOf(claims) }),
  }
}

function missing(claims: Claims, names: readonly ClaimPath[]): AuthError {
  const other = clientNamedIn(claims)
  return new AuthError('claim_missing', {
    expected: names.map(nameOfPath).join(' or '),
    actual: undefined,
    ...(other !== undefined && { hint: `This issuer names the client in "${other}": add it to "clientClaims"` }),
  })
}

/** The claim in which some authorization servers (Okta, Microsoft) name the client, if the token has one. */
export function clientNamedIn(claims: Claims): string | undefined {
  return ['cid', 'appid', 'azp', 'client_id'].find((name) => typeof valueAt(claims, name) === 'string')
}
