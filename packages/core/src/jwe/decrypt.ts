import { compactDecrypt } from 'jose'
import {
  asError,
  AuthError,
  bare,
  isObject,
  type KeySource,
  type Limits,
  LIMITS,
  listOf,
  narrowing,
  optionsOf,
  type OptionTable,
  own,
  ownKeySource,
  possibleKeys,
  readOptions,
  required,
} from '../adapter.ts'
import {
  allowList,
  CONTENT_ENCRYPTIONS,
  type ContentEncryption,
  KEY_MANAGEMENT_ALGORITHMS,
  type KeyManagementAlgorithm,
} from './algorithms.ts'
import type { DecryptionKey } from './decryption-key.ts'
import { decryptionKeys } from './decryption-keys.ts'
import { decryptionFailed, firstDots, type JweHeader, type ParsedJwe, parseJwe } from './parse.ts'

/** How to decrypt tokens. */
export interface DecryptionOptions {
  /**
   * `decryptionKeys(…)`, created once and reused, or the keys to pass to it; or your own key source, such as one that switches to another
   * set while the program runs: `{ resolve: (header) => current.resolve(header) }`.
   */
  readonly keys: KeySource | DecryptionKey | readonly DecryptionKey[] | { readonly keys: readonly DecryptionKey[] }
  /** JWE `alg` to accept, compared as exact strings. @defaultValue KEY_MANAGEMENT_ALGORITHMS */
  readonly algorithms?: readonly KeyManagementAlgorithm[]
  /** JWE `enc` to accept, compared as exact strings. @defaultValue CONTENT_ENCRYPTIONS */
  readonly encryptions?: readonly ContentEncryption[]
  /** Limits on the encrypted token and its header. @defaultValue DEFAULT_LIMITS */
  readonly limits?: Partial<Limits>
}

/** A JWE that has been decrypted. */
export interface DecryptedJwe {
  readonly header: JweHeader
  readonly plaintext: Uint8Array
}

/**
 * Decrypts a compact JWE (RFC 7516 section 5.2). Anyone can encrypt to a public key, so the result proves neither who wrote the plaintext
 * nor what it may be used for. For tokens, use `createNestedVerifier`. Never decompresses.
 *
 * @throws AuthError with status 401: `token_decryption_failed` for any failure of the key or the cryptography, another code for a token
 * that is refused because of its form or its header
 * @throws TypeError for wrong options
 */
export async function decryptJwe(token: string, options: DecryptionOptions): Promise<DecryptedJwe> {
  const { parse, open } = jweDecrypter('decrypt JWE', options)
  const parsed = parse(token)
  return { header: parsed.header, plaintext: await open(parsed) }
}

/** The two halves of decryption: parsing, which needs no key, and opening, which does. */
interface JweDecrypter {
  /** @throws AuthError */
  parse(token: string): ParsedJwe
  /** @throws AuthError `token_decryption_failed`, or an error with status 503 from the key source */
  open(parsed: ParsedJwe): Promise<Uint8Array>
  /** Loads the keys. */
  ready(): Promise<void>
}

/**
 * Resolves the options once and returns a decrypter for many tokens.
 *
 * @throws TypeError
 */
export function jweDecrypter(action: string, given: DecryptionOptions): JweDecrypter {
  const options = readOptions(action, given, DECRYPTION) as DecryptionOptions & { readonly limits: Limits }
  const { limits, algorithms = KEY_MANAGEMENT_ALGORITHMS, encryptions = CONTENT_ENCRYPTIONS } = options
  const rules = {
    limits,
    algorithms: allowList(action, 'algorithms', algorithms, KEY_MANAGEMENT_ALGORITHMS),
    encryptions: allowList(action, 'encryptions', encryptions, CONTENT_ENCRYPTIONS),
  }
  const keys = ownKeySource(isKeySource(options.keys) ? options.keys : decryptionKeys(options.keys))
  return {
    parse: (token) => parseJwe(token, rules),
    open: (parsed) => decrypt(parsed, keys),
    ready: async () => keys.ready?.(),
  }
}

const DECRYPTION: OptionTable<DecryptionOptions> = {
  keys: required({
    be: 'decryptionKeys(…), or a key to decrypt with',
    fits: (value) => value !== undefined && value !== null,
  }),
  algorithms: narrowing(listOf('a list of algorithms, such as ["RSA-OAEP-256"]')),
  encryptions: narrowing(listOf('a list of encryptions, such as ["A256GCM"]')),
  limits: optionsOf('an object, such as { tokenLength: 32_768 }', LIMITS),
}

function isKeySource(keys: DecryptionOptions['keys']): keys is KeySource {
  return isObject(keys) && typeof own(keys, 'resolve') === 'function'
}

async function decrypt(parsed: ParsedJwe, keys: KeySource): Promise<Uint8Array> {
  const { token, header } = parsed
  const { alg, enc } = header
  const options = { keyManagementAlgorithms: [alg], contentEncryptionAlgorithms: [enc], maxDecompressedLength: 0 }
  for (const key of await resolveKeys(header, keys)) {
    if (!hasLengthFor(key, token)) continue
    try {
      return (await compactDecrypt(token, key, bare({ ...options }))).plaintext
    } catch {
      // Another key may fit.
    }
  }
  throw decryptionFailed()
}

// RFC 8017 section 7.1.2: as long as the modulus. OpenSSL also accepts a shorter one, with leading zeros cut off.
function hasLengthFor({ algorithm }: CryptoKey, token: string): boolean {
  const bits = own(algorithm, 'modulusLength')
  if (typeof bits !== 'number') return true
  const [first = 0, second = 0] = firstDots(token)
  return second - first - 1 === Math.ceil((Math.ceil(bits / 8) * 4) / 3)
}

async function resolveKeys(header: JweHeader, keys: KeySource): Promise<readonly CryptoKey[]> {
  try {
    const possible = await possibleKeys(keys, header)
    if (possible.every((key) => key?.type === 'private')) return possible
  } catch (thrown) {
    const error = asError(thrown)
    // An unavailable key source is not the fault of the token.
    if (!(error instanceof AuthError) || error.status === 503 || error.code === 'token_decryption_failed') throw error
  }
  throw decryptionFailed()
}
