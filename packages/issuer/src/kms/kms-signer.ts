import { type KMSClient, SignCommand, type SignCommandOutput } from '@aws-sdk/client-kms'
import { base64url } from 'jose'
import { knownOptions } from '../option-rules.ts'
import { ownOptions, refusal } from '../refusal.ts'
import type { Signer } from '../signer/signer.ts'
import { ecdsaSignature, isKmsAlgorithm, KMS_ALGORITHMS, type KmsAlgorithm } from './kms-algorithm.ts'
import { KmsError, within } from './kms-error.ts'
import { type KmsPublicKey, kmsPublicKey } from './kms-public-key.ts'

/** Options for {@link kmsSigner}. */
export interface KmsSignerOptions {
  /** The client that sends the requests. You set its region, credentials and `maxAttempts`. */
  readonly client: KMSClient
  /** The key: its ID, its ARN, an alias (`alias/…`) or the alias's ARN. 1 to 2048 characters. */
  readonly keyId: string
  /**
   * The algorithm to sign with. The key's spec must allow it.
   * @defaultValue RS256 for RSA keys, EdDSA for Ed25519 keys; each NIST curve has only one
   */
  readonly algorithm?: KmsAlgorithm
  /** The `kid` of tokens: the ID of the KMS key, or the RFC 7638 thumbprint of its public key. @defaultValue 'key-id' */
  readonly kid?: 'key-id' | 'thumbprint'
  /** Seconds for one request, including the client's retries. From 0.01 to 60. @defaultValue 5 */
  readonly timeout?: number
}

/** The default values. */
export const KMS_SIGNER_DEFAULTS = { kid: 'key-id', timeout: 5 } as const

const OPTIONS: readonly (keyof KmsSignerOptions)[] = ['client', 'keyId', 'algorithm', 'kid', 'timeout']

/**
 * Creates a {@link Signer} whose private key stays in AWS KMS. This call fetches the public key once; every signature is one more
 * request. An alias is resolved once: the signer keeps its key if the alias is moved later.
 *
 * Needs `kms:GetPublicKey` and `kms:Sign`. Messages of up to 4,096 bytes are sent as they are; for longer ones the digest is sent.
 * Ed25519 keys cannot sign longer messages.
 *
 * @throws TypeError if an option is wrong.
 * @throws KmsError with a {@link KmsErrorCode} if KMS does not respond or the key is unfit. `sign` rejects with it too.
 */
export const kmsSigner = async (given: KmsSignerOptions): Promise<Signer> => {
  const options = checkOptions(given)
  const { client, keyId, algorithm, kid = KMS_SIGNER_DEFAULTS.kid, timeout = KMS_SIGNER_DEFAULTS.timeout } = options
  const key = await kmsPublicKey({ client, keyId, algorithm, timeout })
  return Object.freeze({
    alg: key.algorithm,
    kid: kid === 'thumbprint' ? key.thumbprint : key.keyId,
    publicJwk: Object.freeze(key.jwk),
    sign: (signingInput: Uint8Array) => sign(signingInput, key, { client, timeout }),
  })
}

const checkOptions = (given: KmsSignerOptions): KmsSignerOptions => {
  const action = 'create KMS signer'
  const options = knownOptions(action, given, OPTIONS)
  const { client, keyId, algorithm, kid, timeout = KMS_SIGNER_DEFAULTS.timeout } = options
  if (typeof client?.send !== 'function') throw refusal(action, '"client" must be a KMSClient', client)
  if (typeof keyId !== 'string' || keyId.length === 0 || keyId.length > 2048) {
    throw refusal(action, '"keyId" must have 1 to 2048 characters', keyId)
  }
  if (algorithm !== undefined && !isKmsAlgorithm(algorithm)) {
    throw refusal(action, `"algorithm" must be one of ${Object.keys(KMS_ALGORITHMS).join(', ')}`, algorithm)
  }
  if (kid !== undefined && kid !== 'key-id' && kid !== 'thumbprint') {
    throw refusal(action, '"kid" must be "key-id" or "thumbprint"', kid)
  }
  if (typeof timeout !== 'number' || !(timeout >= 0.01 && timeout <= 60)) {
    throw refusal(action, '"timeout" must be seconds from 0.01 to 60', timeout)
  }
  return options
}

/** The longest message that KMS accepts unhashed, in bytes. */
const LONGEST_MESSAGE = 4096

const ACTION = 'sign with KMS key'

const sign = async (
  signingInput: Uint8Array,
  key: KmsPublicKey,
  { client, timeout }: Required<Pick<KmsSignerOptions, 'client' | 'timeout'>>,
): Promise<Uint8Array> => {
  const { spec } = KMS_ALGORITHMS[key.algorithm]
  const message = await messageOf(signingInput, key.algorithm)
  // By ARN: if an alias was moved, it would sign with a different key than the published one.
  const command = new SignCommand({ KeyId: key.arn, SigningAlgorithm: spec, ...message })
  const answer = await within({ action: ACTION, timeout }, (abortSignal) => client.send(command, { abortSignal }))
  const signature = signatureOf(answer, key)
  if (signature !== undefined) return signature
  throw new KmsError('kms_unavailable', `Cannot ${ACTION}: KMS must give a usable answer, found no signature in it`)
}

interface Message {
  readonly MessageType: 'RAW' | 'DIGEST'
  readonly Message: Uint8Array
}

const messageOf = async (signingInput: Uint8Array, algorithm: KmsAlgorithm): Promise<Message> => {
  const { length } = signingInput
  if (length <= LONGEST_MESSAGE) return { MessageType: 'RAW', Message: signingInput }
  const { hash } = KMS_ALGORITHMS[algorithm]
  if (hash === undefined) {
    const rule = `an Ed25519 key in KMS signs at most ${LONGEST_MESSAGE} bytes, found ${length}`
    const hint = 'put less into the token, or sign with an RSA key or one on a NIST curve'
    throw new KmsError('kms_message_too_long', `Cannot ${ACTION}: ${rule}; ${hint}`)
  }
  return { MessageType: 'DIGEST', Message: new Uint8Array(await crypto.subtle.digest(hash, signingInput.slice())) }
}

/** The signature in JWS format; `undefined` if the response is for another key or algorithm, or its size is wrong. */
const signatureOf = (answer: SignCommandOutput, { arn, algorithm, jwk }: KmsPublicKey): Uint8Array | undefined => {
  const { KeyId: signedBy, SigningAlgorithm: signedWith, Signature: signature } = ownOptions(answer, [])
  const { spec, coordinate } = KMS_ALGORITHMS[algorithm]
  if (signature === undefined || signedBy !== arn || signedWith !== spec) return undefined
  if (coordinate !== undefined) return ecdsaSignature(signature, coordinate)
  const size = jwk.n === undefined ? 64 : base64url.decode(jwk.n).length
  return signature.length === size ? signature : undefined
}
