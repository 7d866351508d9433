import { exportJWK, importPKCS8, type JWK } from 'jose'
import { readOptions, type Rules } from '../options.ts'
import * as rule from '../rules.ts'
import { discreetRefusal } from '../refusal.ts'
import { localSigner } from './local-signer.ts'
import { keyId, type Signer, type SigningAlgorithm, signingAlgorithm } from './signer.ts'

/** Options for {@link pemSigner}. */
export interface PemSignerOptions {
  /** The algorithm to sign with. Required, because a PEM does not contain it. */
  readonly algorithm: SigningAlgorithm
  /** The key ID, 1 to 256 characters. @defaultValue the RFC 7638 thumbprint */
  readonly kid?: string
}

/** What the options must be. */
export const PEM_RULES: Rules<PemSignerOptions> = { algorithm: signingAlgorithm, kid: rule.optional(keyId) }

/**
 * Creates a {@link Signer} from a private key in PEM: PKCS #8, not encrypted (RFC 7468 section 10), as text or as the bytes of a
 * file. Text around the key is ignored. In an environment variable the PEM may have surrounding quotes and line breaks escaped as
 * `\n`, or be base64-encoded. For encrypted keys, use `encryptedPemSigner` from `@claimgate/issuer/node`.
 *
 * @throws TypeError if the text is not a private key for the algorithm. The message says how to convert other forms, and never
 * quotes the text.
 */
export const pemSigner = async (pem: string | Uint8Array, given: PemSignerOptions): Promise<Signer> => {
  const options = readOptions('use key', given, PEM_RULES, {})
  return localSigner(await privateJwk(privateKeyBlock(pem), options.algorithm), options)
}

/**
 * Restores a PEM text from a file or an environment variable: decodes bytes, removes surrounding quotes, turns escaped line breaks
 * (`\n`) into real ones, and decodes the base64 of a whole PEM. Any other text is returned unchanged.
 *
 * @throws TypeError that states the rule, for anything but text or bytes.
 */
export const pemText = (given: unknown, must: string): string => {
  const text = ArrayBuffer.isView(given) ? new TextDecoder().decode(given) : given
  if (typeof text !== 'string') throw discreetRefusal('use key', must, text)
  const plain = unquoted(text)
  return plain.includes(BEGIN) ? plain : unquoted(fromBase64(plain))
}

const BEGIN = '-----BEGIN '

const unquoted = (text: string): string =>
  text
    .trim()
    .replace(/^(["'`])([^]*)\1$/, '$2')
    .replaceAll(/\\+r/g, '')
    .replaceAll(/\\+n/g, '\n')

// Other base64 text, such as DER, is returned unchanged.
const fromBase64 = (text: string): string => {
  const base64 = text.replaceAll(/\s/g, '')
  try {
    const inside = atob(base64)
    return inside.includes(BEGIN) ? inside : text
  } catch {
    return text
  }
}

/** Describes a text that is not the expected PEM, for messages. It never quotes the text. */
export const foundInstead = (text: string): string =>
  SHAPES.find(([shape]) => shape.test(text.trim()))?.[1] ?? 'something else'

const SHAPES: readonly (readonly [RegExp, string])[] = [
  [/^$/, 'an empty text'],
  [
    /-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: 4,ENCRYPTED/,
    'an encrypted one: use encryptedPemSigner of @claimgate/issuer/node',
  ],
  [/^-----BEGIN [A-Z ]+-----$/, 'only its first line: put quotes around all of its lines, or give its base64'],
  [/-----BEGIN RSA PRIVATE KEY-----/, 'PKCS #1: convert it with "openssl pkcs8 -topk8 -nocrypt"'],
  [/-----BEGIN EC PRIVATE KEY-----/, 'SEC 1: convert it with "openssl pkcs8 -topk8 -nocrypt"'],
  [/-----BEGIN OPENSSH PRIVATE KEY-----/, 'one of OpenSSH: convert it with "ssh-keygen -p -m PKCS8 -f"'],
  [/-----BEGIN PRIVATE KEY-----(?![^]*-----END )/, 'one that is cut off: it has no "-----END"'],
  [/-----BEGIN PRIVATE KEY-----/, 'a damaged one'],
  [/-----BEGIN (?:RSA )?PUBLIC KEY-----|^(?:ssh|ecdsa|sk)-/, 'a public key'],
  [/-----BEGIN CERTIFICATE-----/, 'a certificate'],
  [/^https?:/i, 'a URL'],
  [/^[{]/, 'JSON: for a JWK there is localSigner'],
  [
    /^(?:file:|[.~]{0,2}[\\/]|[a-z]:[\\/])|^[^\n]{1,200}\.(?:pem|der|key)$/i,
    'the path of a file: give what the file holds',
  ],
  [
    /^M[CDFGHI][A-Za-z0-9+/\s]{40,}=*$/,
    'DER in base64: put it between "-----BEGIN PRIVATE KEY-----" and "-----END PRIVATE KEY-----"',
  ],
]

const RULE = 'its text must be a private key in PEM (PKCS #8)'

const privateKeyBlock = (given: unknown): string => {
  const pem = pemText(given, RULE)
  const [block] = /-----BEGIN PRIVATE KEY-----[^-]*-----END PRIVATE KEY-----/.exec(pem) ?? []
  if (block !== undefined) return block
  throw new TypeError(`Cannot use key: ${RULE}, found ${foundInstead(pem)}`)
}

const privateJwk = async (block: string, algorithm: SigningAlgorithm): Promise<JWK> => {
  try {
    // Extractable only to derive the public key; the signer imports the key again as not extractable.
    return await exportJWK(await importPKCS8(block, algorithm, { extractable: true }))
  } catch {
    // The cause is dropped on purpose: the runtime's message could quote the key.
    throw new TypeError(
      `Cannot use key: it must be a private key for ${algorithm}, found another one, or a damaged text`,
    )
  }
}
