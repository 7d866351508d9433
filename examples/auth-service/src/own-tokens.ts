import type { VerifierOptions } from '@claimgate/core'
import { staticKeySet } from '@claimgate/core/adapter'
import type { Issuer, IssuerOptions } from '@claimgate/issuer'

/** Verifies tokens that the service itself has issued, with the currently published keys. */
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
