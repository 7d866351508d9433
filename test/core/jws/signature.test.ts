import { createTestKeys } from '@claimgate/testing'
import { importJWK } from 'jose'
import { describe, expect, it, vi } from 'vitest'
import { AuthError } from '../../../packages/core/src/errors/auth-error.ts'
import { ignoredKeysHint, parseJwt } from '../../../packages/core/src/jws/parse.ts'
import {
  algorithmRefusal,
  checkAlgorithm,
  verifySignature,
  webCryptoSignature,
} from '../../../packages/core/src/jws/signature.ts'
import { DEFAULT_LIMITS } from '../../../packages/core/src/model/limits.ts'
import type { ParsedJws } from '../../../packages/core/src/model/token.ts'

const refusalOf = async (run: () => unknown): Promise<unknown> => {
  try {
    await run()
  } catch (error) {
    if (error instanceof AuthError) return error
    throw error
  }
  return expect.unreachable()
}

const keys = await createTestKeys('ES256')
const [key, other] = await Promise.all(
  [keys, await createTestKeys('ES256', { generation: 1 })].map(
    async ({ publicJwk }) => (await importJWK({ ...publicJwk }, 'ES256')) as CryptoKey,
  ),
)
const parsed = parseJwt(await keys.sign({ sub: 'ada' }), DEFAULT_LIMITS)
const withNonce = parseJwt(await keys.sign({ sub: 'ada' }, { nonce: 'n' }), DEFAULT_LIMITS)

describe('the log of a text that is no JWT says', () => {
  it.each<readonly [string, string, string | undefined]>([
    ['opaque', 'one part', 'An opaque token needs introspection (RFC 7662), not verification'],
    ['a.b', 'two parts', 'An opaque token needs introspection (RFC 7662), not verification'],
    ...['null', 'undefined', 'NaN'].map((word): [string, string, string] => [
      word,
      'one part',
      `The client sent the word "${word}" in place of a token: it had none`,
    ]),
    ['a.b.c.d', 'more than three parts', undefined],
    ['a.b.c.d.e', 'five parts', 'This is an encrypted token (JWE)'],
    ['a.b.c.d.e.f', 'more than three parts', undefined],
  ])('what %j is', async (text, actual, hint) => {
    expect(await refusalOf(() => parseJwt(text, DEFAULT_LIMITS))).toMatchObject({
      code: 'token_malformed',
      expected: '"three parts separated by dots"',
      actual: `"${actual}"`,
      hint,
    })
  })
})

describe('keys in a header', () => {
  it('are ignored, and named for explain', () => {
    expect(ignoredKeysHint({ alg: 'ES256', kid: 'k', x5t: 't' })).toBeUndefined()
    expect(ignoredKeysHint({ alg: 'ES256', x5c: [], jku: 'x', x5u: 'u', jwk: {} })).toBe(
      'Ignored in the header: jwk, jku, x5u, x5c. Keys come only from the configuration of the issuer, never from a token',
    )
  })
})

describe('the algorithm of a token', () => {
  const of = (alg: string, bytes: number): ParsedJws => ({
    ...parsed,
    header: { alg },
    signature: new Uint8Array(bytes),
  })
  const allowed = new Set(['ES256', 'RS256'] as const)

  it.each([
    ['ES256', 64, undefined],
    ['ES256', 63, { code: 'signature_malformed', expected: '"64 bytes"', actual: '"63 bytes"' }],
    ['ES256', 0, { code: 'signature_malformed', expected: '"64 bytes"', actual: '"0 bytes"' }],
    ['RS256', 1, undefined],
    ['RS256', 0, { code: 'signature_malformed', expected: '"a signature"', actual: '"0 bytes"' }],
    ['ES384', 96, { code: 'algorithm_not_allowed', expected: '["ES256","RS256"]', actual: '"ES384"' }],
    ['none', 0, { code: 'algorithm_not_allowed', actual: '"none"' }],
  ])('%s with %i bytes of signature: %j', async (alg, bytes, refusal) => {
    const found = algorithmRefusal(of(alg, bytes), allowed)
    if (refusal === undefined) {
      expect(found).toBeUndefined()
      expect(checkAlgorithm(of(alg, bytes), allowed)).toBe(alg)
    } else {
      expect(found).toMatchObject(refusal)
      expect(await refusalOf(() => checkAlgorithm(of(alg, bytes), allowed))).toMatchObject(refusal)
    }
  })
})

describe('a signature', () => {
  const verify = (
    token: ParsedJws,
    candidates: readonly (CryptoKey | undefined)[],
    replacement?: CryptoKey,
  ): Promise<CryptoKey> =>
    verifySignature(token, 'ES256', {
      candidates: candidates as readonly CryptoKey[],
      isSignedBy: webCryptoSignature,
      replacementOf: (failed) => (failed === other && replacement ? Promise.resolve(replacement) : undefined),
    })

  it('is that of one of the keys, or of the replacement of the only one', async () => {
    expect(await verify(parsed, [key])).toBe(key)
    expect(await verify(parsed, [other, key])).toBe(key)
    expect(await verify(parsed, [other], key)).toBe(key)
    expect(await refusalOf(() => verify(parsed, [other]))).toMatchObject({ code: 'signature_invalid', hint: undefined })
    for (const candidates of [[other, other], []])
      expect(await refusalOf(() => verify(parsed, candidates, key))).toMatchObject({
        code: 'signature_invalid',
        expected: '"a signature by one of the keys that fit"',
        hint: expect.stringContaining('The token names no key ID. Keys tried: ') as string,
      })
  })

  it('with a nonce in the header is explained, because only Microsoft Graph can verify it', async () => {
    for (const candidates of [[other], [other, other]])
      expect(await refusalOf(() => verify(withNonce, candidates))).toMatchObject({
        code: 'signature_invalid',
        hint: expect.stringContaining('it is a token for Microsoft Graph') as string,
      })
  })

  it('is not good if the runtime fails to verify it', async () => {
    const failing = vi.spyOn(crypto.subtle, 'verify').mockRejectedValue(new DOMException('no', 'OperationError'))
    try {
      expect(await webCryptoSignature(parsed, 'ES256', key as CryptoKey)).toBe(false)
      expect(failing).toHaveBeenCalledTimes(1)
    } finally {
      failing.mockRestore()
    }
  })

  it('is not checked with a key of another algorithm', async () => {
    expect(await refusalOf(() => webCryptoSignature(parsed, 'ES384', key as CryptoKey))).toMatchObject({
      code: 'algorithm_key_mismatch',
      expected: '"a key for ES384"',
      actual: '"another key"',
    })
  })

  it('is not checked with a promise of a key, which is a bug', async () => {
    const later = Promise.reject(new Error('no')) as unknown as CryptoKey
    await expect(async () => verify(parsed, [later])).rejects.toThrow(
      new TypeError('"current" of a key source must return a key, not a promise: it must not be async'),
    )
    expect(await refusalOf(() => verify(parsed, [undefined]))).toMatchObject({
      code: 'algorithm_key_mismatch',
      expected: '"a public key for ES256"',
      actual: 'nothing',
    })
  })
})
