import { allowList } from './allow-list.ts'

/** A JWE `alg` that Claimgate can decrypt (RFC 7518 sections 4.3 and 4.6). */
export type KeyManagementAlgorithm = 'ECDH-ES' | 'ECDH-ES+A128KW' | 'ECDH-ES+A192KW' | 'ECDH-ES+A256KW' | 'RSA-OAEP-256'

/**
 * Every JWE `alg` there is here. Without RSA1_5 (RFC 8725 section 3.2), RSA-OAEP with SHA-1, passwords (PBES2), and shared secrets (`dir`,
 * `A128KW` …), on which whoever encrypts and whoever decrypts would have to agree in secret.
 */
export const KEY_MANAGEMENT_ALGORITHMS: readonly KeyManagementAlgorithm[] = Object.freeze([
  'ECDH-ES',
  'ECDH-ES+A128KW',
  'ECDH-ES+A192KW',
  'ECDH-ES+A256KW',
  'RSA-OAEP-256',
])

/** Whether a text is exactly one of `KEY_MANAGEMENT_ALGORITHMS`. */
export function isKeyManagementAlgorithm(value: unknown): value is KeyManagementAlgorithm {
  return KEY_MANAGEMENT_ALGORITHMS.some((algorithm) => algorithm === value)
}

/** Whether the sender's ephemeral public key takes part (RFC 7518 section 4.6). */
export function isKeyAgreement(algorithm: KeyManagementAlgorithm): boolean {
  return algorithm !== 'RSA-OAEP-256'
}

/**
 * The algorithms of an option.
 *
 * @throws TypeError for a list that is empty or holds anything else
 */
export function resolveKeyManagement(
  action: string,
  algorithms: readonly KeyManagementAlgorithm[] = KEY_MANAGEMENT_ALGORITHMS,
): ReadonlySet<KeyManagementAlgorithm> {
  return allowList(action, 'algorithms', algorithms, KEY_MANAGEMENT_ALGORITHMS)
}
