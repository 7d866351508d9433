import type { VerifierOptions } from '@claimgate/core'
import { staticKeySet } from '@claimgate/core/extend'
import type { Issuer, IssuerOptions } from '@claimgate/issuer'

/** How the service verifies the tokens that it has issued itself: with the keys it publishes at that moment. */
export const ownTokens = (
  issuer: Issuer,
  audience: string | readonly string[],
  clock: IssuerOptions['clock'],
): VerifierOptions => ({
  issuer: issuer.issuer,
  audience,
  keys: { resolve: async (header) => staticKeySet(issuer.jwks()).resolve(header) },
  ...(clock !== undefined && { clock }),
})
