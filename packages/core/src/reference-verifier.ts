import type { VerifierOptions } from './options.ts'
import { joseSignature } from './token/jose-signature.ts'
import { parseJwt } from './token/parse-jwt.ts'
import { type Engine, type Verifier, verifierWith } from './verifier.ts'

const plainEngine: Engine = (limits) => ({ parse: (token) => parseJwt(token, limits), isSignedBy: joseSignature })

/**
 * A verifier on the plain path: every part of every token is taken apart anew, jose verifies the signature, and nothing is remembered.
 * Slower than that of `createVerifier`, which is held to give the same answer to every token.
 *
 * @throws TypeError for options that are missing, contradict each other or are out of range
 */
export function createReferenceVerifier<C extends object = object>(options: VerifierOptions<C>): Verifier<C> {
  return verifierWith(plainEngine, { ...options, tokenCache: false })
}
