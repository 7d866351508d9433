import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject, randomUUID } from 'node:crypto'
import { promisify } from 'node:util'

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

/** The key specs that the fake KMS supports, by their KMS names. */
export type FakeKmsKeySpec =
  | 'RSA_2048'
  | 'RSA_3072'
  | 'RSA_4096'
  | 'ECC_NIST_P256'
  | 'ECC_NIST_P384'
  | 'ECC_NIST_P521'
  | 'ECC_SECG_P256K1'
  | 'ECC_NIST_EDWARDS25519'
  | 'HMAC_256'
  | 'SYMMETRIC_DEFAULT'

/** The permitted use of a KMS key. Each key has one use. */
export type FakeKmsKeyUsage = 'SIGN_VERIFY' | 'ENCRYPT_DECRYPT' | 'KEY_AGREEMENT' | 'GENERATE_VERIFY_MAC'

/** The properties of a key spec. */
interface KeySpecTraits {
  /** Creates a key pair; absent for keys without a public half. */
  readonly generate?: () => Promise<KeyObject>
  /** The algorithms for each use that the spec allows. The first use is the default. */
  readonly uses: Readonly<Partial<Record<FakeKmsKeyUsage, readonly string[]>>>
}

const generated = promisify(generateKeyPair)

const rsa = (modulusLength: number): KeySpecTraits => ({
  generate: async () => (await generated('rsa', { modulusLength })).privateKey,
  uses: {
    SIGN_VERIFY: [
      'RSASSA_PKCS1_V1_5_SHA_256',
      'RSASSA_PKCS1_V1_5_SHA_384',
      'RSASSA_PKCS1_V1_5_SHA_512',
      'RSASSA_PSS_SHA_256',
      'RSASSA_PSS_SHA_384',
      'RSASSA_PSS_SHA_512',
    ],
    ENCRYPT_DECRYPT: ['RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256'],
  },
})

const curve = (namedCurve: string, algorithm: string): KeySpecTraits => ({
  generate: async () => (await generated('ec', { namedCurve })).privateKey,
  uses: { SIGN_VERIFY: [algorithm], KEY_AGREEMENT: ['ECDH'] },
})

/** The key specs and their properties. */
const KEY_SPECS: Readonly<Record<FakeKmsKeySpec, KeySpecTraits>> = {
  RSA_2048: rsa(2048),
  RSA_3072: rsa(3072),
  RSA_4096: rsa(4096),
  ECC_NIST_P256: curve('prime256v1', 'ECDSA_SHA_256'),
  ECC_NIST_P384: curve('secp384r1', 'ECDSA_SHA_384'),
  ECC_NIST_P521: curve('secp521r1', 'ECDSA_SHA_512'),
  ECC_SECG_P256K1: {
    generate: async () => (await generated('ec', { namedCurve: 'secp256k1' })).privateKey,
    uses: { SIGN_VERIFY: ['ECDSA_SHA_256'] },
  },
  ECC_NIST_EDWARDS25519: {
    generate: async () => (await generated('ed25519')).privateKey,
    uses: { SIGN_VERIFY: ['ED25519_SHA_512', 'ED25519_PH_SHA_512'] },
  },
  HMAC_256: { uses: { GENERATE_VERIFY_MAC: ['HMAC_SHA_256'] } },
  SYMMETRIC_DEFAULT: { uses: { ENCRYPT_DECRYPT: ['SYMMETRIC_DEFAULT'] } },
}
