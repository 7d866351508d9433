import { GetPublicKeyCommand, type GetPublicKeyCommandOutput, type KMSClient } from '@aws-sdk/client-kms'
import { calculateJwkThumbprint, exportJWK, importSPKI, type JWK } from 'jose'
import { ownOptions, printable } from '../refusal.ts'
import { publicJwk } from '../signer/key-material.ts'
import { KMS_ALGORITHMS, KMS_KEY_SPECS, type KmsAlgorithm } from './kms-algorithm.ts'
import { KmsError, within } from './kms-error.ts'

/** The public half of a signing key in KMS. */
export interface KmsPublicKey {
  /** The ARN of the key itself, even if it was requested by an alias. */
  readonly arn: string
  /** The last part of the ARN. */
  readonly keyId: string
  readonly algorithm: KmsAlgorithm
  readonly jwk: JWK
  /** The RFC 7638 thumbprint. */
  readonly thumbprint: string
}

/** Which key to fetch, and how. */
interface KmsKeyRequest {
  readonly client: KMSClient
  readonly keyId: string
  /** `undefined` selects the first algorithm that the key supports. */
  readonly algorithm: KmsAlgorithm | undefined
  /** Seconds. */
  readonly timeout: number
}

const ACTION = 'use KMS key'

/**
 * Fetches a public key from KMS and checks that the key can sign with the algorithm.
 *
 * @throws KmsError if KMS does not respond, or the key cannot sign tokens.
 */
export const kmsPublicKey = async ({ client, keyId, algorithm, timeout }: KmsKeyRequest): Promise<KmsPublicKey> => {
  const sent = await within({ action: ACTION, timeout }, (abortSignal) =>
    client.send(new GetPublicKeyCommand({ KeyId: keyId }), { abortSignal }),
  )
  const answer = ownOptions(sent, [])
  const chosen = algorithmOf(answer, algorithm)
  const arn = answer.KeyId ?? ''
  const ownId = /:key\/([\w-]{1,256})$/.exec(arn)?.[1]
  const jwk = await readPublicKey(answer.PublicKey, chosen)
  if (ownId === undefined || jwk === undefined) {
    throw new KmsError('kms_unavailable', `Cannot ${ACTION}: KMS must give a usable answer, found no public key in it`)
  }
  return { arn, keyId: ownId, algorithm: chosen, jwk, thumbprint: await calculateJwkThumbprint(jwk) }
}

const algorithmOf = (answer: GetPublicKeyCommandOutput, wanted: KmsAlgorithm | undefined): KmsAlgorithm => {
  const { KeySpec: spec, KeyUsage: usage, SigningAlgorithms: offered = [] } = answer
  if (usage !== 'SIGN_VERIFY') throw unfit('its key usage must be SIGN_VERIFY', usage)
  const bySpec = spec && KMS_KEY_SPECS.get(spec)
  if (bySpec === undefined) throw unfit(`its spec must be one of ${[...KMS_KEY_SPECS.keys()].join(', ')}`, spec)
  const algorithms = bySpec.filter((name) => offered.includes(KMS_ALGORITHMS[name].spec))
  const [first] = algorithms
  if (first === undefined) throw unfit(`it must offer one of ${bySpec.join(', ')}`, offered.join(', ') || 'none')
  if (wanted === undefined) return first
  if (algorithms.includes(wanted)) return wanted
  throw unfit(`"algorithm" must be one of ${algorithms.join(', ')} for a key of spec ${spec}`, wanted)
}

const unfit = (rule: string, found: string | undefined): KmsError =>
  new KmsError('kms_key_unfit', `Cannot ${ACTION}: ${rule}, found ${printable(found ?? 'none')}`)

const readPublicKey = async (spki: Uint8Array | undefined, algorithm: KmsAlgorithm): Promise<JWK | undefined> => {
  if (spki === undefined) return undefined
  const base64 = btoa(String.fromCharCode(...spki))
  try {
    const pem = `-----BEGIN PUBLIC KEY-----\n${base64}\n-----END PUBLIC KEY-----`
    return publicJwk(await exportJWK(await importSPKI(pem, algorithm, { extractable: true })))
  } catch {
    return undefined
  }
}
