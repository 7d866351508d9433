import { publicKeyBase64 } from '@claimgate/issuer'
import { type Attributes, customResource, type CustomResourceHandler, type Properties } from './custom-resource.ts'
import { createKey, isKeyCustodian, type KeyCustodian, openKey, VERSION } from './signing-key.ts'

/** What the template says about the key. */
interface KeySettings {
  readonly custodian: KeyCustodian
  /** The ARN of the key that signs, or that encrypts the parameter. */
  readonly kmsKey: string
  readonly parameter: string
  /** What identifies the key for `openKey`: the ARN, or the parameter with its version. */
  readonly id: string
}

const settingsOf = ({ KeyCustodian: custodian, KmsKey: kmsKey, Parameter: parameter }: Properties): KeySettings => {
  if (!isKeyCustodian(custodian)) throw new TypeError('"KeyCustodian" must be "KMS" or "ParameterStore"')
  if (typeof kmsKey !== 'string') throw new TypeError('"KmsKey" must be the ARN of a KMS key')
  if (custodian === 'KMS') return { custodian, kmsKey, parameter: '', id: kmsKey }
  if (typeof parameter !== 'string') throw new TypeError('"Parameter" must be the name of a parameter')
  return { custodian, kmsKey, parameter, id: `${parameter}:${VERSION}` }
}

/** The function that CloudFormation calls about the custom resource `Key`: it creates the key once, and then only reads it. */
export const handler: CustomResourceHandler = customResource({
  idOf: (properties) => settingsOf(properties).id,
  get: async (properties, isNew): Promise<Attributes> => {
    const { custodian, kmsKey, parameter, id } = settingsOf(properties)
    const create = isNew && custodian === 'ParameterStore'
    const signer = create ? await createKey(parameter, kmsKey) : await openKey(custodian, id)
    return {
      KeyId: signer.kid,
      PublicKey: await publicKeyBase64(signer),
      Algorithm: signer.alg,
      Version: String(VERSION),
    }
  },
})
