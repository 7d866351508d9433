import type { JWK } from 'jose'
import { bare, type JwkMember, lintJwk, misconfigured, presentMembers, publicMaterial } from '../adapter.ts'
import { isKeyAgreement, KEY_MANAGEMENT_ALGORITHMS, type KeyManagementAlgorithm } from './algorithms.ts'
import { type Curve, flawOfX25519 } from './parse.ts'

/** The kind of a decryption key, used to choose a key for a token. */
export type KeyKind = 'RSA' | Curve

/** A private JWK that has been checked and may decrypt tokens. */
export interface EncryptionJwk {
  readonly kind: KeyKind
  readonly kid: string | undefined
  /** The JWK's `alg`: the only one it may be used with. `undefined` if it has none. */
  readonly alg: KeyManagementAlgorithm | undefined
  /** The members of the private key, and no others. */
  readonly privateJwk: JWK
  /** The members of the public key, and no others. */
  readonly publicJwk: JWK
}

/**
 * Checks a private JWK before it decrypts anything (RFC 7517 section 4, RFC 7518 section 6). Does not use WebCrypto, so a weak key is found
 * at start-up.
 *
 * @param name - what messages call the key; they never quote it
 * @throws TypeError for a key that is public, symmetric, for signatures, weak, malformed, or of another kind
 */
export function encryptionJwk(action: string, name: string, given: JWK): EncryptionJwk {
  const jwk = (presentMembers(given) ?? {}) as JWK
  const kind = kindOf(jwk)
  if (kind === undefined)
    throw misconfigured(action, `${name} must be an RSA key, or a key on P-256, P-384, P-521 or X25519`, named(jwk))
  if (typeof jwk.d !== 'string') throw misconfigured(action, `${name} must be a private key, and has no "d"`)
  const publicJwk = bare({ ...publicMaterial(pick(jwk, PUBLIC_MEMBERS[jwk.kty ?? ''] ?? []) as JwkMember) }) as JWK
  const flaw = kind === 'X25519' ? flawOfX25519(publicJwk.x) : lintJwk(publicJwk)
  if (flaw !== undefined) throw misconfigured(action, `${name} is not fit for use: ${flaw}`)
  checkPurpose(action, name, jwk)
  return {
    kind,
    kid: checkKeyId(action, name, jwk.kid),
    alg: checkAlgorithm(action, name, { alg: jwk.alg, kind }),
    privateJwk: bare({ ...publicJwk, ...pick(jwk, PRIVATE_MEMBERS) }),
    publicJwk,
  }
}

/**
 * Checks that a key ID can be in a token's header.
 *
 * @throws TypeError
 */
export function checkKeyId(action: string, name: string, kid: unknown): string | undefined {
  if (kid === undefined || (typeof kid === 'string' && kid.length >= 1 && kid.length <= 256)) return kid
  throw misconfigured(action, `the "kid" of ${name} must have 1 to 256 characters`, kid)
}

/**
 * Checks the `alg` of a key, if it has one.
 *
 * @throws TypeError for an unsupported algorithm, or one that does not fit the kind of key
 */
export function checkAlgorithm(
  action: string,
  name: string,
  { alg, kind }: { readonly alg: unknown; readonly kind: KeyKind },
): KeyManagementAlgorithm | undefined {
  if (alg === undefined) return undefined
  const known = KEY_MANAGEMENT_ALGORITHMS.find((algorithm) => algorithm === alg)
  if (known !== undefined && isKeyAgreement(known) === (kind !== 'RSA')) return known
  throw misconfigured(action, `the "alg" of ${name} must be one that ${kind} keys decrypt with here`, alg)
}

const PUBLIC_MEMBERS: Readonly<Record<string, readonly (keyof JWK)[]>> = {
  RSA: ['kty', 'n', 'e'],
  EC: ['kty', 'crv', 'x', 'y'],
  OKP: ['kty', 'crv', 'x'],
}
const PRIVATE_MEMBERS: readonly (keyof JWK)[] = ['d', 'p', 'q', 'dp', 'dq', 'qi']

function kindOf({ kty, crv }: JWK): KeyKind | undefined {
  if (kty === 'RSA') return 'RSA'
  if (kty === 'EC' && (crv === 'P-256' || crv === 'P-384' || crv === 'P-521')) return crv
  return kty === 'OKP' && crv === 'X25519' ? crv : undefined
}

// For messages: `kty` or `crv` may contain anything, even a key.
function named({ kty, crv }: JWK): string {
  return [kty, crv].map((value) => (typeof value === 'string' && value.length <= 10 ? value : '')).join(' ')
}

// A signing key must not decrypt as well (RFC 7517 section 4.2, NIST SP 800-57 section 5.2).
function checkPurpose(action: string, name: string, { use, key_ops: operations }: JWK): void {
  if (use !== undefined && use !== 'enc') throw misconfigured(action, `the "use" of ${name} must be "enc"`, use)
  if (operations === undefined) return
  const decrypts = ['decrypt', 'unwrapKey', 'deriveKey', 'deriveBits']
  if (!Array.isArray(operations) || !operations.some((operation) => decrypts.includes(operation)))
    throw misconfigured(action, `the "key_ops" of ${name} must allow to decrypt or to derive keys`)
}

function pick(jwk: JWK, names: readonly (keyof JWK)[]): JWK {
  return bare(
    Object.fromEntries(names.filter((name) => jwk[name] !== undefined).map((name) => [name, jwk[name]])) as JWK,
  )
}
