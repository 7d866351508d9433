import { asciiBytes } from '#bytes'
import type { CryptoKey } from 'jose'
import * as errors from 'jose/errors'
import { compactVerify } from 'jose/jws/compact/verify'
import { AuthError, fromJose } from '../errors/auth-error.ts'
import { listKeys } from '../keys/jwk/jwk-set.ts'
import { type KeyContext, type KeySource, possibleKeys } from '../keys/key-source.ts'
import { type Algorithm, algorithmTraits } from '../model/algorithm.ts'
import type { JoseHeader, ParsedJws } from '../model/token.ts'
import { ignoreRejection } from '../model/values.ts'

/**
 * The token's `alg` must be allowed, compared as exact strings before any key lookup (RFC 8725 section 3.1).
 *
 * @throws AuthError `algorithm_not_allowed`
 */
export function checkAlgorithm(header: JoseHeader, allowed: ReadonlySet<Algorithm>): Algorithm {
  const { alg } = header
  if ((allowed as ReadonlySet<string>).has(alg)) return alg as Algorithm
  throw new AuthError('algorithm_not_allowed', { expected: allowed, actual: alg })
}

/**
 * The signature must have the only form its algorithm allows (RFC 7518 section 3.4: raw r and s, never DER), and must not be empty.
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
 * Verifies the signature of a parsed JWS with the key from the source (RFC 7515 section 5.2), and returns that key.
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
 * Tries a few keys until one verifies the signature, and returns that key. If there is only one, also checks whether it was replaced.
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
 * Asks the source once whether the key that failed has been replaced under the same `kid`. If so, verifies with the new key and returns it.
 *
 * @throws AuthError `signature_invalid` …
 */
async function verifyReplaced(
  parsed: ParsedJws,
  algorithm: Algorithm,
  { keys, isSignedBy, about, failed }: FailedVerification,
): Promise<CryptoKey> {
  const replaced = await keys.resolveAgain?.(parsed.header, failed, about)
  if (replaced !== undefined && (await isSignedBy(parsed, algorithm, replaced))) return replaced
  const hint = nonceHint(parsed.header)
  throw new AuthError('signature_invalid', hint === undefined ? {} : { hint })
}

// Such a token is signed with a hash of its nonce in the header, which only its own API knows.
function nonceHint(header: JoseHeader): string | undefined {
  if (!Object.hasOwn(header, 'nonce')) return undefined
  return 'The header has a "nonce": it is a token for Microsoft Graph, which only Graph can verify. The client must ask for a scope of this API'
}

interface SignatureRules {
  readonly keys: KeySource
  readonly isSignedBy: SignatureVerification
  /** What the key source may know about the token. */
  readonly about: KeyContext
}

interface FailedVerification extends SignatureRules {
  readonly failed: CryptoKey
}

/**
 * Whether `key` verifies the signature of a token. Uses exactly the operation that RFC 7518 section 3 names for the algorithm, with a key
 * imported for it, as jose's `compactVerify` does; `joseSignature` uses jose itself.
 *
 * @throws AuthError `algorithm_key_mismatch` for a key of another kind, another hash or curve, not for verifying, or too small
 */
export type SignatureVerification = (parsed: ParsedJws, algorithm: Algorithm, key: CryptoKey) => Promise<boolean>

/** Verifies with the runtime's WebCrypto. The usage of a key is checked once per key. */
export const webCryptoSignature: SignatureVerification = ({ signature, signingInput }, algorithm, key) =>
  // Like jose: a signature that makes WebCrypto throw is invalid.
  crypto.subtle.verify(parametersFor(key, algorithm), key, signature, asciiBytes(signingInput)).catch(isNone)

const isNone = (): false => false

interface Parameters {
  readonly name: string
  readonly hash?: string
  readonly saltLength?: number
}

const known = new WeakMap<CryptoKey, { readonly algorithm: Algorithm; readonly parameters: Parameters }>()

function parametersFor(key: CryptoKey, algorithm: Algorithm): Parameters {
  const last = known.get(key)
  if (last?.algorithm === algorithm) return last.parameters
  const parameters = parametersOf(algorithm)
  assertMadeFor(key, algorithm, parameters)
  known.set(key, { algorithm, parameters })
  return parameters
}

// RFC 7518 sections 3.2 to 3.5, RFC 8037 section 3.1.
function parametersOf(algorithm: Algorithm): Parameters {
  const bits = algorithm.slice(2)
  const hash = `SHA-${bits}`
  switch (algorithm.slice(0, 2)) {
    case 'RS':
      return { name: 'RSASSA-PKCS1-v1_5', hash }
    case 'PS':
      return { name: 'RSA-PSS', hash, saltLength: Number(bits) / 8 }
    case 'ES':
      return { name: 'ECDSA', hash }
    case 'HS':
      return { name: 'HMAC', hash }
    case 'Ed':
      return { name: 'Ed25519' }
    default:
      return { name: algorithm }
  }
}

const FEWEST_RSA_BITS = 2048

function assertMadeFor(key: CryptoKey, algorithm: Algorithm, { name, hash }: Parameters): void {
  const { kty, crv }: { kty: string; crv?: string } = algorithmTraits[algorithm]
  // A private or secret key passed as a public key is a mistake, and must not verify anything.
  const expectedType = kty === 'oct' ? 'secret' : 'public'
  if (key?.type !== expectedType) {
    assertNoPromise(key)
    throw new AuthError('algorithm_key_mismatch', {
      expected: `a ${expectedType} key for ${algorithm}`,
      actual: key?.type,
    })
  }
  const made = key.algorithm as Partial<{
    name: string
    hash: { name: string }
    namedCurve: string
    modulusLength: number
  }>
  const fits =
    made?.name === name &&
    (kty === 'EC' ? made.namedCurve === crv : hash === made.hash?.name) &&
    (kty !== 'RSA' || (made.modulusLength ?? 0) >= FEWEST_RSA_BITS) &&
    key.usages.includes('verify')
  if (!fits)
    throw new AuthError('algorithm_key_mismatch', { expected: `a key for ${algorithm}`, actual: 'another key' })
}

// An async `KeySource.current` returns a promise. Its rejection must not end the process, and this is not the fault of the token.
function assertNoPromise(key: object | undefined): void {
  if (typeof key !== 'object' || key === null || !('then' in key)) return
  ignoreRejection(key)
  throw new TypeError(
    'A key source gave a promise of a key where it must give the key at once: "current" must not be async',
  )
}

/** Verifies with jose. `webCryptoSignature` must give the same results. */
export const joseSignature: SignatureVerification = async ({ token }, algorithm, key) => {
  try {
    await compactVerify(token, key, { algorithms: [algorithm] })
    return true
  } catch (error) {
    if (error instanceof errors.JWSSignatureVerificationFailed) return false
    throw fromJose(error, algorithm)
  }
}
