import { base64url, type JWK } from 'jose'
import { own, ownOptions, refusal } from '../refusal.ts'

/** The algorithms an issuer can sign with: the asymmetric ones of RFC 7518, RFC 8037 and RFC 9864, and ML-DSA. */
export const SIGNING_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
  'ML-DSA-44',
  'ML-DSA-65',
  'ML-DSA-87',
] as const

/** One of {@link SIGNING_ALGORITHMS}. ML-DSA needs a runtime that supports it. */
export type SigningAlgorithm = (typeof SIGNING_ALGORITHMS)[number]

/** Whether `value` is exactly one of {@link SIGNING_ALGORITHMS}. */
export const isSigningAlgorithm = (value: unknown): value is SigningAlgorithm =>
  SIGNING_ALGORITHMS.some((algorithm) => algorithm === value)

/**
 * A signing key, local or in a key service. `localSigner` signs in this process. A signer for a key service sends the signing input
 * to the service and never has the private key.
 */
export interface Signer {
  /** The `alg` of all tokens this key signs (RFC 7515 section 4.1.1). */
  readonly alg: SigningAlgorithm
  /** The `kid` of all tokens this key signs, 1 to 256 characters (RFC 7515 section 4.1.4). */
  readonly kid: string
  /** The public key. Private members are dropped before anything is published. */
  readonly publicJwk: JWK
  /**
   * Signs the JWS signing input (RFC 7515 section 5.1): ASCII bytes of `header.claims`.
   *
   * Resolves with the signature in JWS format: for ES256, ES384 and ES512 this is r and s concatenated (64, 96 or 132 bytes), not
   * DER.
   */
  sign(signingInput: Uint8Array): Promise<Uint8Array>
}

/** Returns the current signer of a key that may be replaced at run time. The source does its own caching. */
export interface SignerSource {
  /** The key to sign the next token with. */
  signer(): Promise<Signer>
}

/**
 * Checks that a value has the members of a {@link Signer}. It does not check a signature.
 *
 * @throws TypeError that names the member, its rule and the value found.
 */
export function assertSigner(signer: unknown): asserts signer is Signer {
  if (typeof signer !== 'object' || signer === null) throw notSigner(typeof signer)
  if (typeof own(signer, 'then') === 'function') throw notSigner('a promise: await it')
  const { alg, kid, publicJwk, sign }: { readonly [member in keyof Signer]?: unknown } = ownOptions(signer, MEMBERS)
  if (typeof sign !== 'function') throw notSigner('an object without "sign"')
  if (!isSigningAlgorithm(alg)) throw refusal('use key', '"alg" must be an asymmetric signature algorithm', alg)
  if (typeof kid !== 'string' || kid.length === 0 || kid.length > 256) {
    throw refusal('use key', '"kid" must have 1 to 256 characters', kid)
  }
  if (typeof publicJwk !== 'object' || publicJwk === null) {
    throw refusal('use key', '"publicJwk" must be a JWK', typeof publicJwk)
  }
}

const MEMBERS: readonly (keyof Signer)[] = ['alg', 'kid', 'publicJwk', 'sign']

const notSigner = (found: string): TypeError =>
  new TypeError(`Cannot use key: it must be a signer, such as localSigner makes, found ${found}`)

/** A JWT in JWS compact form (RFC 7519 section 7.1), signed by `signer`. Header and claims are serialized unchanged. */
export const signJwt = async (
  signer: Signer,
  header: Readonly<Record<string, unknown>>,
  claims: Readonly<Record<string, unknown>>,
): Promise<string> => {
  const signingInput = `${base64url.encode(JSON.stringify(header))}.${base64url.encode(JSON.stringify(claims))}`
  const signature = await signer.sign(new TextEncoder().encode(signingInput))
  return `${signingInput}.${base64url.encode(signature)}`
}
