import { misconfigured } from '../adapter.ts'

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
export const CONTENT_ENCRYPTIONS: readonly ContentEncryption[] = Object.freeze(
  Object.keys(contentEncryptionTraits) as ContentEncryption[],
)

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

/** Whether an algorithm uses the sender's ephemeral public key (RFC 7518 section 4.6). */
export function isKeyAgreement(algorithm: KeyManagementAlgorithm): boolean {
  return algorithm !== 'RSA-OAEP-256'
}

/**
 * Checks a list of accepted names, compared exactly.
 *
 * @throws TypeError for a list that is empty or contains anything else
 */
export function allowList<Name extends string>(
  action: string,
  option: string,
  names: unknown,
  known: readonly Name[],
): ReadonlySet<Name> {
  if (!Array.isArray(names) || names.length === 0)
    throw misconfigured(action, `"${option}" must list at least one of ${known.join(', ')}`)
  for (const name of names as readonly Name[])
    if (!known.includes(name)) throw misconfigured(action, `"${option}" may hold ${known.join(', ')}`, name)
  return new Set(names as readonly Name[])
}
