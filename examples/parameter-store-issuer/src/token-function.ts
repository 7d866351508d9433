import type { SSMClient } from '@aws-sdk/client-ssm'
import { createLambdaHandler, type LambdaHandler, publicKeyBase64 } from '@claimgate/issuer'
import { parameterStoreKey, type ParameterStoreEvent } from '@claimgate/issuer/parameter-store'
import type { TokenSettings } from './settings.ts'

/** A Lambda function that issues tokens, and its public key. */
export interface TokenFunction {
  /** Signs the claims of an event. */
  readonly handler: LambdaHandler
  /** The public key: base64 of a PEM, the format of `JWT_PUBLIC_KEY`. */
  publicKey(): Promise<string>
}

/** Seconds a key is cached. A replaced key signs after this time at the latest, without a deployment. */
const KEY_TTL = 300

/** Creates the function for a key in Parameter Store. The key is read on first use. */
export const createTokenFunction = (
  client: SSMClient,
  { parameter, create, issuer, audience }: TokenSettings,
  onEvent: (event: ParameterStoreEvent) => void,
): TokenFunction => {
  const key = parameterStoreKey({ client, name: parameter, createIfMissing: create, ttl: KEY_TTL, onEvent })
  return {
    // A handler keeps its signer, so each event gets a new handler with the current signer.
    handler: async (event) => createLambdaHandler({ signer: await key.signer(), issuer, audience, ttl: 600 })(event),
    publicKey: async () => publicKeyBase64(await key.signer()),
  }
}
