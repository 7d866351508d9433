import { base64url, compactVerify, importJWK } from 'jose'
import type { JWK } from 'jose'
import { own, refusal } from '../refusal.ts'
import { assertSigner, type Signer, signJwt } from '../signer/signer.ts'
import { publicJwk } from '../signer/key-material.ts'

/** A signer that has been proved, with what the JWK Set says about it. */
export interface PublishedKey {
  readonly signer: Signer
  /** The member of the JWK Set: public parts, `kid`, `alg` and `use`. */
  readonly jwk: JWK
  /** Stands for the member's exact content in an entity tag. */
  readonly tag: string
}

/**
 * Makes a signer ready to be published: drops everything but the public members, and has it sign once, so that a pair
 * that does not belong together, or a signature in another format, is found before a token depends on it.
 *
 * @throws TypeError where the signer's parts do not fit together. Errors of the signer itself come through unchanged.
 */
export const publishedKey = async (signer: Signer): Promise<PublishedKey> => {
  assertSigner(signer)
  const jwk = publishedJwk(signer)
  await prove(signer, jwk)
  return Object.freeze({ signer, jwk, tag: await contentTag(jwk) })
}

/**
 * What a JWK Set says about a signer's key: public parts, `kid`, `alg` and `use`.
 *
 * @throws TypeError where the key is not an asymmetric one.
 */
export const publishedJwk = ({ alg, kid, publicJwk: jwk }: Signer): JWK => {
  const publicPart = publicJwk(jwk)
  if (publicPart === undefined) throw refusal('use key', '"publicJwk" must be an asymmetric key', own(jwk, 'kty'))
  return Object.freeze({ ...publicPart, kid, alg, use: 'sig' })
}

const prove = async (signer: Signer, jwk: JWK): Promise<void> => {
  // Its type and claims are such that no verifier takes it for a token.
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
