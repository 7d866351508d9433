import { CompactSign, exportJWK, generateKeyPair, type JWK } from 'jose'
import type { JSONWebKeySet } from '../../../packages/core/src/keys/jwk/jwk-set.ts'
import { AuthError } from '../../../packages/core/src/errors/auth-error.ts'
import type { Algorithm } from '../../../packages/core/src/model/algorithm.ts'
import type { VerifierOptions } from '../../../packages/core/src/pipeline/options.ts'

/** A key pair with its derived values, used by tests of the verifier. */
export interface SigningKey {
  readonly alg: Algorithm
  readonly kid: string
  readonly publicJwk: JWK
  readonly publicKey: CryptoKey
  readonly jwks: JSONWebKeySet
  /** Signs a payload: claims, or text that is signed exactly as given. */
  sign(payload: object | string, header?: object): Promise<string>
}

export async function createSigningKey(alg: Algorithm = 'ES256', kid = 'key-1'): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  const publicJwk = { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' }
  return {
    alg,
    kid,
    publicJwk,
    publicKey,
    jwks: { keys: [publicJwk] },
    sign: async (payload, header = {}) => {
      const text = typeof payload === 'string' ? payload : JSON.stringify(payload)
      return new CompactSign(new TextEncoder().encode(text))
        .setProtectedHeader({ alg, kid, typ: 'at+jwt', ...header })
        .sign(privateKey)
    },
  }
}

/** The current time in the tests, in seconds since the epoch. */
export const NOW = 1_800_000_000

export const ISSUER = 'https://issuer.example'
export const AUDIENCE = 'https://api.example'

/** Claims of an ordinary access token, valid at `NOW`. */
export function accessClaims(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const claims: Record<string, unknown> = {
    iss: ISSUER,
    aud: AUDIENCE,
    sub: 'ada',
    client_id: 'shop',
    jti: 'token-1',
    iat: NOW - 60,
    exp: NOW + 600,
    scope: 'orders:read profile',
    ...changes,
  }
  for (const [name, value] of Object.entries(claims)) if (value === undefined) delete claims[name]
  return claims
}

export const clock = { now: (): number => NOW * 1000 }

/** Options of a verifier that accepts tokens of `key` at `NOW`. */
export const verifierOptions = (key: SigningKey, changes: object = {}): VerifierOptions => ({
  issuer: ISSUER,
  audience: AUDIENCE,
  jwks: key.jwks,
  clock,
  ...changes,
})

/** `verified`, or the code of the refusal. Throws anything that is not a refusal. */
export async function answerOf(verification: Promise<unknown>): Promise<string> {
  try {
    await verification
    return 'verified'
  } catch (error) {
    if (error instanceof AuthError) return error.code
    throw error
  }
}
