import { exportSPKI, importJWK } from 'jose'
import type { CryptoKey } from 'jose'
import { refusal } from '../refusal.ts'
import { assertSigner } from '../signer/assert-signer.ts'
import { publicJwk } from '../signer/public-jwk.ts'
import type { Signer } from '../signer/signer.ts'

/**
 * The public key of a signer in PEM: SubjectPublicKeyInfo (RFC 7468 section 13), for a verifier that trusts one key. The
 * text has several lines and ends with a line break.
 *
 * @throws TypeError where the signer's public key is not one for its algorithm.
 */
export const publicKeyPem = async (signer: Signer): Promise<string> =>
  `${(await exportSPKI(await publicKey(signer))).trim()}\n`

/**
 * The base64 of {@link publicKeyPem}: one line, as an environment variable wants it (`JWT_PUBLIC_KEY`).
 *
 * @throws TypeError where the signer's public key is not one for its algorithm.
 */
export const publicKeyBase64 = async (signer: Signer): Promise<string> => btoa(await publicKeyPem(signer))

const publicKey = async (signer: Signer): Promise<CryptoKey> => {
  assertSigner(signer)
  const { alg } = signer
  try {
    const key = await importJWK({ ...publicJwk(signer.publicJwk), alg }, alg, { extractable: true })
    if ('type' in key && key.type === 'public') return key
  } catch {
    // Told below, without what a runtime says about a bad key.
  }
  throw refusal('export key', `"publicJwk" must be a public key for ${alg}`, signer.publicJwk)
}
