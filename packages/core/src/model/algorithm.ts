import { bare, bareThrough } from './values.ts'

// Every asymmetric algorithm that all runtimes have (RFC 7518, RFC 8037).
const WIDESPREAD = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const

/** Signature algorithms that use a public key (RFC 7518 section 3.1, RFC 8037, RFC 9864, and ML-DSA for JOSE). */
export type AsymmetricAlgorithm = (typeof WIDESPREAD)[number] | 'ML-DSA-44' | 'ML-DSA-65' | 'ML-DSA-87'

/** HMAC algorithms; usable only with an explicit `secret` (RFC 7518 section 3.2). */
export type SymmetricAlgorithm = 'HS256' | 'HS384' | 'HS512'

/** A JWS `alg` that Claimgate can verify. Never `none`. */
export type Algorithm = AsymmetricAlgorithm | SymmetricAlgorithm

/** The kind of key an algorithm needs: the JWK `kty`, and `crv` or a JWK `alg` if the algorithm fixes one. */
export interface AlgorithmTraits {
  readonly kty: 'RSA' | 'EC' | 'OKP' | 'AKP' | 'oct'
  readonly crv?: string
  /** Bytes of a signature, if the algorithm fixes the length (RFC 7518 section 3.4: raw r and s, never DER). */
  readonly signatureBytes?: number
  /** Fewest bytes of a secret (RFC 7518 section 3.2: no shorter than the hash). */
  readonly secretBytes?: number
}

export const algorithmTraits: Readonly<Record<Algorithm, AlgorithmTraits>> = bareThrough({
  RS256: { kty: 'RSA' },
  RS384: { kty: 'RSA' },
  RS512: { kty: 'RSA' },
  PS256: { kty: 'RSA' },
  PS384: { kty: 'RSA' },
  PS512: { kty: 'RSA' },
  ES256: { kty: 'EC', crv: 'P-256', signatureBytes: 64 },
  ES384: { kty: 'EC', crv: 'P-384', signatureBytes: 96 },
  ES512: { kty: 'EC', crv: 'P-521', signatureBytes: 132 },
  EdDSA: { kty: 'OKP', crv: 'Ed25519', signatureBytes: 64 },
  Ed25519: { kty: 'OKP', crv: 'Ed25519', signatureBytes: 64 },
  'ML-DSA-44': { kty: 'AKP', signatureBytes: 2420 },
  'ML-DSA-65': { kty: 'AKP', signatureBytes: 3309 },
  'ML-DSA-87': { kty: 'AKP', signatureBytes: 4627 },
  HS256: { kty: 'oct', signatureBytes: 32, secretBytes: 32 },
  HS384: { kty: 'oct', signatureBytes: 48, secretBytes: 48 },
  HS512: { kty: 'oct', signatureBytes: 64, secretBytes: 64 },
})

/** The algorithms accepted by default: every asymmetric algorithm that all runtimes have (RFC 7518, RFC 8037). */
export const DEFAULT_ALGORITHMS: readonly AsymmetricAlgorithm[] = Object.freeze(WIDESPREAD)

/** Whether a value is the name of a supported algorithm, compared exactly. */
export function isAlgorithm(value: unknown): value is Algorithm {
  return typeof value === 'string' && Object.hasOwn(algorithmTraits, value)
}

export function isSymmetric(algorithm: Algorithm): algorithm is SymmetricAlgorithm {
  return algorithmTraits[algorithm].kty === 'oct'
}

/** What WebCrypto needs to import a key and to verify a signature. */
export interface AlgorithmParameters {
  readonly name: string
  readonly hash?: string
  readonly saltLength?: number
  readonly namedCurve?: string | undefined
}

/** The parameters of RFC 7518 sections 3.2 to 3.5 and RFC 8037 section 3.1. WebCrypto rejects an algorithm that it does not know. */
export function parametersOf(algorithm: string): AlgorithmParameters {
  const bits = algorithm.slice(2)
  const hash = `SHA-${bits}`
  switch (algorithm.slice(0, 2)) {
    case 'RS':
      return bare({ name: 'RSASSA-PKCS1-v1_5', hash })
    case 'PS':
      return bare({ name: 'RSA-PSS', hash, saltLength: Number(bits) / 8 })
    case 'ES':
      return bare({
        name: 'ECDSA',
        hash,
        namedCurve: isAlgorithm(algorithm) ? algorithmTraits[algorithm].crv : undefined,
      })
    case 'HS':
      return bare({ name: 'HMAC', hash })
    case 'Ed':
      return bare({ name: 'Ed25519' })
    default:
      return bare({ name: algorithm })
  }
}

/** Whether a value is the name of an algorithm with a public key. */
export function isAsymmetric(value: unknown): value is AsymmetricAlgorithm {
  return isAlgorithm(value) && !isSymmetric(value)
}
