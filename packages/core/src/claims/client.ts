import { AuthError } from '../errors/auth-error.ts'
import type { Claims } from '../model/token.ts'
import type { ClaimCheck } from './claim-check.ts'

/** The client the token was issued to is one of those accepted: `client_id` (RFC 9068 section 2.2), or else `azp`. */
export function client(accepted: ReadonlySet<string>): ClaimCheck {
  return {
    step: 'client_id',
    answer: 'lasting',
    check: ({ claims }) => {
      const actual = clientOf(claims)
      if (actual === undefined) throw new AuthError('claim_missing', { expected: 'client_id', actual })
      if (!accepted.has(actual)) throw new AuthError('claim_mismatch', { expected: accepted, actual })
    },
    compare: ({ claims }) => ({ expected: accepted, actual: clientOf(claims) }),
  }
}

function clientOf({ client_id, azp }: Claims): string | undefined {
  return client_id ?? azp
}
