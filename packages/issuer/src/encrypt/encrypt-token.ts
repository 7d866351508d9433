import { CompactEncrypt, importJWK } from 'jose'
import type { CryptoKey } from 'jose'
import { own } from '../own.ts'
import { discreetRefusal, refusal } from '../refusal.ts'
import { type EncryptionOptions, type ResolvedEncryption, resolveEncryption } from './encryption-options.ts'

/**
 * Encrypts a signed token to a recipient: a nested JWT (RFC 7519 section 11.2), with `cty` `JWT` and the recipient's `kid` in
 * its header. It does not look at the token's signature or claims.
 *
 * @throws TypeError where the token is not a signed one, or an option is wrong. It quotes neither the token nor the key.
 */
export const encryptToken = async (token: string, options: EncryptionOptions): Promise<string> => {
  const resolved = resolveEncryption(options)
  assertSigned(token)
  return encryptedTo(token, resolved)
}

/** The same with options that have been checked. */
export const encryptedTo = async (token: string, resolved: ResolvedEncryption): Promise<string> => {
  const { alg, enc, kid } = resolved
  return new CompactEncrypt(new TextEncoder().encode(token))
    .setProtectedHeader({ alg, enc, cty: 'JWT', ...(kid === undefined ? {} : { kid }) })
    .encrypt(await recipientKey(resolved))
}

const assertSigned = (token: unknown): void => {
  if (typeof token === 'string' && /^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) return
  throw discreetRefusal('encrypt token', 'it must be a signed JWT in compact form', token)
}

const recipientKey = async ({ alg, publicMembers }: ResolvedEncryption): Promise<CryptoKey> => {
  const key = await importJWK(publicMembers, alg).catch(() => undefined)
  if (key === undefined || !('type' in key)) {
    throw refusal('encrypt token', `"recipient" must be a public key for ${alg}`, publicMembers)
  }
  const bits = own(key.algorithm, 'modulusLength')
  if (typeof bits === 'number' && bits < 2048) {
    throw refusal('encrypt token', '"recipient" must have at least 2048 bits', bits)
  }
  return key
}
