import { exportJWK, importPKCS8, type JWK } from 'jose'
import { knownOptions } from '../option-rules.ts'
import { bare, discreetRefusal, refusal } from '../refusal.ts'
import { localSigner } from './local-signer.ts'
import { isSigningAlgorithm, type Signer, SIGNING_ALGORITHMS, type SigningAlgorithm } from './signer.ts'

/**
 * A PEM text as it was before it was put into a file or an environment variable: bytes are read as text, quotes around it are taken off, line
 * breaks that are written out (`\n`) are line breaks again, and the base64 of a whole PEM is taken back. Any other text stays as it is;
 * `undefined` is neither text nor bytes.
 */
export const pemText = (given: unknown): string | undefined => {
  const text = ArrayBuffer.isView(given) ? new TextDecoder().decode(given) : given
  if (typeof text !== 'string') return undefined
  const plain = unquoted(text)
  return plain.includes(BEGIN) ? plain : unquoted(fromBase64(plain))
}

/** What is in the place of a PEM, for messages: it never quotes the text. */
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

// A text of other base64, such as that of DER, stays as it is.
const fromBase64 = (text: string): string => {
  const base64 = text.replaceAll(/\s/g, '')
  try {
    const inside = /^[A-Za-z0-9+/]+=*$/.test(base64) ? atob(base64) : text
    return inside.includes(BEGIN) ? inside : text
  } catch {
    return text
  }
}

/** What a {@link pemSigner} is told about its key. */
export interface PemSignerOptions {
  /** The algorithm to sign with: the text of a key does not tell it. */
  readonly algorithm: SigningAlgorithm
  /** The key ID, 1 to 256 characters. @defaultValue the RFC 7638 thumbprint */
  readonly kid?: string
}

/**
 * A {@link Signer} of a private key in PEM: PKCS #8, not encrypted (RFC 7468 section 10), as text or as the bytes of a file. Text around it
 * is ignored. In an environment variable it may have quotes around it and line breaks written out as `\n`, or be the base64 of the PEM. For
 * an encrypted one there is
 * `encryptedPemSigner` in `@claimgate/issuer/node`.
 *
 * @throws TypeError where the text is not a private key for the algorithm; it says how to convert other forms, and never
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
 * The options with nothing missing and nothing unknown; `more` names further ones.
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
  // The label is looked up, never quoted.
  const [, label = ''] = /-----BEGIN ([A-Z ]+)-----/.exec(pem) ?? []
  throw unusable(Object.hasOwn(ADVICE, label) ? ADVICE[label] : foundInstead(pem))
}

const unusable = (found: string | undefined): TypeError => new TypeError(`Cannot use key: ${RULE}, found ${found}`)

const privateJwk = async (block: string, algorithm: SigningAlgorithm): Promise<JWK> => {
  try {
    // Extractable for as long as it takes to find its public half; the signer imports it anew.
    return await exportJWK(await importPKCS8(block, algorithm, { extractable: true }))
  } catch {
    // The cause is dropped on purpose: what a runtime says about a bad key is not ours to vouch for.
    throw new TypeError(
      `Cannot use key: it must be a private key for ${algorithm}, found another one, or a damaged text`,
    )
  }
}
