import { KMSClient } from '@aws-sdk/client-kms'
import type { LambdaHandler } from '@claimgate/issuer'
import { kmsSigner } from '@claimgate/issuer/kms'
import { tokenSettings } from './settings.ts'
import { createSigningFunction } from './signing-function.ts'

const keyId = process.env['KMS_KEY_ID']
if (keyId === undefined) throw new TypeError('Set KMS_KEY_ID to the ID, the ARN or an alias of a signing key in KMS')
const client = new KMSClient()

/** The handler that Lambda calls. The first event fetches the public key, which is then cached; each event is one request to KMS. */
export const handler: LambdaHandler = createSigningFunction(
  () => kmsSigner({ client, keyId }),
  tokenSettings(process.env),
)
