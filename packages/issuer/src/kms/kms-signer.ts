import {
  GetPublicKeyCommand,
  type GetPublicKeyCommandOutput,
  type KMSClient,
  SignCommand,
  type SignCommandInput,
  type SignCommandOutput,
} from '@aws-sdk/client-kms'
import { base64url, calculateJwkThumbprint, exportJWK, importSPKI, type JWK } from 'jose'
import { KMS, KmsError } from '../aws/aws-errors.ts'
import { requestAws, requestTimeout } from '../aws/aws-request.ts'
import { type Filled, readOptions, type Rules } from '../options.ts'
import * as rule from '../rules.ts'
import { ownOptions, printable } from '../refusal.ts'
import { publicPartOf, type Signer } from '../signer/signer.ts'
import { ecdsaSignature, KMS_ALGORITHMS, KMS_KEY_SPECS, type KmsAlgorithm } from './kms-algorithm.ts'

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

const RULES: Rules<KmsSignerOptions> = {
  client: rule.objectWith('send', 'be a KMSClient'),
  keyId: rule.textUpTo(2048),
  algorithm: rule.optional(rule.oneOf(Object.keys(KMS_ALGORITHMS))),
  kid: rule.of('be "key-id" or "thumbprint"', (value) => value === 'key-id' || value === 'thumbprint'),
  timeout: requestTimeout,
}

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
  const options = readOptions('create KMS signer', given, RULES, KMS_SIGNER_DEFAULTS)
  const key = await publicKey(options)
  const { alg, jwk } = key
  return Object.freeze({
    alg,
    kid: options.kid === 'thumbprint' ? await calculateJwkThumbprint(jwk) : key.id,
    publicJwk: Object.freeze(jwk),
    sign: (signingInput: Uint8Array) => sign(signingInput, key, options),
  })
}

type Options = Filled<KmsSignerOptions, typeof KMS_SIGNER_DEFAULTS>

/** The public half of a signing key in KMS. */
interface KmsKey {
  /** The ARN of the key itself, even if it was requested by an alias. */
  readonly arn: string
  /** The last part of the ARN. */
  readonly id: string
  readonly alg: KmsAlgorithm
  readonly jwk: JWK
}

const USE = 'use KMS key'

/**
 * Fetches the public key and checks that the key can sign with the algorithm.
 *
 * @throws KmsError if KMS does not respond, or the key cannot sign tokens.
 */
const publicKey = async ({ client, keyId, algorithm, timeout }: Options): Promise<KmsKey> => {
  const command = new GetPublicKeyCommand({ KeyId: keyId })
  const sent = await requestAws(KMS, { action: USE, timeout }, (abortSignal) => client.send(command, { abortSignal }))
  const answer = ownOptions(sent, [])
  const alg = algorithmOf(answer, algorithm)
  const { KeyId: arn = '', PublicKey: spki } = answer
  const id = /:key\/([\w-]{1,256})$/.exec(arn)?.[1]
  const jwk = spki && (await importedJwk(spki, alg).catch(() => undefined))
  if (id !== undefined && jwk !== undefined) return { arn, id, alg, jwk }
  throw new KmsError('kms_unavailable', `Cannot ${USE}: KMS must give a usable answer, found no public key in it`)
}

const importedJwk = async (spki: Uint8Array, alg: KmsAlgorithm): Promise<JWK | undefined> => {
  const pem = `-----BEGIN PUBLIC KEY-----\n${btoa(String.fromCharCode(...spki))}\n-----END PUBLIC KEY-----`
  return publicPartOf(await exportJWK(await importSPKI(pem, alg, { extractable: true })))
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

const unfit = (must: string, found: string | undefined): KmsError =>
  new KmsError('kms_key_unfit', `Cannot ${USE}: ${must}, found ${printable(found ?? 'none')}`)

/** The longest message that KMS accepts unhashed, in bytes. */
const LONGEST_MESSAGE = 4096

const SIGN = 'sign with KMS key'

const sign = async (signingInput: Uint8Array, key: KmsKey, { client, timeout }: Options): Promise<Uint8Array> => {
  const { spec, hash } = KMS_ALGORITHMS[key.alg]
  const message = await messageOf(signingInput, hash)
  // By ARN: if an alias was moved, it would sign with a different key than the published one.
  const command = new SignCommand({ KeyId: key.arn, SigningAlgorithm: spec, ...message })
  const answer = await requestAws(KMS, { action: SIGN, timeout }, (abortSignal) =>
    client.send(command, { abortSignal }),
  )
  const signature = signatureOf(answer, key)
  if (signature !== undefined) return signature
  throw new KmsError('kms_unavailable', `Cannot ${SIGN}: KMS must give a usable answer, found no signature in it`)
}

const messageOf = async (
  signingInput: Uint8Array,
  hash: string | undefined,
): Promise<Pick<SignCommandInput, 'Message' | 'MessageType'>> => {
  const { length } = signingInput
  if (length <= LONGEST_MESSAGE) return { MessageType: 'RAW', Message: signingInput }
  if (hash !== undefined)
    return { MessageType: 'DIGEST', Message: new Uint8Array(await crypto.subtle.digest(hash, signingInput.slice())) }
  const limit = `an Ed25519 key in KMS signs at most ${LONGEST_MESSAGE} bytes, found ${length}`
  const hint = 'put less into the token, or sign with an RSA key or one on a NIST curve'
  throw new KmsError('kms_message_too_long', `Cannot ${SIGN}: ${limit}; ${hint}`)
}

/** The signature in JWS format; `undefined` if the response is for another key or algorithm, or its size is wrong. */
const signatureOf = (answer: SignCommandOutput, { arn, alg, jwk }: KmsKey): Uint8Array | undefined => {
  const { KeyId: signedBy, SigningAlgorithm: signedWith, Signature: signature } = ownOptions(answer, [])
  const { spec, coordinate } = KMS_ALGORITHMS[alg]
  if (signature === undefined || signedBy !== arn || signedWith !== spec) return undefined
  if (coordinate !== undefined) return ecdsaSignature(signature, coordinate)
  const size = jwk.n === undefined ? 64 : base64url.decode(jwk.n).length
  return signature.length === size ? signature : undefined
}
