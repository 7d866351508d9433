import { KMSClient, type KMSClientConfig } from '@aws-sdk/client-kms'

/** Secrets that must never appear outside a request. */
export const SECRETS = { secretAccessKey: 'secret-access-key', sessionToken: 'session-token' } as const

/** The SDK's own client, connected to a fake. It does not retry unless configured. */
export const kmsClient = (endpoint: string, config: KMSClientConfig = {}): KMSClient =>
  new KMSClient({
    endpoint,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'AKIDEXAMPLE', ...SECRETS },
    maxAttempts: 1,
    ...config,
  })
