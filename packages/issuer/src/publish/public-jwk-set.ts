import type { JSONWebKeySet } from 'jose'
import { publishedJwk } from '../keys/published-key.ts'
import { discreetRefusal } from '../refusal.ts'
import { assertSigner } from '../signer/assert-signer.ts'
import type { Signer } from '../signer/signer.ts'

/**
 * The JWK Set of some signers (RFC 7517 section 5), for a verifier that holds it as a file or a setting: public parts, with
 * `kid`, `alg` and `use`. An issuer has its own in `jwks()`, which follows its rotations.
 *
 * @throws TypeError where one of them is not a signer or has no asymmetric public key.
 */
export const publicJwkSet = (signers: readonly Signer[]): JSONWebKeySet => {
  if (!Array.isArray(signers))
    throw discreetRefusal('make JWK Set', 'give an array of signers, such as [signer]', signers)
  const keys = signers.map((signer: Signer) => {
    assertSigner(signer)
    return { ...publishedJwk(signer) }
  })
  return { keys }
}
