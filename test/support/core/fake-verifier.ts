import type { Requirement, Verifier } from '@claimgate/core'
import { verifiedToken } from '@claimgate/core/adapter'

/** An application's own verifier, which accepts every token. */
export function fakeVerifier(members: Partial<Verifier> = {}): Verifier {
  return {
    verify: async (token) => verifiedToken(token, { claims: { sub: 'ada' }, scopes: new Set(['read']) }),
    explain: async () => ({ accepted: true, summary: '', steps: [] }),
    ready: async () => {},
    close: () => {},
    ...members,
  }
}

/** A requirement that only an answer met after the authorization server was asked, as with `fresh()`. */
export function freshRequirement(members: Partial<Requirement> = {}): Requirement {
  return {
    description: 'fresh',
    scopes: [],
    needsFresh: true,
    isMet: (_, { fresh }) => fresh === true,
    ...members,
  }
}
