export { selectVerifier, type Select, type SelectVerifierOptions } from './select-verifier.ts'
export { signedCookie, type Unsign } from './signed-cookie.ts'
