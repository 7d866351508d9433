import { badAlgorithms } from './bad/algorithms.ts'
import { badClaims } from './bad/claims.ts'
import { badEncodings } from './bad/encodings.ts'
import { badHeaders } from './bad/headers.ts'
import { badJson } from './bad/json.ts'
import { badShapes } from './bad/shapes.ts'
import { badSignatures } from './bad/signatures.ts'
import type { BadToken } from './bad-token.ts'
import { type BadTokensBase, createForge } from './forge.ts'

/**
 * Several hundred bad tokens made from a good one. Where the signature is not the point it is real, so that only the
 * named fault can be the reason of a refusal.
 *
 * They are meant for a verifier with default options, the issuer and the audience of the good token, and its key. With
 * `refusal: 'required'` the answer is a refusal of the token (or, for an unknown `kid`, 503 while keys cannot be
 * fetched); none of them may cause a connection to `trapUrl`.
 *
 * @throws SyntaxError when the good token is not a signed JWT.
 */
export async function badTokens(base: BadTokensBase): Promise<readonly BadToken[]> {
  const forge = await createForge(base)
  const groups = [badAlgorithms, badSignatures, badHeaders, badEncodings, badShapes, badJson, badClaims]
  return (await Promise.all(groups.map((make) => make(forge)))).flat()
}
