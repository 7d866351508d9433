import { createAuthenticator, type HttpOptions, type Outcome, type VerifierOptions } from '@claimgate/core'
import { createMemoryReplayStore, dpop, type DpopOptions } from '@claimgate/core/dpop'
import { createTestClock, createTestKeys } from '@claimgate/testing'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { createHash, randomUUID } from 'node:crypto'
import { accessClaims, NOW, optionsWith, request } from '../core/refusal.ts'

export const ORIGIN = 'https://api.example.com/shop'
export const URL_OF_ORDERS = `${ORIGIN}/orders`

/** The base64url of a SHA-256, as in `ath`. */
export const hashOf = (text: string): string => createHash('sha256').update(text).digest('base64url')

/** What to change in a proof; `undefined` omits a member. */
export interface ProofChanges {
  readonly header?: Readonly<Record<string, unknown>>
  readonly claims?: Readonly<Record<string, unknown>>
}

/** A DPoP client (RFC 9449) that also makes bad proofs. */
export interface DpopClient {
  readonly jwk: JWK
  readonly jkt: string
  /** A proof for GET /orders at `NOW`, for a token. */
  proof(token: string, changes?: ProofChanges): Promise<string>
}

export async function createDpopClient(alg = 'ES256'): Promise<DpopClient> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  const jwk = await exportJWK(publicKey)
  return {
    jwk,
    jkt: await calculateJwkThumbprint({ ...jwk, ...(jwk.kty === 'AKP' && { alg }) }),
    proof: async (token, { header, claims } = {}) =>
      new SignJWT({
        jti: randomUUID(),
        htm: 'GET',
        htu: URL_OF_ORDERS,
        iat: NOW,
        ath: hashOf(token),
        ...claims,
      })
        .setProtectedHeader({ typ: 'dpop+jwt', alg, jwk, ...header })
        .sign(privateKey, { crit: { exp: true } }),
  }
}

const issuer = await createTestKeys('ES256', { kid: 'key-1' })

/** An access token bound to the key of a client; claims of `undefined` are omitted. */
export const boundToken = async (jkt: string, claims: object = {}): Promise<string> =>
  issuer.sign(accessClaims({ cnf: { jkt }, ...claims }))

export const plainToken = async (): Promise<string> => issuer.sign(accessClaims())

/** An API that accepts DPoP, with a clock that stands at `NOW`. */
export function createDpopApi(
  changes: Partial<DpopOptions> = {},
  options: Partial<VerifierOptions & HttpOptions> = {},
) {
  const clock = createTestClock({ wall: NOW * 1000 })
  const replay = createMemoryReplayStore({ clock })
  const authenticator = createAuthenticator(
    optionsWith({
      jwks: { keys: [issuer.publicJwk] },
      clock,
      bindings: [dpop({ origin: ORIGIN, replay, clock, ...changes })],
      ...options,
    }),
  )
  const send = async (
    token: string,
    proof: string | readonly string[] | undefined,
    { scheme = 'DPoP', method = 'GET', target = '/orders' } = {},
  ): Promise<Outcome> => {
    const fields = { authorization: `${scheme} ${token}`, ...(proof !== undefined && { dpop: proof }) }
    return authenticator.authenticate(request(fields, { method, target }))
  }
  return { clock, authenticator, send }
}

/** An outcome in one line: its status, and the error in its challenge for the scheme `DPoP`. */
export function lineOf(outcome: Outcome): string {
  if (outcome.kind !== 'refused') return outcome.kind === 'authenticated' ? '200' : 'anonymous'
  const { status, headers } = outcome.response
  const error = /DPoP [^D]*?error="(\w+)"/.exec(headers['www-authenticate'] ?? '')?.[1]
  return [status, error].filter(Boolean).join(' ')
}
