import { CompactEncrypt, type CryptoKey, importJWK, type JWK } from 'jose'
import { checkMembers, readOptions, type Rules } from './options.ts'
import * as rule from './rules.ts'
import { discreetRefusal, own, ownOptions, refusal } from './refusal.ts'
import { keyId, publicPartOf } from './signer/signer.ts'

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

const ACTION = 'encrypt token'
const ENCRYPTIONS = ['A128GCM', 'A192GCM', 'A256GCM', 'A128CBC-HS256', 'A192CBC-HS384', 'A256CBC-HS512']

/** What the options must be. `keyManagement` is checked with the recipient's key. */
export const ENCRYPTION_RULES: Rules<EncryptionOptions> = {
  recipient: rule.object('be a public JWK'),
  keyManagement: rule.anything,
  contentEncryption: rule.oneOf(ENCRYPTIONS),
}

const RECIPIENT_RULES: Rules = {
  use: rule.optional(rule.of('be "enc"', (value) => value === 'enc')),
  kid: rule.optional(keyId),
}

const CURVES: ReadonlyMap<unknown, readonly unknown[]> = new Map([
  ['EC', ['P-256', 'P-384', 'P-521']],
  ['OKP', ['X25519']],
])

// The last one is the default.
const AGREEMENTS: readonly KeyManagementAlgorithm[] = ['ECDH-ES', 'ECDH-ES+A128KW', 'ECDH-ES+A192KW', 'ECDH-ES+A256KW']

/**
 * Encrypts a signed token to a recipient: a nested JWT (RFC 7519 section 11.2), with `cty` `JWT` and the recipient's `kid` in
 * its header. It does not check the token's signature or claims.
 *
 * @throws TypeError if the token is not a signed JWT, or an option is wrong. It quotes neither the token nor the key.
 */
export const encryptToken = async (token: string, options: EncryptionOptions): Promise<string> => {
  const encrypt = encryption(options)
  if (typeof token !== 'string' || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token))
    throw discreetRefusal(ACTION, 'it must be a signed JWT in compact form', token)
  return encrypt(token)
}

/**
 * Checks the options once, and returns the function that encrypts with them.
 *
 * @throws TypeError that names the option, its rule, and the value found. It never quotes the key.
 */
export const encryption = (given: EncryptionOptions): ((token: string) => Promise<string>) => {
  const options = readOptions(ACTION, given, ENCRYPTION_RULES, { contentEncryption: 'A256GCM' })
  const recipient = ownOptions(options.recipient, [])
  const { kty } = recipient
  if (kty !== 'RSA' && !CURVES.get(kty)?.includes(recipient.crv))
    throw refusal(ACTION, '"recipient" must be an RSA key, or one on P-256, P-384, P-521 or X25519', recipient)
  // Some serializers write null for an absent member.
  const [use, kid] = [recipient.use ?? undefined, recipient.kid ?? undefined]
  checkMembers(ACTION, { use, kid }, RECIPIENT_RULES, 'recipient.')
  const fitting: readonly KeyManagementAlgorithm[] = kty === 'RSA' ? ['RSA-OAEP-256'] : AGREEMENTS
  const { keyManagement = recipient.alg ?? fitting.at(-1), contentEncryption: enc } = options
  const alg = fitting.find((algorithm) => algorithm === keyManagement)
  if (alg === undefined)
    throw refusal(ACTION, `"keyManagement" must be one of ${fitting.join(', ')} for this key`, keyManagement)
  const header = { alg, enc, cty: 'JWT', ...(kid === undefined ? {} : { kid }) }
  return async (token) =>
    new CompactEncrypt(new TextEncoder().encode(token))
      .setProtectedHeader(header)
      .encrypt(await importedKey(publicPartOf(recipient) ?? {}, alg))
}

const importedKey = async (jwk: JWK, alg: KeyManagementAlgorithm): Promise<CryptoKey> => {
  const key = await importJWK(jwk, alg).catch(() => undefined)
  if (key === undefined || !('type' in key)) throw refusal(ACTION, `"recipient" must be a public key for ${alg}`, jwk)
  const bits = own(key.algorithm, 'modulusLength')
  if (typeof bits === 'number' && bits < 2048) throw refusal(ACTION, '"recipient" must have at least 2048 bits', bits)
  return key
}
