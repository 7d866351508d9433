import { exportJWK, importPKCS8, type JWK } from 'jose'
import { knownOptions } from '../option-rules.ts'
import { bare, discreetRefusal, refusal } from '../refusal.ts'
import { localSigner } from './local-signer.ts'
import { isSigningAlgorithm, type Signer, SIGNING_ALGORITHMS, type SigningAlgorithm } from './signer.ts'

/**
 * Restores a PEM text from a file or an environment variable: decodes bytes, removes surrounding quotes, turns escaped line breaks
 * (`\n`) into real ones, and decodes the base64 of a whole PEM. Any other text is returned unchanged. Returns `undefined` for
 * anything but text or bytes.
 */
export const pemText = (given: unknown): string | undefined => {
  const text = ArrayBuffer.isView(given) ? new TextDecoder().decode(given) : given
  if (typeof text !== 'string') return undefined
  const plain = unquoted(text)
  return plain.includes(BEGIN) ? plain : unquoted(fromBase64(plain))
}

/** Describes a text that is not a PEM, for messages. It never quotes the text. */
export const foundInstead = (text: string): string =>
  SHAPES.find(([shape]) => shape.test(text.trim()))?.[1] ?? 'something else'

const BEGIN = '-----BEGIN '

const SHAPES: readonly (readonly [RegExp, string])[] = [
  [/^$/, 'an empty text'],
  [/^-----BEGIN [A-Z ]+-----$/, 'only its first line: put quotes around all of its lines, or give its base64'],
  [/-----BEGIN PRIVATE KEY-----(?![^]*-----END )/, 'one that is cut off: it has no "-----END"'],
  [/-----BEGIN PRIVATE KEY-----/, 'a damaged one'],
  [/^https?:/i, 'a URL'],
  [/^[{]/, 'JSON: for a JWK there is localSigner'],
  [/^(?:ssh|ecdsa|sk)-/, 'a public key of SSH'],
  [
    /^(?:file:|[.~]{0,2}[\\/]|[a-z]:[\\/])|^[^\n]{1,200}\.(?:pem|der|key)$/i,
    'the path of a file: give what the file holds',
  ],
  [
    /^M[CDFGHI][A-Za-z0-9+/\s]{40,}=*$/,
    'DER in base64: put it between "-----BEGIN PRIVATE KEY-----" and "-----END PRIVATE KEY-----"',
  ],
]

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
    const inside = /^[A-Za-z0-9+/]+=*$/.test(base64) ? atob(base64) : text
    return inside.includes(BEGIN) ? inside : text
  } catch {
    return text
  }
}

/** Options for {@link pemSigner}. */
export interface PemSignerOptions {
  /** The algorithm to sign with. Required, because a PEM does not contain it. */
  readonly algorithm: SigningAlgorithm
  /** The key ID, 1 to 256 characters. @defaultValue the RFC 7638 thumbprint */
  readonly kid?: string
}

/**
 * Creates a {@link Signer} from a private key in PEM: PKCS #8, not encrypted (RFC 7468 section 10), as text or as the bytes of a
 * file. Text around the key is ignored. In an environment variable the PEM may have surrounding quotes and line breaks escaped as
 * `\n`, or be base64-encoded. For encrypted keys, use `encryptedPemSigner` from `@claimgate/issuer/node`.
 *
 * @throws TypeError if the text is not a private key for the algorithm. The message says how to convert other forms, and never
 * quotes the text.
 */
export const pemSigner = async (pem: string | Uint8Array, options: PemSignerOptions): Promise<Signer> => {
  const { algorithm, kid } = pemSignerOptions(options)
  return localSigner(await privateJwk(privateKeyBlock(pem), algorithm), {
    algorithm,
    ...(kid === undefined ? {} : { kid }),
  })
}

/**
 * Checks the options: none unknown, and a valid algorithm. `more` lists additional option names.
 *
 * @throws TypeError that names the option and its rule.
 */
export const pemSignerOptions = <T extends PemSignerOptions>(given: T, more: readonly string[] = []): T => {
  const options = knownOptions('use key', given, ['algorithm', 'kid', ...more])
  const { algorithm } = options
  if (isSigningAlgorithm(algorithm)) return options
  throw refusal('use key', `"algorithm" must be one of ${SIGNING_ALGORITHMS.join(', ')}`, algorithm)
}

const RULE = 'its text must be a private key in PEM (PKCS #8)'

const ADVICE: Readonly<Record<string, string>> = bare({
  'ENCRYPTED PRIVATE KEY': 'an encrypted one: use encryptedPemSigner of @claimgate/issuer/node',
  'RSA PRIVATE KEY': 'PKCS #1: convert it with "openssl pkcs8 -topk8 -nocrypt"',
  'EC PRIVATE KEY': 'SEC 1: convert it with "openssl pkcs8 -topk8 -nocrypt"',
  'PUBLIC KEY': 'a public key',
  'RSA PUBLIC KEY': 'a public key',
  CERTIFICATE: 'a certificate',
  'OPENSSH PRIVATE KEY': 'one of OpenSSH: convert it with "ssh-keygen -p -m PKCS8 -f"',
})

const privateKeyBlock = (text: unknown): string => {
  const pem = pemText(text)
  if (pem === undefined) throw discreetRefusal('use key', RULE, text)
  const [block] = /-----BEGIN PRIVATE KEY-----[^-]*-----END PRIVATE KEY-----/.exec(pem) ?? []
  if (block !== undefined) return block
  if (pem.includes('Proc-Type: 4,ENCRYPTED')) throw unusable(ADVICE['ENCRYPTED PRIVATE KEY'])
  // The label only selects the advice; it is never quoted.
  const [, label = ''] = /-----BEGIN ([A-Z ]+)-----/.exec(pem) ?? []
  throw unusable(Object.hasOwn(ADVICE, label) ? ADVICE[label] : foundInstead(pem))
}

const unusable = (found: string | undefined): TypeError => new TypeError(`Cannot use key: ${RULE}, found ${found}`)

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
