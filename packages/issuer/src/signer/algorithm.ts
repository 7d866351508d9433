/** The algorithms an issuer can sign with: the asymmetric ones of RFC 7518, RFC 8037 and RFC 9864, and ML-DSA. */
export const SIGNING_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
  'ML-DSA-44',
  'ML-DSA-65',
  'ML-DSA-87',
] as const

/** One of {@link SIGNING_ALGORITHMS}. ML-DSA needs a runtime that has it. */
export type SigningAlgorithm = (typeof SIGNING_ALGORITHMS)[number]

/** Whether `value` is exactly one of {@link SIGNING_ALGORITHMS}. */
export const isSigningAlgorithm = (value: unknown): value is SigningAlgorithm =>
  SIGNING_ALGORITHMS.some((algorithm) => algorithm === value)
