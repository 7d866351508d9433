import type { JWK } from 'jose'
import type { SigningAlgorithm } from './algorithm.ts'

/**
 * A key that signs, wherever it lives. The local one is `localSigner`; one in a key service sends the signing input
 * there and never sees the private key.
 */
export interface Signer {
  /** The `alg` of everything this key signs (RFC 7515 section 4.1.1). */
  readonly alg: SigningAlgorithm
  /** The `kid` of everything this key signs, 1 to 256 characters (RFC 7515 section 4.1.4). */
  readonly kid: string
  /** The public key. Private members are dropped before anything is published. */
  readonly publicJwk: JWK
  /**
   * Signs the JWS signing input (RFC 7515 section 5.1): ASCII bytes of `header.claims`.
   *
   * Resolves with the signature as JWS wants it: for ES256, ES384 and ES512 that is r and s side by side (64, 96 or
   * 132 bytes), not DER.
   */
  sign(signingInput: Uint8Array): Promise<Uint8Array>
}

/** Gives the signer of the moment: a key that may be replaced while a program runs. It caches as it sees fit. */
export interface SignerSource {
  /** The key to sign the next token with. */
  signer(): Promise<Signer>
}
