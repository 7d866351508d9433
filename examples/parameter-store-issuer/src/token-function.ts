import type { SSMClient } from '@aws-sdk/client-ssm'
import { createLambdaHandler, type LambdaHandler, publicKeyBase64 } from '@claimgate/issuer'
import { parameterStoreKey, type ParameterStoreEvent } from '@claimgate/issuer/parameter-store'
import type { TokenSettings } from './settings.ts'

/** A Lambda function that issues tokens, and the half of its key that others may have. */
export interface TokenFunction {
  /** Signs the claims of an event. */
  readonly handler: LambdaHandler
  /** The public key: base64 of a PEM, as `JWT_PUBLIC_KEY` wants it. */
  publicKey(): Promise<string>
}

/** Seconds a key counts as current: one that was put in its place signs within that time, without a deployment. */
const KEY_TTL = 300

/** The function for a key in Parameter Store. Nothing is read before it is needed. */
export const createTokenFunction = (
  client: SSMClient,
  { parameter, create, issuer, audience }: TokenSettings,
  onEvent: (event: ParameterStoreEvent) => void,
): TokenFunction => {
  const key = parameterStoreKey({ client, name: parameter, createIfMissing: create, ttl: KEY_TTL, onEvent })
  return {
    // A handler keeps its signer, so each event gets a handler with the signer of the moment.
    handler: async (event) => createLambdaHandler({ signer: await key.signer(), issuer, audience, ttl: 600 })(event),
    publicKey: async () => publicKeyBase64(await key.signer()),
  }
}
