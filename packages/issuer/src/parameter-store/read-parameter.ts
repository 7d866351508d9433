import { GetParameterCommand } from '@aws-sdk/client-ssm'
import { fromAwsError } from './from-aws-error.ts'
import { ownOptions } from '../own.ts'
import { ParameterStoreError } from './parameter-store-error.ts'
import type { ResolvedParameterStoreOptions } from './parameter-store-options.ts'
import { withinDeadline } from '../aws/within-deadline.ts'
import { quote } from '../quote.ts'

/** What a parameter holds. */
export interface StoredKey {
  /** The private key. It must not get into errors, logs or events. */
  readonly pem: string
  readonly version: number | undefined
}

/**
 * Reads the parameter, decrypted.
 *
 * @throws ParameterStoreError where it cannot be read, or is not a SecureString.
 */
export const readParameter = async (options: ResolvedParameterStoreOptions): Promise<StoredKey> => {
  const { client, name, timeout } = options
  const action = `load key from parameter ${quote(name)}`
  const command = new GetParameterCommand({ Name: name, WithDecryption: true })
  const answer = await withinDeadline(timeout, (abortSignal) => client.send(command, { abortSignal })).catch(
    (error: unknown) => {
      throw fromAwsError(action, error)
    },
  )
  const { Parameter: parameter = {} } = ownOptions(answer, [])
  const { Type: type, Value: pem, Version: version } = ownOptions(parameter, [])
  if (type === 'String' || type === 'StringList') throw inTheClear(action, type)
  if (type === 'SecureString' && typeof pem === 'string') return { pem, version }
  throw new ParameterStoreError('parameter_store_unavailable', `Cannot ${action}: the answer has no parameter in it`)
}

const inTheClear = (action: string, type: string): ParameterStoreError =>
  new ParameterStoreError(
    'parameter_not_secure',
    `Cannot ${action}: it must be a SecureString, found a ${type}, which is stored in the clear. ` +
      'Delete the parameter and store a new key as SecureString: the type cannot be changed, and the old key may be known',
  )
