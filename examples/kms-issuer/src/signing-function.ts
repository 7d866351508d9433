import { createLambdaHandler, type LambdaHandler, type Signer } from '@claimgate/issuer'
import type { TokenSettings } from './settings.ts'

/** The Lambda function: it signs the claims of its event and fills in `iss` and `aud`. A token without end is refused. */
export const createSigningFunction = (
  signer: Signer | (() => Promise<Signer>),
  { issuer, audience }: TokenSettings,
): LambdaHandler => createLambdaHandler({ signer, issuer, audience })
