import { SSMClient } from '@aws-sdk/client-ssm'
import { startFakeSsm } from '@claimgate/testing/aws'
import type { Environment } from './settings.ts'

/** A Parameter Store to talk to. */
export interface ParameterStore {
  readonly client: SSMClient
  /** Whether it is the one of this machine, which forgets everything in the end. */
  readonly fake: boolean
  /** Ends what was started for it. */
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
 * The Parameter Store of AWS where both a parameter and credentials are in the environment, or else a fake on 127.0.0.1.
 *
 * @throws TypeError for a parameter without credentials, which the fake cannot have.
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
