import type { JWK } from 'jose'
import { calculateJwkThumbprint } from 'jose/jwk/thumbprint'
import {
  AuthError,
  bare,
  type AsymmetricAlgorithm,
  fits,
  importKey,
  type JoseHeader,
  lintJwk,
  own,
  parseJsonObject,
  presentMembers,
  publicMaterial,
  DEFAULT_LIMITS,
  verifyJws,
} from '../adapter.ts'

/** A DPoP proof (RFC 9449 section 4.2) whose form, key and signature are good. */
export interface Proof {
  /** The thumbprint of the key that signed it (RFC 7638). */
  readonly jkt: string
  readonly htm: unknown
  readonly htu: unknown
  readonly ath: unknown
  readonly jti: string
  /** Seconds since the epoch. */
  readonly iat: number
  readonly nonce: unknown
}

export interface ProofRules {
  readonly algorithms: readonly AsymmetricAlgorithm[]
  readonly proofLength: number
}

/**
 * Verifies what a proof says about itself (RFC 9449 section 4.3, steps 1 to 7): form, type, algorithm, key and signature. Does not compare
 * it with a request.
 *
 * @param fields - every value of the `DPoP` header
 * @throws AuthError with `invalid_dpop_proof`
 */
export async function verifyProof(fields: readonly unknown[], { algorithms, proofLength }: ProofRules): Promise<Proof> {
  const [proof] = fields
  if (fields.length !== 1 || typeof proof !== 'string') throw badProof('one DPoP header', fields.length)
  if (proof.length > proofLength) throw badProof(`at most ${proofLength} characters ("proofLength")`, proof.length)
  try {
    const limits = { ...DEFAULT_LIMITS, tokenLength: proofLength, headerLength: proofLength }
    const { header, payload } = await verifyJws(proof, { keys: { resolve: keyOf }, algorithms, limits })
    const claims = parseJsonObject(payload, 'claims of a proof', limits)
    const [htm, htu, ath, jti, iat, nonce] = CLAIMS.map((name) => own(claims, name))
    if (typeof jti !== 'string' || jti === '' || jti.length > LONGEST_JTI)
      throw badProof(`jti: text of 1 to ${LONGEST_JTI} characters`, typeof jti)
    if (typeof iat !== 'number' || !(iat >= 0)) throw badProof('iat: seconds since the epoch', typeof iat)
    return { jkt: await calculateJwkThumbprint(jwkOf(header)), htm, htu, ath, jti, iat, nonce }
  } catch (error) {
    if (!(error instanceof AuthError) || error.error === 'invalid_dpop_proof') throw error
    // The words of the cause are about access tokens.
    throw badProof('a well-formed proof with a good signature', error.code, error)
  }
}

const CLAIMS = ['htm', 'htu', 'ath', 'jti', 'iat', 'nonce'] as const
const LONGEST_JTI = 512

/** The refusal of a proof. The token may be good. */
export function badProof(
  expected: string,
  ...[actual, cause]: readonly [actual?: unknown, cause?: unknown]
): AuthError {
  return new AuthError('binding_failed', {
    expected,
    ...(actual !== undefined && { actual }),
    ...(cause !== undefined && { cause }),
    refusal: { status: 401, error: 'invalid_dpop_proof' },
  })
}

async function keyOf(header: JoseHeader): ReturnType<typeof importKey> {
  if (header.typ !== 'dpop+jwt') throw badProof('typ "dpop+jwt"', header.typ ?? 'none')
  const given = own(header, 'jwk')
  const flaw = lintJwk(given)
  if (flaw !== undefined) throw badProof('a sound public key as jwk', flaw)
  const jwk = presentMembers(given) ?? {}
  if (!fits(jwk, header.alg, own(jwk, 'alg'))) throw badProof(`a jwk for ${header.alg}`)
  return importKey(publicMaterial(jwk), header.alg)
}

// In canonical form, so that two spellings of one key have one thumbprint.
function jwkOf({ alg, jwk }: JoseHeader): JWK {
  const material = publicMaterial(presentMembers(jwk) ?? {})
  return bare({ ...material, ...(material.kty === 'AKP' && { alg }) })
}
