import { SSMClient } from '@aws-sdk/client-ssm'
import { startFakeSsm } from '@claimgate/testing/aws'
import type { Environment } from './settings.ts'

/** A Parameter Store, real or fake. */
export interface ParameterStore {
  readonly client: SSMClient
  /** Whether it is the fake on this machine, which loses its data when it stops. */
  readonly fake: boolean
  /** Stops the client and the fake server. */
  close(): Promise<void>
}

const CREDENTIALS = [
  'AWS_ACCESS_KEY_ID',
  'AWS_PROFILE',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
  'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
]

/**
 * Opens the Parameter Store of AWS if the environment has a parameter and credentials, otherwise a fake on 127.0.0.1.
 *
 * @throws TypeError for a parameter without credentials, because the fake cannot contain it.
 */
export const connectParameterStore = async (env: Environment): Promise<ParameterStore> => {
  const hasCredentials = CREDENTIALS.some((name) => env[name])
  if (env['SIGNING_KEY_PARAMETER'] && hasCredentials) {
    const client = new SSMClient()
    return { client, fake: false, close: async () => client.destroy() }
  }
  if (env['SIGNING_KEY_PARAMETER']) {
    throw new TypeError(
      `Cannot start issuer: SIGNING_KEY_PARAMETER needs credentials, in one of ${CREDENTIALS.join(', ')}`,
    )
  }
  const { endpoint, close } = await startFakeSsm()
  const credentials = { accessKeyId: 'fake', secretAccessKey: 'fake' }
  const client = new SSMClient({ endpoint, region: 'eu-central-1', credentials })
  return {
    client,
    fake: true,
    close: async () => {
      client.destroy()
      await close()
    },
  }
}
