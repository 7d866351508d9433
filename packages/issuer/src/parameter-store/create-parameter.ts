import { PutParameterCommand } from '@aws-sdk/client-ssm'
import { exportPKCS8, generateKeyPair } from 'jose'
import { bare, own } from '../own.ts'
import { fromAwsError, isNamed } from './from-aws-error.ts'
import type { ParameterCreation, ResolvedParameterStoreOptions } from './parameter-store-options.ts'
import type { StoredKey } from './read-parameter.ts'
import { withinDeadline } from '../aws/within-deadline.ts'
import { quote } from '../quote.ts'

/**
 * Makes a key pair and stores it, never in place of another: `undefined` where somebody else was faster.
 *
 * @throws ParameterStoreError where it cannot be stored; TypeError where the runtime lacks the algorithm.
 */
export const createParameter = async (
  options: ResolvedParameterStoreOptions,
  { keyId, description }: ParameterCreation,
): Promise<StoredKey | undefined> => {
  const { client, name, algorithm, timeout } = options
  const { privateKey } = await generateKeyPair(algorithm, bare({ extractable: true }))
  const pem = await exportPKCS8(privateKey)
  const command = new PutParameterCommand({
    Name: name,
    Value: pem,
    Type: 'SecureString',
    Overwrite: false,
    KeyId: keyId,
    Description: description,
  })
  try {
    const answer = await withinDeadline(timeout, (abortSignal) => client.send(command, { abortSignal }))
    return { pem, version: own(answer, 'Version') as number | undefined }
  } catch (error) {
    if (isNamed(error, 'ParameterAlreadyExists')) return undefined
    throw fromAwsError(`store a new key in parameter ${quote(name)}`, error)
  }
}
