import { createPrivateKey, type PrivateKeyInput } from 'node:crypto'
import { readOptions } from '../options.ts'
import * as rule from '../rules.ts'
import { bare, own } from '../refusal.ts'
import { foundInstead, PEM_RULES, pemSigner, type PemSignerOptions, pemText } from '../signer/pem-signer.ts'
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
  given: EncryptedPemSignerOptions,
): Promise<Signer> => {
  const { passphrase, ...options } = readOptions(
    'use key',
    given,
    { ...PEM_RULES, passphrase: rule.secret(rule.text) },
    {},
  )
  return pemSigner(decrypted(encryptedPem(pem), passphrase), options)
}

const RULE = 'its text must be an encrypted private key in PEM'

const encryptedPem = (given: unknown): string => {
  const pem = pemText(given, RULE)
  if (pem.includes('-----BEGIN ENCRYPTED PRIVATE KEY-----') || pem.includes('Proc-Type: 4,ENCRYPTED')) return pem
  const isOpen = /-----BEGIN (?:RSA |EC )?PRIVATE KEY-----/.test(pem)
  const found = isOpen ? 'one that is not encrypted: encrypt it, or use pemSigner' : foundInstead(pem)
  throw new TypeError(`Cannot use key: ${RULE}, found ${found}`)
}

const decrypted = (key: string, passphrase: string): string => {
  let isWrong: boolean
  try {
    const opened = createPrivateKey(bare<PrivateKeyInput>({ key, format: 'pem', passphrase }))
    return opened.export(bare({ type: 'pkcs8', format: 'pem' } as const)).toString()
  } catch (error) {
    // The error itself is dropped on purpose: OpenSSL's message could quote the key.
    isWrong = error instanceof Error && own(error, 'code') === 'ERR_OSSL_BAD_DECRYPT'
  }
  throw new TypeError(`Cannot use key: "passphrase" must ${isWrong ? WRONG_PASSPHRASE : UNREADABLE}`)
}

const WRONG_PASSPHRASE = 'be what the key was encrypted with, found another one'
// Some wrong passphrases decrypt to bytes that are not a key.
const UNREADABLE = 'open the key: it is another one, the text is damaged, or OpenSSL lacks the encryption'
