import { createPrivateKey, createPublicKey, type KeyObject, randomUUID } from 'node:crypto'

import { type FakeKmsKeySpec, type FakeKmsKeyUsage, KEY_SPECS } from './kms-key-spec.ts'

/** The state of a KMS key. */
export type FakeKmsKeyState = 'Enabled' | 'Disabled' | 'PendingDeletion'

/** Options for a key of a fake KMS. */
export interface FakeKmsKeyOptions {
  /** The key's ID. @defaultValue a random UUID */
  readonly keyId?: string
  /** The key spec. @defaultValue 'ECC_NIST_P256' */
  readonly keySpec?: FakeKmsKeySpec
  /** The permitted use. @defaultValue the first use of its spec: signing, if the spec can sign */
  readonly keyUsage?: FakeKmsKeyUsage
  /** A private key that matches the spec, as a `KeyObject` or PKCS#8 PEM. @defaultValue a new key */
  readonly privateKey?: KeyObject | string
  /** The initial state. @defaultValue 'Enabled' */
  readonly state?: FakeKmsKeyState
  /** Aliases of the key. Each begins with `alias/`. @defaultValue none */
  readonly aliases?: readonly string[]
}

/** A key of the fake KMS, without its private half. */
export interface FakeKmsKey {
  readonly keyId: string
  /** For example `arn:aws:kms:eu-central-1:111122223333:key/…`. */
  readonly arn: string
  readonly keySpec: FakeKmsKeySpec
  readonly keyUsage: FakeKmsKeyUsage
  /** The public key in SPKI, like `public.pem` from the KMS console. Empty for a key without a public half. */
  readonly publicPem: string
}

/** A key with the private data that the fake service needs. */
export interface HeldKmsKey extends FakeKmsKey {
  readonly privateKey: KeyObject | undefined
  /** The algorithms for its use. */
  readonly algorithms: readonly string[]
  state: FakeKmsKeyState
}

/** Generates a key, or imports the given one. */
export const holdKmsKey = async (options: FakeKmsKeyOptions): Promise<HeldKmsKey> => {
  const { keyId = randomUUID(), keySpec = 'ECC_NIST_P256', state = 'Enabled' } = options
  const { generate, uses } = KEY_SPECS[keySpec]
  const [first = 'SIGN_VERIFY'] = Object.keys(uses) as FakeKmsKeyUsage[]
  const { keyUsage = first } = options
  const algorithms = uses[keyUsage]
  if (algorithms === undefined) throw new TypeError(`A key of spec ${keySpec} cannot be used for ${keyUsage}`)
  const privateKey = options.privateKey === undefined ? await generate?.() : imported(options.privateKey)
  const publicPem = privateKey && createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString()
  const arn = `${ARN_START}:key/${keyId}`
  return { keyId, arn, keySpec, keyUsage, publicPem: publicPem ?? '', privateKey, algorithms, state }
}

/** The prefix of every ARN of the fake. Region and account are invented. */
export const ARN_START = 'arn:aws:kms:eu-central-1:111122223333'

const imported = (key: KeyObject | string): KeyObject => (typeof key === 'string' ? createPrivateKey(key) : key)
