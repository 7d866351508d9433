import type { CryptoKey } from 'jose'
import { asciiBytes } from '#bytes'
import { AuthError } from '../errors/auth-error.ts'
import { type Algorithm, algorithmTraits } from '../model/algorithm.ts'
import { ignoreRejection } from '../model/ignore-rejection.ts'
import type { ParsedJws } from '../model/token.ts'

/**
 * Whether the private half of `key` made the signature of a token, or the secret did. Asks for the very operation that RFC 7518
 * section 3 names for the algorithm, with a key made for it, as jose's `compactVerify` does; `joseSignature` is that path.
 *
 * @throws AuthError `algorithm_key_mismatch` for a key of another kind, another hash or curve, not for verifying, or too small
 */
export type SignatureVerification = (parsed: ParsedJws, algorithm: Algorithm, key: CryptoKey) => Promise<boolean>

/** Verifies with the runtime's WebCrypto. What a key is for is looked at once for each key. */
export const webCryptoSignature: SignatureVerification = ({ signature, signingInput }, algorithm, key) =>
  // As with jose: a signature that the runtime cannot even compare is none.
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
  // A private or secret key in the place of a public one is a mistake that must not verify anything.
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

// Of an async `KeySource.current`. Its rejection must not end the process, and no token is at fault.
function assertNoPromise(key: object | undefined): void {
  if (typeof key !== 'object' || key === null || !('then' in key)) return
  ignoreRejection(key)
  throw new TypeError(
    'A key source gave a promise of a key where it must give the key at once: "current" must not be async',
  )
}
