import { GetParameterCommand, PutParameterCommand } from '@aws-sdk/client-ssm'
import { exportPKCS8, generateKeyPair } from 'jose'
import { withinDeadline } from '../aws/aws-errors.ts'
import { bare, own, ownOptions, quote } from '../refusal.ts'
import { pemSigner } from '../signer/pem-signer.ts'
import type { Signer } from '../signer/signer.ts'
import { fromAwsError, isNamed, ParameterStoreError } from './parameter-store-error.ts'
import type { ParameterCreation, ResolvedParameterStoreOptions } from './parameter-store-options.ts'

/** The contents of a parameter. */
export interface StoredKey {
  /** The private key. Never put it in errors, logs or events. */
  readonly pem: string
  readonly version: number | undefined
}

/**
 * Reads the parameter, decrypted.
 *
 * @throws ParameterStoreError if it cannot be read, or is not a SecureString.
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

/**
 * Creates and stores a key pair. It never overwrites: it returns `undefined` if the parameter exists by now.
 *
 * @throws ParameterStoreError if it cannot be stored; TypeError if the runtime lacks the algorithm.
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

/**
 * Creates a signer from the parameter's value. Its `kid` is the RFC 7638 thumbprint, so it changes with the key.
 *
 * @throws ParameterStoreError `parameter_unfit` if the value is not a private key for the algorithm, or the passphrase is wrong.
 * The message quotes neither.
 */
export const storedSigner = async (pem: string, options: ResolvedParameterStoreOptions): Promise<Signer> => {
  const { name, algorithm, passphrase } = options
  try {
    if (passphrase === undefined) return await pemSigner(pem, { algorithm })
    // Imported only when used, because it needs Node.
    const { encryptedPemSigner } = await import('../node/encrypted-pem-signer.ts')
    return await encryptedPemSigner(pem, { algorithm, passphrase })
  } catch (cause) {
    const reason = cause instanceof TypeError ? cause.message.replace('Cannot use key: ', '') : 'it must be a key'
    const message = `Cannot use key of parameter ${quote(name)}: ${reason}`
    throw new ParameterStoreError('parameter_unfit', message, cause)
  }
}
