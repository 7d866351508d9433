import { misconfigured } from '../../extend.ts'

const BEGIN = '-----BEGIN'

/**
 * The PKCS#8 PEM in a text, which may be the base64 of one and may have `\n` written out, as environment variables do.
 *
 * @param name - what the key is called in messages, which never quote it
 * @throws TypeError for text that is something else
 */
export function privatePem(action: string, name: string, text: string): string {
  const plain = (text.includes(BEGIN) ? text : fromBase64(text)).replaceAll('\\n', '\n')
  const pem = plain.slice(Math.max(0, plain.indexOf(BEGIN))).trim()
  const label = /^-----BEGIN ([A-Z0-9 ]{1,40})-----/.exec(pem)?.[1]
  if (label === 'PRIVATE KEY' && !/^(?:Proc-Type|DEK-Info):/m.test(pem)) return pem
  throw misconfigured(action, `${name} must start with "-----BEGIN PRIVATE KEY-----"${advice(label)}`)
}

function advice(label: string | undefined): string {
  if (label === 'ENCRYPTED PRIVATE KEY')
    return ': read one with a passphrase by decryptionKeyFromPem() of "@claimgate/core/node"'
  if (label === 'RSA PRIVATE KEY' || label === 'EC PRIVATE KEY')
    return ': convert it with "openssl pkcs8 -topk8 -nocrypt", or read it by decryptionKeyFromPem() of "@claimgate/core/node"'
  if (label === 'PUBLIC KEY' || label === 'CERTIFICATE') return ', and holds a public key'
  return ', or be the base64 of such a text'
}

function fromBase64(text: string): string {
  try {
    return atob(text.replaceAll(/\s/g, '').replaceAll('-', '+').replaceAll('_', '/'))
  } catch {
    return ''
  }
}
