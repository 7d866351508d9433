import { KMSClient } from '@aws-sdk/client-kms'
import type { Signer } from '@claimgate/issuer'
import { kmsSigner } from '@claimgate/issuer/kms'
import { startFakeKms } from '@claimgate/testing/aws'
import type { Environment } from './settings.ts'

/** A key in KMS that is ready to sign. */
export interface OpenKey {
  readonly signer: Signer
  /** Where the key is, in words. */
  readonly place: string
  close(): Promise<void>
}

/**
 * The key that `KMS_KEY_ID` names, in AWS with the credentials and the region that the SDK finds. Without that variable a
 * fresh key in a fake KMS, which lives as long as this process.
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
