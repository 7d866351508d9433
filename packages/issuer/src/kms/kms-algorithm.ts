import type { KeySpec, SigningAlgorithmSpec } from '@aws-sdk/client-kms'
import type { SigningAlgorithm } from '../signer/signer.ts'

/** The algorithms that a key in KMS can sign tokens with. */
export type KmsAlgorithm = Exclude<SigningAlgorithm, 'ML-DSA-44' | 'ML-DSA-65' | 'ML-DSA-87'>

/** How KMS implements a JWS algorithm. */
interface KmsAlgorithmTraits {
  /** The name of the algorithm in KMS. */
  readonly spec: SigningAlgorithmSpec
  /** The hash for messages that are too long to send. `undefined` if KMS must receive the message itself. */
  readonly hash: 'SHA-256' | 'SHA-384' | 'SHA-512' | undefined
  /** Bytes of r and of s if KMS returns the signature in DER (RFC 7518 section 3.4). */
  readonly coordinate: 32 | 48 | 66 | undefined
}

/** Every algorithm and how KMS implements it. */
export const KMS_ALGORITHMS: Readonly<Record<KmsAlgorithm, KmsAlgorithmTraits>> = {
  RS256: { spec: 'RSASSA_PKCS1_V1_5_SHA_256', hash: 'SHA-256', coordinate: undefined },
  RS384: { spec: 'RSASSA_PKCS1_V1_5_SHA_384', hash: 'SHA-384', coordinate: undefined },
  RS512: { spec: 'RSASSA_PKCS1_V1_5_SHA_512', hash: 'SHA-512', coordinate: undefined },
  PS256: { spec: 'RSASSA_PSS_SHA_256', hash: 'SHA-256', coordinate: undefined },
  PS384: { spec: 'RSASSA_PSS_SHA_384', hash: 'SHA-384', coordinate: undefined },
  PS512: { spec: 'RSASSA_PSS_SHA_512', hash: 'SHA-512', coordinate: undefined },
  ES256: { spec: 'ECDSA_SHA_256', hash: 'SHA-256', coordinate: 32 },
  ES384: { spec: 'ECDSA_SHA_384', hash: 'SHA-384', coordinate: 48 },
  ES512: { spec: 'ECDSA_SHA_512', hash: 'SHA-512', coordinate: 66 },
  EdDSA: { spec: 'ED25519_SHA_512', hash: undefined, coordinate: undefined },
  Ed25519: { spec: 'ED25519_SHA_512', hash: undefined, coordinate: undefined },
}

const RSA: readonly KmsAlgorithm[] = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']

/** The key specs of KMS that can sign tokens, each with its algorithms; the first is the default. */
export const KMS_KEY_SPECS: ReadonlyMap<KeySpec, readonly KmsAlgorithm[]> = new Map([
  ['RSA_2048', RSA],
  ['RSA_3072', RSA],
  ['RSA_4096', RSA],
  ['ECC_NIST_P256', ['ES256']],
  ['ECC_NIST_P384', ['ES384']],
  ['ECC_NIST_P521', ['ES512']],
  ['ECC_NIST_EDWARDS25519', ['EdDSA', 'Ed25519']],
])

/**
 * Converts an ECDSA signature from DER to the JWS format: r and s concatenated, each of `coordinate` bytes (RFC 7518 section 3.4).
 * DER is a SEQUENCE of two INTEGERs (RFC 3279 section 2.2.3), each in its shortest form.
 *
 * Returns `undefined` unless the input is the canonical DER encoding of two positive numbers that fit.
 */
export const ecdsaSignature = (der: Uint8Array, coordinate: number): Uint8Array | undefined => {
  const sequence = readElement(der, SEQUENCE)
  const first = sequence && readElement(sequence.content, INTEGER)
  const second = first && readElement(first.rest, INTEGER)
  if (!second || sequence.rest.length + second.rest.length > 0) return undefined
  const [r, s] = [magnitude(first.content), magnitude(second.content)]
  if (r === undefined || s === undefined || Math.max(r.length, s.length) > coordinate) return undefined
  const signature = new Uint8Array(2 * coordinate)
  signature.set(r, coordinate - r.length)
  signature.set(s, 2 * coordinate - s.length)
  return signature
}

const SEQUENCE = 0x30
const INTEGER = 0x02
const LONG_LENGTH = 0x81

interface Element {
  readonly content: Uint8Array
  readonly rest: Uint8Array
}

const readElement = (bytes: Uint8Array, tag: number): Element | undefined => {
  const [found, short = 0, long = 0] = bytes
  const isLong = short === LONG_LENGTH
  // DER allows the long form only for lengths that do not fit the short form.
  if (found !== tag || (isLong ? long < 0x80 : short >= 0x80)) return undefined
  const start = isLong ? 3 : 2
  const end = start + (isLong ? long : short)
  return end > bytes.length ? undefined : { content: bytes.subarray(start, end), rest: bytes.subarray(end) }
}

/** The bytes of a positive number, without the leading zero that marks it as positive. */
const magnitude = (integer: Uint8Array): Uint8Array | undefined => {
  const [first, second = 0] = integer
  if (first === undefined || first >= 0x80) return undefined
  if (first > 0) return integer
  return second >= 0x80 ? integer.subarray(1) : undefined
}
