import { misconfigured } from '../adapter.ts'

/**
 * Checks a list of known names, compared exactly.
 *
 * @throws TypeError for a list that is empty or contains anything else
 */
function allowList<Name extends string>(
  action: string,
  option: string,
  names: readonly Name[],
  known: readonly Name[],
): ReadonlySet<Name> {
  const list: unknown = names
  if (!Array.isArray(list) || list.length === 0)
    throw misconfigured(action, `"${option}" must list at least one of ${known.join(', ')}`)
  for (const name of names)
    if (!known.includes(name)) throw misconfigured(action, `"${option}" may hold ${known.join(', ')}`, name)
  return new Set(names)
}

/** A JWE `enc` that Claimgate can decrypt (RFC 7518 sections 5.2 and 5.3). */
export type ContentEncryption = 'A128GCM' | 'A192GCM' | 'A256GCM' | 'A128CBC-HS256' | 'A192CBC-HS384' | 'A256CBC-HS512'

/** The lengths that an `enc` fixes for the parts of a token. */
interface ContentEncryptionTraits {
  readonly ivBytes: number
  readonly tagBytes: number
}

export const contentEncryptionTraits: Readonly<Record<ContentEncryption, ContentEncryptionTraits>> = {
  A128GCM: { ivBytes: 12, tagBytes: 16 },
  A192GCM: { ivBytes: 12, tagBytes: 16 },
  A256GCM: { ivBytes: 12, tagBytes: 16 },
  'A128CBC-HS256': { ivBytes: 16, tagBytes: 16 },
  'A192CBC-HS384': { ivBytes: 16, tagBytes: 24 },
  'A256CBC-HS512': { ivBytes: 16, tagBytes: 32 },
}

/** Every supported JWE `enc`. */
export const CONTENT_ENCRYPTIONS: readonly ContentEncryption[] = Object.freeze([
  'A128GCM',
  'A192GCM',
  'A256GCM',
  'A128CBC-HS256',
  'A192CBC-HS384',
  'A256CBC-HS512',
])

/**
 * Resolves the option for content encryption.
 *
 * @throws TypeError for a list that is empty or contains anything else
 */
export function resolveContentEncryption(
  action: string,
  encryptions: readonly ContentEncryption[] = CONTENT_ENCRYPTIONS,
): ReadonlySet<ContentEncryption> {
  return allowList(action, 'encryptions', encryptions, CONTENT_ENCRYPTIONS)
}

/** A JWE `alg` that Claimgate can decrypt (RFC 7518 sections 4.3 and 4.6). */
export type KeyManagementAlgorithm = 'ECDH-ES' | 'ECDH-ES+A128KW' | 'ECDH-ES+A192KW' | 'ECDH-ES+A256KW' | 'RSA-OAEP-256'

/**
 * Every supported JWE `alg`. Excludes RSA1_5 (RFC 8725 section 3.2), RSA-OAEP with SHA-1, passwords (PBES2), and shared secrets (`dir`,
 * `A128KW` …), which sender and recipient would have to exchange in secret.
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

/** Whether an algorithm uses the sender's ephemeral public key (RFC 7518 section 4.6). */
export function isKeyAgreement(algorithm: KeyManagementAlgorithm): boolean {
  return algorithm !== 'RSA-OAEP-256'
}

/**
 * Resolves the option for key management algorithms.
 *
 * @throws TypeError for a list that is empty or contains anything else
 */
export function resolveKeyManagement(
  action: string,
  algorithms: readonly KeyManagementAlgorithm[] = KEY_MANAGEMENT_ALGORITHMS,
): ReadonlySet<KeyManagementAlgorithm> {
  return allowList(action, 'algorithms', algorithms, KEY_MANAGEMENT_ALGORITHMS)
}
