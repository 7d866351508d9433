import { AuthError } from '../errors/auth-error.ts'
import type { Claims, RequestView, VerifiedToken } from '../model/token.ts'
import { own } from '../model/values.ts'

/** Confirms that the sender of a request has the key a token is bound to (RFC 7800). Implement it for DPoP or mTLS. */
export interface Binding {
  /** The member of `cnf` it handles, for example `jkt`. */
  readonly confirmation: string
  /** Throws `AuthError` `binding_failed` unless the request proves possession. */
  confirm(value: unknown, token: VerifiedToken, view: RequestView): Promise<void>
}

/**
 * Returns the members of the token's `cnf`. Every one must be in `understood`; otherwise the token is refused, because binding fails closed.
 *
 * @throws AuthError `binding_unsupported`
 */
export function checkConfirmation(claims: Claims, understood: ReadonlySet<string>): readonly string[] {
  const cnf: unknown = own(claims, 'cnf')
  if (cnf === undefined) return NONE
  const members = typeof cnf === 'object' && cnf !== null && !Array.isArray(cnf) ? Object.keys(cnf) : []
  if (members.length === 0 || members.some((member) => !understood.has(member)))
    throw new AuthError('binding_unsupported', {
      expected: understood.size === 0 ? 'no "cnf" claim' : understood,
      actual: members,
      hint: 'The token is sender-constrained; accepting it as a bearer token would undo that',
    })
  return members
}

const NONE: readonly string[] = []

/** Confirms every binding of the token. */
export async function confirmBindings(
  bindings: ReadonlyMap<string, Binding>,
  token: VerifiedToken,
  view: RequestView,
): Promise<void> {
  const confirmation = own(token.claims, 'cnf') ?? {}
  for (const member of checkConfirmation(token.claims, new Set(bindings.keys()))) {
    const answer: unknown = await bindings.get(member)?.confirm(confirmation[member], token, view)
    if (answer !== undefined) throw new TypeError('A binding refuses by throwing, and answers with nothing')
  }
}
