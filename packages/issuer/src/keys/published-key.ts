import { base64url, compactVerify, importJWK } from 'jose'
import type { JWK } from 'jose'
import { own, refusal } from '../refusal.ts'
import { assertSigner, type Signer, signJwt } from '../signer/signer.ts'
import { publicJwk } from '../signer/key-material.ts'

/** A signer whose signature has been verified, with its entry in the JWK Set. */
export interface PublishedKey {
  readonly signer: Signer
  /** The entry in the JWK Set: public members, `kid`, `alg` and `use`. */
  readonly jwk: JWK
  /** A hash of the entry. It is part of the entity tag. */
  readonly tag: string
}

/**
 * Prepares a signer for publication: drops everything but the public members, and makes it sign once. This detects a private key
 * that does not match the public key, and a wrong signature format, before any token is signed.
 *
 * @throws TypeError if the signer's parts do not fit together. Errors of the signer itself are passed on unchanged.
 */
export const publishedKey = async (signer: Signer): Promise<PublishedKey> => {
  assertSigner(signer)
  const jwk = publishedJwk(signer)
  await prove(signer, jwk)
  return Object.freeze({ signer, jwk, tag: await contentTag(jwk) })
}

/**
 * A signer's entry in the JWK Set: public members, `kid`, `alg` and `use`.
 *
 * @throws TypeError if the key is not asymmetric.
 */
export const publishedJwk = ({ alg, kid, publicJwk: jwk }: Signer): JWK => {
  const publicPart = publicJwk(jwk)
  if (publicPart === undefined) throw refusal('use key', '"publicJwk" must be an asymmetric key', own(jwk, 'kty'))
  return Object.freeze({ ...publicPart, kid, alg, use: 'sig' })
}

const prove = async (signer: Signer, jwk: JWK): Promise<void> => {
  // No verifier accepts this as a token: it has an unknown typ and no claims.
  const proof = await signJwt(signer, { alg: signer.alg, typ: 'key-check' }, {})
  try {
    await compactVerify(proof, await importJWK(jwk, signer.alg), { algorithms: [signer.alg] })
  } catch (cause) {
    throw refusal('use key', 'its public part must verify what it signs', 'a signature that does not fit', cause)
  }
}

const contentTag = async (jwk: JWK): Promise<string> => {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(JSON.stringify(jwk)))
  return base64url.encode(new Uint8Array(digest, 0, 9))
}
