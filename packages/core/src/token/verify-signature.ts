import type { CryptoKey } from 'jose'
import { AuthError } from '../errors/auth-error.ts'
import { listKeys } from '../keys/jwk/import-key.ts'
import type { KeyContext, KeySource } from '../keys/key-source.ts'
import { possibleKeys } from '../keys/possible-keys.ts'
import { type Algorithm, algorithmTraits } from '../model/algorithm.ts'
import type { JoseHeader, ParsedJws } from '../model/token.ts'
import type { SignatureVerification } from './web-crypto-signature.ts'

/**
 * The token's `alg` is one of those allowed, compared as exact strings before any key is looked for (RFC 8725 section 3.1).
 *
 * @throws AuthError `algorithm_not_allowed`
 */
export function checkAlgorithm(header: JoseHeader, allowed: ReadonlySet<Algorithm>): Algorithm {
  const { alg } = header
  if ((allowed as ReadonlySet<string>).has(alg)) return alg as Algorithm
  throw new AuthError('algorithm_not_allowed', { expected: allowed, actual: alg })
}

/**
 * The signature has the one form its algorithm allows (RFC 7518 section 3.4: raw r and s, never DER), and is not empty.
 *
 * @throws AuthError `signature_malformed`
 */
export function checkSignatureForm(signature: Uint8Array, algorithm: Algorithm): void {
  const expected = algorithmTraits[algorithm].signatureBytes
  if (signature.length === 0 || (expected !== undefined && signature.length !== expected))
    throw new AuthError('signature_malformed', {
      expected: expected === undefined ? 'a signature' : `${expected} bytes`,
      actual: `${signature.length} bytes`,
    })
}

/**
 * Verifies the signature of a parsed JWS with the key its source names (RFC 7515 section 5.2), and gives that key.
 *
 * @throws AuthError `key_not_found`, `keys_unavailable`, `algorithm_key_mismatch`, `signature_invalid` …
 */
export async function verifySignature(
  parsed: ParsedJws,
  algorithm: Algorithm,
  { keys, isSignedBy, about }: SignatureRules,
): Promise<CryptoKey> {
  const current = keys.current?.(parsed.header)
  const possible = current === undefined ? await possibleKeys(keys, parsed.header, about) : [current]
  return verifyAmong(parsed, algorithm, { keys, isSignedBy, about, possible })
}

/**
 * Verifies the signature with each of a few keys until one verifies it, and gives that key. A single key may have been replaced.
 *
 * @throws AuthError `signature_invalid` …
 */
export async function verifyAmong(
  parsed: ParsedJws,
  algorithm: Algorithm,
  { keys, isSignedBy, about, possible }: SignatureRules & { readonly possible: readonly CryptoKey[] },
): Promise<CryptoKey> {
  for (const key of possible) if (await isSignedBy(parsed, algorithm, key)) return key
  const [failed, ...others] = possible
  if (failed !== undefined && others.length === 0)
    return verifyReplaced(parsed, algorithm, { keys, isSignedBy, about, failed })
  throw new AuthError('signature_invalid', {
    expected: 'a signature by one of the keys that fit',
    hint: nonceHint(parsed.header) ?? `The token names no key ID. Keys tried: ${listKeys(possible)}`,
  })
}

/**
 * Asks the source once whether the key under which a signature did not verify has been replaced under the same `kid`, and verifies with
 * the new one, which it gives.
 *
 * @throws AuthError `signature_invalid` …
 */
export async function verifyReplaced(
  parsed: ParsedJws,
  algorithm: Algorithm,
  { keys, isSignedBy, about, failed }: FailedVerification,
): Promise<CryptoKey> {
  const replaced = await keys.resolveAgain?.(parsed.header, failed, about)
  if (replaced !== undefined && (await isSignedBy(parsed, algorithm, replaced))) return replaced
  const hint = nonceHint(parsed.header)
  throw new AuthError('signature_invalid', hint === undefined ? {} : { hint })
}

// What is signed of such a token is a header with a hash of that nonce, which only its own API knows of.
function nonceHint(header: JoseHeader): string | undefined {
  if (!Object.hasOwn(header, 'nonce')) return undefined
  return 'The header has a "nonce": it is a token for Microsoft Graph, which only Graph can verify. The client must ask for a scope of this API'
}

interface SignatureRules {
  readonly keys: KeySource
  readonly isSignedBy: SignatureVerification
  /** What the key source is told about the token. */
  readonly about: KeyContext
}

interface FailedVerification extends SignatureRules {
  readonly failed: CryptoKey
}
