import { base64url } from 'jose'
import type { Signer } from '../signer/signer.ts'

/** A JWT in JWS compact form (RFC 7519 section 7.1), signed by `signer`; header and claims are written as they stand. */
export const signJwt = async (
  signer: Signer,
  header: Readonly<Record<string, unknown>>,
  claims: Readonly<Record<string, unknown>>,
): Promise<string> => {
  const signingInput = `${base64url.encode(JSON.stringify(header))}.${base64url.encode(JSON.stringify(claims))}`
  const signature = await signer.sign(new TextEncoder().encode(signingInput))
  return `${signingInput}.${base64url.encode(signature)}`
}
