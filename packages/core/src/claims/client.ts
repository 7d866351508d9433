import { AuthError } from '../errors/auth-error.ts'
import { type ClaimPath, nameOfPath, valueAt } from '../model/claim-path.ts'
import type { Claims } from '../model/token.ts'
import type { ClaimCheck } from './claim-check.ts'
import { assertText } from './registered-claims.ts'

/** The client the token was issued to is one of those accepted. The first of the claims that is present names it; `null` is absent. */
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
