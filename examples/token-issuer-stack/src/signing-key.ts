import { KMSClient } from '@aws-sdk/client-kms'
import { SSMClient } from '@aws-sdk/client-ssm'
import type { Signer } from '@claimgate/issuer'
import { kmsSigner } from '@claimgate/issuer/kms'
import { parameterStoreKey } from '@claimgate/issuer/parameter-store'

/** Where the private key is: in AWS KMS, which signs, or in a SecureString, from which the function reads it. */
export type KeyCustodian = 'KMS' | 'ParameterStore'

/** Whether a value of the template or of the environment is a {@link KeyCustodian}. */
export const isKeyCustodian = (value: unknown): value is KeyCustodian => value === 'KMS' || value === 'ParameterStore'

/** The version of a parameter that signs: the one that was created. What is stored later is ignored. */
export const VERSION = 1

/**
 * Opens an existing key. Region and credentials come from the function's role.
 *
 * @param key the ARN of a KMS key, or the name and version of a parameter: `name:1`
 * @throws KmsError or ParameterStoreError if the key cannot be used
 */
export const openKey = (custodian: KeyCustodian, key: string): Promise<Signer> =>
  custodian === 'KMS'
    ? kmsSigner({ client: new KMSClient(), keyId: key })
    : parameterStoreKey({ client: new SSMClient(), name: key }).signer()

/**
 * Creates a key in a parameter, or opens the one that is there. It never overwrites, so a second call gives the same key.
 *
 * @param name the parameter, without a version
 * @param kmsKey the ARN of the KMS key that encrypts the parameter
 * @throws ParameterStoreError if the key cannot be stored or used
 */
export const createKey = async (name: string, kmsKey: string): Promise<Signer> => {
  let found: number | undefined
  const createIfMissing = { keyId: kmsKey, description: 'The private key that signs tokens' }
  const onEvent = ({ version }: { readonly version?: number | undefined }): void => {
    found = version
  }
  const newest = await parameterStoreKey({ client: new SSMClient(), name, createIfMissing, onEvent }).signer()
  return found === VERSION ? newest : openKey('ParameterStore', `${name}:${VERSION}`)
}
