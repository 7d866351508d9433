import { createPrivateKey, type PrivateKeyInput } from 'node:crypto'
import { bare, discreetRefusal } from '../refusal.ts'
import { foundInstead, pemSigner, pemSignerOptions, type PemSignerOptions, pemText } from '../signer/pem-signer.ts'
import type { Signer } from '../signer/signer.ts'

/** Options for {@link encryptedPemSigner}. */
export interface EncryptedPemSignerOptions extends PemSignerOptions {
  /** The passphrase that the key was encrypted with. At least one character. */
  readonly passphrase: string
}

/**
 * Creates a {@link Signer} from an encrypted private key in PEM: PKCS #8 (RFC 7468 section 11), or the older form with `Proc-Type`
 * and `DEK-Info` (RFC 1421) if OpenSSL can still read it. It accepts the same environment variable forms as `pemSigner`. It rejects
 * an unencrypted key, so you notice when a key has lost its encryption.
 *
 * @throws TypeError if the text is not such a key, the passphrase is wrong, or the key does not fit the algorithm. The message
 * quotes neither the text nor the passphrase.
 */
export const encryptedPemSigner = async (
  pem: string | Uint8Array,
  options: EncryptedPemSignerOptions,
): Promise<Signer> => {
  const { passphrase, ...rest } = pemSignerOptions(options, ['passphrase'])
  if (typeof passphrase !== 'string' || passphrase === '') {
    throw discreetRefusal('use key', '"passphrase" must be a non-empty string', passphrase)
  }
  const { opened, problem } = open(encryptedPem(pem), passphrase)
  if (opened === undefined) throw new TypeError(`Cannot use key: ${problem}`)
  return pemSigner(opened, rest)
}

const RULE = 'its text must be an encrypted private key in PEM'

const encryptedPem = (text: unknown): string => {
  const pem = pemText(text)
  if (pem === undefined) throw discreetRefusal('use key', RULE, text)
  if (pem.includes('-----BEGIN ENCRYPTED PRIVATE KEY-----') || pem.includes('Proc-Type: 4,ENCRYPTED')) return pem
  const isOpen = /-----BEGIN (?:RSA |EC )?PRIVATE KEY-----/.test(pem)
  throw new TypeError(
    `Cannot use key: ${RULE}, found ${isOpen ? 'one that is not encrypted: encrypt it, or use pemSigner' : foundInstead(pem)}`,
  )
}

// The original error is dropped on purpose: OpenSSL's message could quote the key.
const open = (key: string, passphrase: string): { readonly opened: string | undefined; readonly problem: string } => {
  try {
    const opened = createPrivateKey(bare<PrivateKeyInput>({ key, format: 'pem', passphrase })).export(
      bare({ type: 'pkcs8', format: 'pem' } as const),
    )
    return { opened: opened.toString(), problem: '' }
  } catch (error) {
    const wrong = error instanceof Error && 'code' in error && error.code === 'ERR_OSSL_BAD_DECRYPT'
    return { opened: undefined, problem: wrong ? WRONG_PASSPHRASE : UNREADABLE }
  }
}

const WRONG_PASSPHRASE = '"passphrase" must be what the key was encrypted with, found another one'
// Some wrong passphrases decrypt to bytes that are not a key.
const UNREADABLE =
  '"passphrase" must open the key: it is another one, the text is damaged, or OpenSSL lacks the encryption'
