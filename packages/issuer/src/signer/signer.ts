import { base64url, type JWK } from 'jose'
import { checkMembers, type Rules } from '../options.ts'
import * as rule from '../rules.ts'
import type { Rule } from '../rules.ts'
import { bare, own, ownOptions } from '../refusal.ts'

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

/** One of {@link SIGNING_ALGORITHMS}. */
export const signingAlgorithm: Rule = rule.oneOf(SIGNING_ALGORITHMS)

/** A key ID. */
export const keyId: Rule = rule.textUpTo(256)

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
  const members: object = ownOptions(signer, ['sign', ...Object.keys(MEMBERS)])
  if (typeof own(members, 'sign') !== 'function') throw notSigner('an object without "sign"')
  checkMembers('use key', members, MEMBERS)
}

const MEMBERS: Rules<Omit<Signer, 'sign'>> = {
  alg: rule.of('be an asymmetric signature algorithm', signingAlgorithm.accepts),
  kid: keyId,
  publicJwk: rule.object('be a JWK'),
}

const notSigner = (found: string): TypeError =>
  new TypeError(`Cannot use key: it must be a signer, such as localSigner makes, found ${found}`)

/**
 * A JWT in JWS compact form (RFC 7519 section 7.1), signed by `signer`. The header has its `alg` and `kid`. Other members and the
 * claims are serialized unchanged.
 */
export const signJwt = async (
  signer: Signer,
  { typ, ...header }: Readonly<Record<string, unknown>>,
  claims: Readonly<Record<string, unknown>>,
): Promise<string> => {
  const { alg, kid } = signer
  const parts = [{ alg, typ, kid, ...header }, claims].map((part) => base64url.encode(JSON.stringify(part)))
  const signingInput = parts.join('.')
  const signature = await signer.sign(new TextEncoder().encode(signingInput))
  return `${signingInput}.${base64url.encode(signature)}`
}

// An allow-list, so that no present or future private member is published.
const PUBLIC_MEMBERS: Readonly<Record<string, readonly (keyof JWK)[]>> = {
  RSA: ['kty', 'n', 'e'],
  EC: ['kty', 'crv', 'x', 'y'],
  OKP: ['kty', 'crv', 'x'],
  AKP: ['kty', 'alg', 'pub'],
}

/**
 * Only the public members of an asymmetric JWK (RFC 7518 section 6): no private part, no `kid`, no `use`.
 * `undefined` for a key type that has no public part.
 */
export const publicPartOf = (jwk: JWK): JWK | undefined => {
  const kty = own(jwk, 'kty')
  const members = typeof kty === 'string' && Object.hasOwn(PUBLIC_MEMBERS, kty) ? PUBLIC_MEMBERS[kty] : undefined
  return members && pickMembers(jwk, members)
}

/** A JWK with the named members of `jwk`. Missing ones are skipped. */
export const pickMembers = (jwk: JWK, names: readonly (keyof JWK)[]): JWK => {
  const members = names.map((name) => [name, own(jwk, name)] as const)
  return bare(Object.fromEntries(members.filter(([, value]) => value !== undefined)))
}
