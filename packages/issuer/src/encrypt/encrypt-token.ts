import { CompactEncrypt, type CryptoKey, importJWK, type JWK } from 'jose'
import { knownOptions } from '../option-rules.ts'
import { discreetRefusal, own, ownOptions, refusal } from '../refusal.ts'
import { pickMembers } from '../signer/key-material.ts'

/** The algorithm that delivers the content encryption key to the recipient (RFC 7518 sections 4.3 and 4.6). */
export type KeyManagementAlgorithm = 'ECDH-ES' | 'ECDH-ES+A128KW' | 'ECDH-ES+A192KW' | 'ECDH-ES+A256KW' | 'RSA-OAEP-256'

/** The algorithm that encrypts the token itself (RFC 7518 sections 5.2 and 5.3). */
export type ContentEncryption = 'A128GCM' | 'A192GCM' | 'A256GCM' | 'A128CBC-HS256' | 'A192CBC-HS384' | 'A256CBC-HS512'

/** Options for `encryptToken`. */
export interface EncryptionOptions {
  /**
   * The recipient's public key: RSA of at least 2048 bits, or a key on P-256, P-384, P-521 or X25519. Its `kid` is copied to the
   * header. If it has a `use`, that must be `enc`.
   */
  readonly recipient: JWK
  /** @defaultValue the `alg` of `recipient`, otherwise `RSA-OAEP-256` for RSA keys and `ECDH-ES+A256KW` for all others */
  readonly keyManagement?: KeyManagementAlgorithm | undefined
  /** @defaultValue 'A256GCM' */
  readonly contentEncryption?: ContentEncryption | undefined
}

/** The options with every default filled in. */
interface ResolvedEncryption {
  readonly alg: KeyManagementAlgorithm
  readonly enc: ContentEncryption
  readonly kid: string | undefined
  /** Only the public members of the key. */
  readonly publicMembers: JWK
}

/** The names of the options. */
export const ENCRYPTION_OPTIONS: readonly (keyof EncryptionOptions)[] = [
  'recipient',
  'keyManagement',
  'contentEncryption',
]

const ACTION = 'encrypt token'
const AGREEMENTS: readonly KeyManagementAlgorithm[] = ['ECDH-ES', 'ECDH-ES+A128KW', 'ECDH-ES+A192KW', 'ECDH-ES+A256KW']
const ENCRYPTIONS: readonly ContentEncryption[] = [
  'A128GCM',
  'A192GCM',
  'A256GCM',
  'A128CBC-HS256',
  'A192CBC-HS384',
  'A256CBC-HS512',
]
const CURVES: Readonly<Record<string, readonly string[]>> = { EC: ['P-256', 'P-384', 'P-521'], OKP: ['X25519'] }
const MEMBERS: Readonly<Record<string, readonly (keyof JWK)[]>> = {
  RSA: ['n', 'e'],
  EC: ['crv', 'x', 'y'],
  OKP: ['crv', 'x'],
}

/**
 * Checks the options and fills in the defaults.
 *
 * @throws TypeError that names the option, its rule, and the value found. It never quotes the key.
 */
export const resolveEncryption = (given: EncryptionOptions): ResolvedEncryption => {
  const options = knownOptions(ACTION, given, ENCRYPTION_OPTIONS)
  const { contentEncryption: enc = 'A256GCM' } = options
  if (typeof options.recipient !== 'object' || options.recipient === null) {
    throw refusal(ACTION, '"recipient" must be a public JWK', typeof options.recipient)
  }
  const recipient = ownOptions(options.recipient, [])
  // Some serializers write null for an absent member.
  const { kty = '' } = recipient
  const [use, kid] = [recipient.use ?? undefined, recipient.kid ?? undefined]
  const known = kty === 'RSA' || (Object.hasOwn(CURVES, kty) && CURVES[kty]?.includes(String(recipient.crv)))
  if (!known)
    throw refusal(ACTION, '"recipient" must be an RSA key, or one on P-256, P-384, P-521 or X25519', recipient)
  if (use !== undefined && use !== 'enc') throw refusal(ACTION, '"recipient" must be a key for encryption', use)
  if (kid !== undefined && (typeof kid !== 'string' || kid.length === 0 || kid.length > 256)) {
    throw refusal(ACTION, 'the "kid" of "recipient" must have 1 to 256 characters', kid)
  }
  const fitting: readonly KeyManagementAlgorithm[] = kty === 'RSA' ? ['RSA-OAEP-256'] : AGREEMENTS
  if (options.keyManagement === null) throw refusal(ACTION, '"keyManagement" must not be null', null)
  const wanted: unknown = options.keyManagement ?? recipient.alg ?? (kty === 'RSA' ? 'RSA-OAEP-256' : 'ECDH-ES+A256KW')
  const alg = fitting.find((algorithm) => algorithm === wanted)
  if (alg === undefined)
    throw refusal(ACTION, `"keyManagement" must be one of ${fitting.join(', ')} for this key`, wanted)
  if (!ENCRYPTIONS.includes(enc)) {
    throw refusal(ACTION, `"contentEncryption" must be one of ${ENCRYPTIONS.join(', ')}`, enc)
  }
  return { alg, enc, kid, publicMembers: pickMembers(recipient, ['kty', ...(MEMBERS[kty] ?? [])]) }
}

/**
 * Encrypts a signed token to a recipient: a nested JWT (RFC 7519 section 11.2), with `cty` `JWT` and the recipient's `kid` in
 * its header. It does not check the token's signature or claims.
 *
 * @throws TypeError if the token is not a signed JWT, or an option is wrong. It quotes neither the token nor the key.
 */
export const encryptToken = async (token: string, options: EncryptionOptions): Promise<string> => {
  const resolved = resolveEncryption(options)
  assertSigned(token)
  return encryptedTo(token, resolved)
}

/** Encrypts with options that have already been checked. */
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
