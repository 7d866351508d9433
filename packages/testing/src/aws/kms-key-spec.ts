import { generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'

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
export interface KeySpecTraits {
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
export const KEY_SPECS: Readonly<Record<FakeKmsKeySpec, KeySpecTraits>> = {
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
