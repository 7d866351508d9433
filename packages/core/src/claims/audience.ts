import { AuthError } from '../errors/auth-error.ts'
import type { ClaimCheck } from './claim-check.ts'
import { nearestMiss } from './near-miss.ts'

/** `aud` must name this resource server (RFC 7519 section 4.1.3, RFC 9068 section 4). Does not look at `scope`. */
export function audience(accepted: ReadonlySet<string>): ClaimCheck {
  return {
    step: 'aud',
    answer: 'lasting',
    check: ({ claims }) => {
      // Its own alone, as of every claim that lets a token in.
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

function idTokenHint(values: readonly unknown[], client: unknown): string | undefined {
  return client !== undefined && values.includes(client)
    ? 'aud is the client ID, as in an ID token: ask the authorization server for an access token for this API'
    : undefined
}
