import { asciiBytes } from '#bytes'
import type { CryptoKey } from 'jose'
import * as errors from 'jose/errors'
import { compactVerify } from 'jose/jws/compact/verify'
import { AuthError, fromJose } from '../errors/auth-error.ts'
import { listKeys } from '../keys/jwk/jwk-set.ts'
import { type Algorithm, type AlgorithmParameters, algorithmTraits, parametersOf } from '../model/algorithm.ts'
import type { JoseHeader, ParsedJws } from '../model/token.ts'
import { ignoreRejection, isObject } from '../model/values.ts'

/**
 * The token's `alg` must be allowed, compared as exact strings before any key lookup (RFC 8725 section 3.1). Its signature must have the
 * only form that the algorithm allows (RFC 7518 section 3.4: raw r and s, never DER), and must not be empty.
 *
 * @returns `algorithm_not_allowed`, `signature_malformed`, or `undefined` if both are as they must be
 */
export function algorithmRefusal(
  { header: { alg }, signature: { length } }: ParsedJws,
  allowed: ReadonlySet<Algorithm>,
): AuthError | undefined {
  if (!(allowed as ReadonlySet<string>).has(alg))
    return new AuthError('algorithm_not_allowed', { expected: allowed, actual: alg })
  const expected = algorithmTraits[alg as Algorithm].signatureBytes
  if (length > 0 && (expected === undefined || length === expected)) return undefined
  return new AuthError('signature_malformed', {
    expected: expected === undefined ? 'a signature' : `${expected} bytes`,
    actual: `${length} bytes`,
  })
}

/**
 * Like `algorithmRefusal`, and returns the algorithm.
 *
 * @throws AuthError `algorithm_not_allowed`, `signature_malformed`
 */
export function checkAlgorithm(parsed: ParsedJws, allowed: ReadonlySet<Algorithm>): Algorithm {
  const refusal = algorithmRefusal(parsed, allowed)
  if (refusal !== undefined) throw refusal
  return parsed.header.alg as Algorithm
}

/**
 * Verifies the signature of a parsed JWS (RFC 7515 section 5.2) with each key until one fits, and returns that key. If the only key does not
 * fit, asks the source once whether it has been replaced under the same `kid`.
 *
 * @throws AuthError `signature_invalid`, `algorithm_key_mismatch` … at once, or as a rejection
 */
export function verifySignature(
  parsed: ParsedJws,
  algorithm: Algorithm,
  { candidates, isSignedBy, replacementOf }: SignatureRules,
): Promise<CryptoKey> {
  const refuse = async (): Promise<CryptoKey> => {
    const [failed, ...others] = candidates
    if (failed === undefined || others.length > 0)
      throw new AuthError('signature_invalid', {
        expected: 'a signature by one of the keys that fit',
        hint: nonceHint(parsed.header) ?? `The token names no key ID. Keys tried: ${listKeys(candidates)}`,
      })
    const replacement = await replacementOf(failed)
    if (replacement !== undefined && (await isSignedBy(parsed, algorithm, replacement))) return replacement
    throw new AuthError('signature_invalid', { hint: nonceHint(parsed.header) })
  }
  // Not async: every `await` would add promises to every request.
  const tryFrom = (index: number): Promise<CryptoKey> => {
    if (index >= candidates.length) return refuse()
    const key = candidates[index] as CryptoKey
    return isSignedBy(parsed, algorithm, key).then((isSigned) => (isSigned ? key : tryFrom(index + 1)))
  }
  return tryFrom(0)
}

interface SignatureRules {
  /** The keys that may have signed the token, in the order to try them. */
  readonly candidates: readonly CryptoKey[]
  readonly isSignedBy: SignatureVerification
  readonly replacementOf: (failed: CryptoKey) => Promise<CryptoKey | undefined> | undefined
}

// Such a token is signed with a hash of its nonce in the header, which only its own API knows.
function nonceHint(header: JoseHeader): string | undefined {
  if (!Object.hasOwn(header, 'nonce')) return undefined
  return 'The header has a "nonce": it is a token for Microsoft Graph, which only Graph can verify. The client must ask for a scope of this API'
}

/**
 * Whether `key` verifies the signature of a token. Uses exactly the operation that RFC 7518 section 3 names for the algorithm, with a key
 * imported for it, as jose's `compactVerify` does; `joseSignature` uses jose itself.
 *
 * @throws AuthError `algorithm_key_mismatch` for a key of another kind, another hash or curve, not for verifying, or too small
 */
export type SignatureVerification = (parsed: ParsedJws, algorithm: Algorithm, key: CryptoKey) => Promise<boolean>

/** Verifies with the runtime's WebCrypto. The usage of a key is checked once per key. */
export const webCryptoSignature: SignatureVerification = ({ signature, signingInput }, algorithm, key) => {
  let checked = checkedKeys.get(key)
  if (checked?.algorithm !== algorithm) {
    const parameters = parametersOf(algorithm)
    assertMadeFor(key, algorithm, parameters)
    checked = { algorithm, parameters }
    checkedKeys.set(key, checked)
  }
  // Like jose: a signature that makes WebCrypto throw is invalid.
  return crypto.subtle.verify(checked.parameters, key, signature, asciiBytes(signingInput)).catch(isNotSigned)
}

const isNotSigned = (): false => false

const checkedKeys = new WeakMap<
  CryptoKey,
  { readonly algorithm: Algorithm; readonly parameters: AlgorithmParameters }
>()

const FEWEST_RSA_BITS = 2048

function assertMadeFor(key: CryptoKey, algorithm: Algorithm, { name, hash }: AlgorithmParameters): void {
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
  if (!isObject(key) || !('then' in key)) return
  ignoreRejection(key)
  throw new TypeError('"current" of a key source must return a key, not a promise: it must not be async')
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
