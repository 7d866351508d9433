import { createHash, createPublicKey } from 'node:crypto'

import { type AwsEndpoint, type AwsInput, AwsRefusal, startAwsEndpoint } from './aws-endpoint.ts'
import {
  ARN_START,
  type FakeKmsKey,
  type FakeKmsKeyOptions,
  type FakeKmsKeyState,
  type HeldKmsKey,
  holdKmsKey,
} from './kms-key.ts'
import { hashOf, kmsSign } from './kms-sign.ts'

/** Options for a fake KMS. */
export interface FakeKmsOptions {
  /** The initial keys. @defaultValue none */
  readonly keys?: readonly FakeKmsKeyOptions[]
}

/** A fake AWS KMS on 127.0.0.1. It supports `GetPublicKey` and `Sign`, with real keys and real signatures. */
export interface FakeKms extends AwsEndpoint {
  /** Its keys, in the order they were added. */
  readonly keys: readonly FakeKmsKey[]
  /** Adds a key. */
  addKey(key?: FakeKmsKeyOptions): Promise<FakeKmsKey>
  /**
   * Enables or disables a key, or schedules its deletion.
   *
   * @throws TypeError if there is no such key.
   */
  setState(keyId: string, state: FakeKmsKeyState): void
  /**
   * Points an alias, which begins with `alias/`, to a key. It replaces an earlier target.
   *
   * @throws TypeError if there is no such key.
   */
  setAlias(alias: string, keyId: string): void
}

/**
 * Starts a fake KMS for `new KMSClient({ endpoint, region, credentials })`. Like KMS, it refuses unknown and disabled keys, the wrong
 * use of a key, algorithms that the key does not support, messages over 4,096 bytes, and digests of the wrong length. It does not
 * support `ED25519_PH_SHA_512`, key policies or grants, and it accepts any credentials.
 */
export const startFakeKms = async (options: FakeKmsOptions = {}): Promise<FakeKms> => {
  const held: HeldKmsKey[] = []
  const aliases = new Map<string, string>()

  const find = (name: string): HeldKmsKey | undefined => {
    const bare = name.startsWith(`${ARN_START}:`) ? name.slice(ARN_START.length + 1) : name
    const keyId = bare.startsWith('alias/') ? aliases.get(bare) : bare.replace(/^key\//, '')
    return held.find((key) => key.keyId === keyId)
  }
  const known = (keyId: string): HeldKmsKey => {
    const key = find(keyId)
    if (key === undefined) throw new TypeError(`There is no key "${keyId}"`)
    return key
  }
  const usable = ({ KeyId: name }: AwsInput): HeldKmsKey => {
    if (typeof name !== 'string') throw invalid("Value at 'keyId' must be a string")
    const key = find(name)
    if (key === undefined) throw new AwsRefusal('NotFoundException', `Key '${name}' does not exist`)
    if (key.state === 'Disabled') throw new AwsRefusal('DisabledException', `${key.arn} is disabled.`)
    if (key.state === 'PendingDeletion') {
      throw new AwsRefusal('KMSInvalidStateException', `${key.arn} is pending deletion.`)
    }
    return key
  }
  const addKey = async (added: FakeKmsKeyOptions = {}): Promise<FakeKmsKey> => {
    const key = await holdKmsKey(added)
    held.push(key)
    for (const alias of added.aliases ?? []) aliases.set(alias, key.keyId)
    return describe(key)
  }

  for (const key of options.keys ?? []) await addKey(key)
  const service = await startAwsEndpoint({
    target: 'TrentService',
    operations: {
      GetPublicKey: (input) => publicKeyAnswer(usable(input)),
      Sign: (input) => signAnswer(usable(input), input),
    },
  })
  return Object.freeze({
    ...service,
    get keys(): readonly FakeKmsKey[] {
      return held.map(describe)
    },
    addKey,
    setState: (keyId: string, state: FakeKmsKeyState) => {
      known(keyId).state = state
    },
    setAlias: (alias: string, keyId: string) => void aliases.set(alias, known(keyId).keyId),
  })
}

const describe = ({ keyId, arn, keySpec, keyUsage, publicPem }: HeldKmsKey): FakeKmsKey =>
  Object.freeze({ keyId, arn, keySpec, keyUsage, publicPem })

const publicKeyAnswer = ({ arn, keySpec, keyUsage, privateKey, algorithms }: HeldKmsKey): object => {
  if (privateKey === undefined) {
    throw new AwsRefusal('UnsupportedOperationException', `${arn} has no public key: its spec is ${keySpec}.`)
  }
  const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' })
  return {
    KeyId: arn,
    PublicKey: spki.toString('base64'),
    CustomerMasterKeySpec: keySpec,
    KeySpec: keySpec,
    KeyUsage: keyUsage,
    ...(keyUsage === 'SIGN_VERIFY' && { SigningAlgorithms: algorithms }),
    ...(keyUsage === 'ENCRYPT_DECRYPT' && { EncryptionAlgorithms: algorithms }),
    ...(keyUsage === 'KEY_AGREEMENT' && { KeyAgreementAlgorithms: algorithms }),
  }
}

const LONGEST_MESSAGE = 4096

const signAnswer = (key: HeldKmsKey, input: AwsInput): object => {
  const { Message: message, MessageType: type = 'RAW', SigningAlgorithm: algorithm } = input
  const { arn, keyUsage, keySpec, privateKey, algorithms } = key
  if (keyUsage !== 'SIGN_VERIFY' || privateKey === undefined) {
    throw new AwsRefusal('InvalidKeyUsageException', `${arn} key usage is ${keyUsage} which is not valid for Sign.`)
  }
  if (typeof algorithm !== 'string' || !algorithms.includes(algorithm)) {
    const found = String(algorithm)
    throw new AwsRefusal('InvalidKeyUsageException', `Algorithm ${found} is incompatible with key spec ${keySpec}.`)
  }
  if (algorithm === 'ED25519_PH_SHA_512') throw invalid('This fake cannot sign with ED25519_PH_SHA_512')
  if (type !== 'RAW' && type !== 'DIGEST') throw invalid("Value at 'messageType' must be RAW or DIGEST")
  if (typeof message !== 'string') throw invalid("Value at 'message' must be a byte string")
  const bytes = Buffer.from(message, 'base64')
  if (bytes.length === 0 || bytes.length > LONGEST_MESSAGE) {
    throw invalid(`Value at 'message' must have 1 to ${LONGEST_MESSAGE} bytes, found ${bytes.length}`)
  }
  if (type === 'DIGEST' && algorithm === 'ED25519_SHA_512') throw invalid(`${algorithm} needs MessageType RAW`)
  if (type === 'DIGEST' && bytes.length !== createHash(hashOf(algorithm)).digest().length) {
    throw invalid(`Digest is invalid length for algorithm ${algorithm}.`)
  }
  const signature = kmsSign(privateKey, algorithm, { bytes, type })
  return { KeyId: arn, Signature: signature.toString('base64'), SigningAlgorithm: algorithm }
}

const invalid = (message: string): AwsRefusal => new AwsRefusal('ValidationException', message)
