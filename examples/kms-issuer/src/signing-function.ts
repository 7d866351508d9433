import { createLambdaHandler, type LambdaHandler, type Signer } from '@claimgate/issuer'
import type { TokenSettings } from './settings.ts'

/** The Lambda function. It signs the claims of its event and adds missing `iss` and `aud`. It rejects tokens that never expire. */
export const createSigningFunction = (
  signer: Signer | (() => Promise<Signer>),
  { issuer, audience }: TokenSettings,
): LambdaHandler => createLambdaHandler({ signer, issuer, audience })
