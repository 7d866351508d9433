import type { JWK } from 'jose'
import { createPrivateKey, type KeyObject, type PrivateKeyInput } from 'node:crypto'
import { bare } from '../model/values.ts'
import { misconfigured } from '../options/option-rules.ts'
import { type KeyText, readKeyText } from './key-text.ts'

/**
 * Converts a private key in PEM to a JWK, for `decryptionKeys` of `@claimgate/core/jwe`. Accepts PKCS#8, with or without a passphrase (RFC
 * 7468 sections 10 and 11), and OpenSSL's older formats. RSA from 2048 bits, P-256, P-384, P-521 or X25519.
 *
 * The JWK contains the private key: neither log nor publish it.
 *
 * @param passphrase - the passphrase of an encrypted PEM
 * @throws TypeError for a wrong or missing passphrase, and for unsupported keys. The message never quotes the key or the passphrase
 */
export function decryptionKeyFromPem(pem: string | Uint8Array, passphrase?: string): JWK {
  const text = readKeyText(pem)
  if (text.kind !== 'pem') throw misconfigured(ACTION, `it must be a PEM text, found ${foundIn(text)}`)
  const key = read(text.pem, passphrase)
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key
  if (type === 'rsa' && (details?.modulusLength ?? 0) < 2048)
    throw misconfigured(ACTION, 'an RSA key must have at least 2048 bits', details?.modulusLength)
  if (type !== 'rsa' && type !== 'x25519' && !(type === 'ec' && CURVES.includes(details?.namedCurve ?? '')))
    throw misconfigured(ACTION, 'it must be an RSA key, or a key on P-256, P-384, P-521 or X25519', type)
  return { ...(key.export(bare({ format: 'jwk' } as const)) as JWK), use: 'enc' }
}

const ACTION = 'read decryption key'

function foundIn(text: Exclude<KeyText, { readonly kind: 'pem' }>): string {
  return text.kind === 'jwk' ? 'a JWK' : text.found
}

const CURVES = ['prime256v1', 'secp384r1', 'secp521r1']

function read(pem: string, passphrase: string | undefined): KeyObject {
  const encrypted = pem.includes('-----BEGIN ENCRYPTED PRIVATE KEY-----') || /^Proc-Type: 4,ENCRYPTED/m.test(pem)
  if (encrypted && (typeof passphrase !== 'string' || passphrase === ''))
    throw misconfigured(ACTION, 'the PEM is encrypted, and needs its passphrase')
  try {
    return createPrivateKey(bare<PrivateKeyInput>({ key: pem, format: 'pem', ...(encrypted && { passphrase }) }))
  } catch {
    // OpenSSL's message is left out because it varies from one wrong passphrase to the next.
    throw misconfigured(
      ACTION,
      encrypted
        ? 'the passphrase is not the one of this PEM, or the PEM is damaged'
        : 'it must be a private key in PEM',
    )
  }
}
