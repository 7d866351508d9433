import { GetParameterCommand, PutParameterCommand } from '@aws-sdk/client-ssm'
import { exportPKCS8, generateKeyPair } from 'jose'
import { PARAMETER_STORE, ParameterStoreError } from '../aws/aws-errors.ts'
import { requestAws } from '../aws/aws-request.ts'
import { bare, has, own, ownOptions, quote } from '../refusal.ts'
import { pemSigner } from '../signer/pem-signer.ts'
import type { Signer } from '../signer/signer.ts'
import type { ParameterCreation, ResolvedParameterStoreOptions } from './parameter-store-options.ts'

/** The contents of a parameter. */
interface StoredKey {
  readonly type: 'key.loaded' | 'key.created'
  /** The private key. Never put it in errors, logs or events. */
  readonly pem: string
  readonly version: number | undefined
}

// Milliseconds between attempts: a new parameter may not be visible everywhere at once.
const PAUSES = [100, 200, 400, 800]

/**
 * Reads the parameter. If it does not exist, creates and stores a key pair if the options allow that.
 *
 * @throws ParameterStoreError if it cannot be read or stored, or is not a SecureString.
 */
export const loadOrCreate = async (options: ResolvedParameterStoreOptions): Promise<StoredKey> => {
  const { creation } = options
  if (creation === undefined) return readParameter(options)
  const stored = (await readIfThere(options)) ?? (await createParameter(options, creation))
  if (stored !== undefined) return stored
  // Another process has just created it.
  for (const pause of PAUSES) {
    const other = await readIfThere(options)
    if (other !== undefined) return other
    await new Promise((resolve) => setTimeout(resolve, pause))
  }
  return readParameter(options)
}

const readIfThere = async (options: ResolvedParameterStoreOptions): Promise<StoredKey | undefined> => {
  try {
    return await readParameter(options)
  } catch (error) {
    if (error instanceof ParameterStoreError && error.code === 'parameter_not_found') return undefined
    throw error
  }
}

const readParameter = async ({ client, name, timeout }: ResolvedParameterStoreOptions): Promise<StoredKey> => {
  const action = `load key from parameter ${quote(name)}`
  const command = new GetParameterCommand({ Name: name, WithDecryption: true })
  const answer = await requestAws(PARAMETER_STORE, { action, timeout }, (abortSignal) =>
    client.send(command, { abortSignal }),
  )
  const { Parameter: parameter = {} } = ownOptions(answer, [])
  const { Type: type, Value: pem, Version: version } = ownOptions(parameter, [])
  if (type === 'SecureString' && typeof pem === 'string') return { type: 'key.loaded', pem, version }
  if (type !== 'String' && type !== 'StringList')
    throw new ParameterStoreError('parameter_store_unavailable', `Cannot ${action}: the answer has no parameter in it`)
  throw new ParameterStoreError(
    'parameter_not_secure',
    `Cannot ${action}: it must be a SecureString, found a ${type}, which is stored in the clear. ` +
      'Delete the parameter and store a new key as SecureString: the type cannot be changed, and the old key may be known',
  )
}

/** Creates and stores a key pair. It never overwrites: it returns `undefined` if the parameter exists by now. */
const createParameter = async (
  { client, name, algorithm, timeout }: ResolvedParameterStoreOptions,
  { keyId, description }: ParameterCreation,
): Promise<StoredKey | undefined> => {
  const action = `store a new key in parameter ${quote(name)}`
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
  const answer = await requestAws(PARAMETER_STORE, { action, timeout }, async (abortSignal) => {
    try {
      return await client.send(command, { abortSignal })
    } catch (error) {
      if (error instanceof Error && has(error, '$fault') && error.name === 'ParameterAlreadyExists') return undefined
      throw error
    }
  })
  return answer && { type: 'key.created', pem, version: own(answer, 'Version') as number | undefined }
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
