import { badAlgorithms, badSignatures } from './bad/signatures.ts'
import { badClaims } from './bad/claims.ts'
import { badEncodings, badShapes } from './bad/shapes.ts'
import { badHeaders } from './bad/headers.ts'
import { badJson } from './bad/json.ts'
import { type BadToken, type BadTokensBase, createForge } from './forge.ts'

/**
 * Creates several hundred bad tokens from a good one. Unless the signature is the fault, it is valid, so that only the named fault can
 * cause a rejection.
 *
 * Use them with a verifier that has default options, and the issuer, audience and key of the good token. It must reject every token
 * with `refusal: 'required'` (for an unknown `kid`, 503 is right while keys cannot be fetched). No token may cause a connection to
 * `trapUrl`.
 *
 * @throws SyntaxError if the good token is not a signed JWT.
 */
export async function badTokens(base: BadTokensBase): Promise<readonly BadToken[]> {
  const forge = await createForge(base)
  const groups = [badAlgorithms, badSignatures, badHeaders, badEncodings, badShapes, badJson, badClaims]
  return (await Promise.all(groups.map((make) => make(forge)))).flat()
}
