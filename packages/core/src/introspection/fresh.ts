import { own, type Requirement } from '../adapter.ts'

/**
 * The authorization server must be asked about the token for this request, even if the token is a JWT or its answer is cached. Use it where
 * a token that was revoked a second ago must not work: payments, account deletion. Combine it: `allOf(scope('pay'), fresh())`.
 *
 * - If the rest of the requirement is not met, the token is refused without asking. The new answer must also meet it; a JWT keeps its claims.
 * - Status 401 if the token is inactive, and 503 without a usable answer.
 * - If this request asked about its opaque token less than a second ago, that answer is used.
 *
 * It needs the verifier of `createIntrospectionVerifier`. With another one, adapters throw at start-up, or requests fail with status 500.
 */
export function fresh(): Requirement {
  return FRESH
}

const FRESH: Requirement = Object.freeze<Requirement>({
  description: 'a fresh answer of the authorization server',
  scopes: Object.freeze([]),
  needsFresh: true,
  isMet: (_token, context) => own(context, 'fresh') === true,
})
