import { exportJWK, generateKeyPair, type JWK } from 'jose'

/** A public JWK of ES256, made when a test file loads. */
export async function publicJwk(members: Partial<JWK> = {}, alg = 'ES256'): Promise<JWK> {
  const { publicKey } = await generateKeyPair(alg, { extractable: true })
  return { ...(await exportJWK(publicKey)), ...members }
}
