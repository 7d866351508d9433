import { allowList } from './allow-list.ts'

/** A JWE `enc` that Claimgate can decrypt (RFC 7518 sections 5.2 and 5.3). */
export type ContentEncryption = 'A128GCM' | 'A192GCM' | 'A256GCM' | 'A128CBC-HS256' | 'A192CBC-HS384' | 'A256CBC-HS512'

/** How long the parts of a token are that an `enc` fixes. */
export interface ContentEncryptionTraits {
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

/** Every JWE `enc` there is here. */
export const CONTENT_ENCRYPTIONS: readonly ContentEncryption[] = Object.freeze([
  'A128GCM',
  'A192GCM',
  'A256GCM',
  'A128CBC-HS256',
  'A192CBC-HS384',
  'A256CBC-HS512',
])

/**
 * The content encryption of an option.
 *
 * @throws TypeError for a list that is empty or holds anything else
 */
export function resolveContentEncryption(
  action: string,
  encryptions: readonly ContentEncryption[] = CONTENT_ENCRYPTIONS,
): ReadonlySet<ContentEncryption> {
  return allowList(action, 'encryptions', encryptions, CONTENT_ENCRYPTIONS)
}
