import { KMSClient, type KMSClientConfig } from '@aws-sdk/client-kms'

/** What must never be seen outside of a request. */
export const SECRETS = { secretAccessKey: 'secret-access-key', sessionToken: 'session-token' } as const

/** The SDK's own client, pointed at a fake. It asks once, unless told otherwise. */
export const kmsClient = (endpoint: string, config: KMSClientConfig = {}): KMSClient =>
  new KMSClient({
    endpoint,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'AKIDEXAMPLE', ...SECRETS },
    maxAttempts: 1,
    ...config,
  })
