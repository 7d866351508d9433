import { KMSClient } from '@aws-sdk/client-kms'
import type { Signer } from '@claimgate/issuer'
import { kmsSigner } from '@claimgate/issuer/kms'
import { startFakeKms } from '@claimgate/testing/aws'
import type { Environment } from './settings.ts'

/** A key in KMS that is ready to sign. */
export interface OpenKey {
  readonly signer: Signer
  /** A description of where the key is. */
  readonly place: string
  close(): Promise<void>
}

/**
 * Opens the key that `KMS_KEY_ID` names, in AWS, with the SDK's usual credentials and region. If the variable is unset, it creates a
 * new key in a fake KMS that runs in this process.
 */
export const openKey = async (env: Environment): Promise<OpenKey> => {
  const keyId = env['KMS_KEY_ID']
  return keyId === undefined ? openFakeKey() : openAwsKey(keyId)
}

const openAwsKey = async (keyId: string): Promise<OpenKey> => {
  const client = new KMSClient()
  const signer = await kmsSigner({ client, keyId })
  return { signer, place: 'AWS KMS', close: async () => client.destroy() }
}

const openFakeKey = async (): Promise<OpenKey> => {
  const kms = await startFakeKms({ keys: [{ aliases: ['alias/tokens'] }] })
  const credentials = { accessKeyId: 'any', secretAccessKey: 'any' }
  const client = new KMSClient({ endpoint: kms.endpoint, region: 'eu-central-1', credentials })
  const signer = await kmsSigner({ client, keyId: 'alias/tokens' })
  const close = async (): Promise<void> => {
    client.destroy()
    await kms.close()
  }
  return { signer, place: 'a fake KMS', close }
}
