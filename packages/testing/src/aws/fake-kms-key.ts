import { createPrivateKey, createPublicKey, type KeyObject, randomUUID } from 'node:crypto'

import { type FakeKmsKeySpec, type FakeKmsKeyUsage, KEY_SPECS } from './kms-key-spec.ts'

/** Whether KMS lets a key be used. */
export type FakeKmsKeyState = 'Enabled' | 'Disabled' | 'PendingDeletion'

/** A key for a fake KMS to hold. */
export interface FakeKmsKeyOptions {
  /** The key's ID. @defaultValue a random UUID */
  readonly keyId?: string
  /** What kind of key it is. @defaultValue 'ECC_NIST_P256' */
  readonly keySpec?: FakeKmsKeySpec
  /** What it may be used for. @defaultValue the first use of its spec: signing, where the spec can sign */
  readonly keyUsage?: FakeKmsKeyUsage
  /** A private key of the spec's kind, as a `KeyObject` or PKCS#8 PEM. @defaultValue a fresh one */
  readonly privateKey?: KeyObject | string
  /** Whether it may be used. @defaultValue 'Enabled' */
  readonly state?: FakeKmsKeyState
  /** Other names of the key, each beginning with `alias/`. @defaultValue none */
  readonly aliases?: readonly string[]
}

/** A key as the fake KMS holds it. The private half is not to be had. */
export interface FakeKmsKey {
  readonly keyId: string
  /** Such as `arn:aws:kms:eu-central-1:111122223333:key/…`. */
  readonly arn: string
  readonly keySpec: FakeKmsKeySpec
  readonly keyUsage: FakeKmsKeyUsage
  /** `public.pem` as the KMS console downloads it: SPKI. Empty for a key without a public half. */
  readonly publicPem: string
}

/** A key with everything the service itself needs. */
export interface HeldKmsKey extends FakeKmsKey {
  readonly privateKey: KeyObject | undefined
  /** The algorithms of its use. */
  readonly algorithms: readonly string[]
  state: FakeKmsKeyState
}

/** Generates or takes in a key. */
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

/** The start of every ARN of the fake: region and account are made up. */
export const ARN_START = 'arn:aws:kms:eu-central-1:111122223333'

const imported = (key: KeyObject | string): KeyObject => (typeof key === 'string' ? createPrivateKey(key) : key)
