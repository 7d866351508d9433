import { errors } from 'jose'
import { describe, expect, it } from 'vitest'
import { AuthError, fromJose } from '../../../packages/core/src/errors/auth-error.ts'

describe("jose's errors, converted to those of Claimgate", () => {
  it.each<readonly [string, unknown, string]>([
    ['a signature that does not verify', new errors.JWSSignatureVerificationFailed(), 'signature_invalid'],
    ['any other fault of the token', new errors.JWSInvalid('text'), 'signature_invalid'],
    ['an algorithm that the runtime lacks', new errors.JOSENotSupported('text'), 'key_unusable'],
    ['a key that does not fit', new TypeError('text'), 'algorithm_key_mismatch'],
    ['an error of WebCrypto', new DOMException('text', 'DataError'), 'algorithm_key_mismatch'],
  ])('%s', (_, error, code) => {
    const translated = fromJose(error, 'ES256')
    expect(translated).toMatchObject({ code, status: 401, cause: error })
    expect(translated.message).not.toContain('text')
  })

  it('returns an AuthError unchanged', () => {
    const error = new AuthError('token_expired')
    expect(fromJose(error, 'ES256')).toBe(error)
  })

  it('names the algorithm', () => {
    expect(fromJose(new TypeError('x'), 'ES256').message).toBe(
      'The algorithm of the token does not fit the key: expected "a key for ES256", found "another key"',
    )
    expect(fromJose(new errors.JOSENotSupported('x'), 'ML-DSA-44').message).toBe(
      'The key for the token cannot be used in this runtime: found "ML-DSA-44". This JavaScript runtime does not support the algorithm',
    )
  })
})
