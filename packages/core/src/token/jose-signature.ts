import * as errors from 'jose/errors'
import { compactVerify } from 'jose/jws/compact/verify'
import { fromJose } from '../errors/from-jose.ts'
import type { SignatureVerification } from './web-crypto-signature.ts'

/** Verifies with jose: the reference that `webCryptoSignature` is held to. */
export const joseSignature: SignatureVerification = async ({ token }, algorithm, key) => {
  try {
    await compactVerify(token, key, { algorithms: [algorithm] })
    return true
  } catch (error) {
    if (error instanceof errors.JWSSignatureVerificationFailed) return false
    throw fromJose(error, algorithm)
  }
}
