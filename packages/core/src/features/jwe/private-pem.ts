import { type KeyText, misconfigured, own } from '../../extend.ts'

/**
 * The PKCS#8 PEM in a text that `readKeyText` has read.
 *
 * @param name - what the key is called in messages, which never quote it
 * @throws TypeError for text that is something else
 */
export function privatePem(action: string, name: string, read: KeyText): string {
  if (read.kind === 'pem' && read.label === 'PRIVATE KEY' && !isEncrypted(read.pem)) return read.pem
  throw misconfigured(
    action,
    `${name} must be a private key as a JWK, or in PKCS#8 PEM ("-----BEGIN PRIVATE KEY-----"), found ${foundIn(read)}`,
  )
}

/** Whether a PEM is encrypted in the way of before PKCS#8 (RFC 1421 section 4.6). */
function isEncrypted(pem: string): boolean {
  return /^(?:Proc-Type|DEK-Info):/m.test(pem)
}

const CONVERT = 'convert it with "openssl pkcs8 -topk8 -nocrypt", or read it by decryptionKeyFromPem()'
const FOUND: Readonly<Record<string, string>> = {
  'ENCRYPTED PRIVATE KEY':
    'an encrypted one: read one with a passphrase by decryptionKeyFromPem() of "@claimgate/core/node"',
  'RSA PRIVATE KEY': `PKCS#1: ${CONVERT} of "@claimgate/core/node"`,
  'EC PRIVATE KEY': `SEC 1: ${CONVERT} of "@claimgate/core/node"`,
  'PUBLIC KEY': 'a public key',
  'RSA PUBLIC KEY': 'a public key',
  CERTIFICATE: 'a certificate',
}

function foundIn(read: KeyText): string {
  if (read.kind === 'der') return `${read.found}: convert it to PEM with "openssl pkey -inform DER"`
  if (read.kind === 'jwk') return 'a JWK'
  if (read.kind === 'misfit') return own(FOUND, read.label ?? '') ?? read.found
  return own(FOUND, read.label) ?? (isEncrypted(read.pem) ? 'an encrypted PEM' : 'another PEM')
}
