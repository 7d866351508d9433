import { type Algorithm, createVerifier } from '@claimgate/core'
import { createReferenceVerifier } from '@claimgate/core/extend'
import { createTestKeys } from '@claimgate/testing'
import { importJWK } from 'jose'
import { describe, expect, it } from 'vitest'

import { accessClaims, optionsWith } from '../../support/core/refusal.ts'

/** The code for a key of a custom source: on the quick path and with jose. */
async function codeWith(key: unknown, token: string, algorithms: readonly Algorithm[]): Promise<string> {
  const options = optionsWith({ keys: { resolve: async () => key }, algorithms })
  const codes: string[] = []
  for (const create of [createReferenceVerifier, createVerifier]) {
    const verifier = create(options)
    // Twice: cached knowledge about a key must not change the answer.
    for (let time = 0; time < 2; time += 1)
      codes.push(
        await verifier.verify(token).then(
          () => 'verified',
          ({ code }: { code: string }) => code,
        ),
      )
  }
  expect(new Set(codes).size, codes.join(', ')).toBe(1)
  return codes[0] ?? ''
}

const rsa = await createTestKeys('RS256', { kid: 'own' })
const ec = await createTestKeys('ES256', { kid: 'own' })
const as = async (alg: string): Promise<unknown> => importJWK({ ...rsa.publicJwk, alg }, alg)
const tokenOf = async (keys: typeof rsa, alg = keys.alg): Promise<string> => keys.sign(accessClaims(), { alg })

describe('3. A key from any source verifies only what it was made for', () => {
  it('verifies a token of its algorithm', async () => {
    expect(await codeWith(rsa.publicKey, await tokenOf(rsa), ['RS256'])).toBe('verified')
    expect(await codeWith(ec.publicKey, await tokenOf(ec), ['ES256'])).toBe('verified')
  })

  it.each(['RS384', 'RS512', 'PS256', 'PS512'])('refuses an RSA key made for %s', async (alg) => {
    expect(await codeWith(await as(alg), await tokenOf(rsa), ['RS256'])).toBe('algorithm_key_mismatch')
  })

  it('refuses a key of another type, or of another curve', async () => {
    const es384 = await createTestKeys('ES384', { kid: 'own' })
    const ed = await createTestKeys('EdDSA', { kid: 'own' })
    for (const { publicKey } of [es384, ed, rsa])
      expect(await codeWith(publicKey, await tokenOf(ec), ['ES256'])).toBe('algorithm_key_mismatch')
    for (const { publicKey } of [es384, ed, ec])
      expect(await codeWith(publicKey, await tokenOf(rsa), ['RS256'])).toBe('algorithm_key_mismatch')
  })

  it('refuses a key for a second algorithm once it has verified one', async () => {
    const keys = { resolve: async () => rsa.publicKey }
    const verifier = createVerifier(optionsWith({ keys, algorithms: ['RS256', 'RS384', 'PS256'] }))
    for (const [alg, code] of [
      ['RS256', undefined],
      ['RS384', 'algorithm_key_mismatch'],
      ['PS256', 'algorithm_key_mismatch'],
      ['RS256', undefined],
    ] as const) {
      const answer: unknown = await verifier.verify(await tokenOf(rsa, alg)).catch((error: unknown) => error)
      expect((answer as { code?: string }).code).toBe(code)
    }
  })

  it('refuses a private key, a secret, and values that are not keys', async () => {
    const secret = await crypto.subtle.generateKey({ name: 'HMAC', hash: 'SHA-256' }, false, ['sign', 'verify'])
    for (const key of [ec.privateKey, secret, undefined, null, {}, 'secret', new Uint8Array(32)])
      expect(await codeWith(key, await tokenOf(ec), ['ES256'])).toBe('algorithm_key_mismatch')
  })

  it('refuses a key that may not verify', async () => {
    const { kty, crv, x, y } = ec.publicJwk as JsonWebKey
    const jwk = { kty, crv, x, y } as JsonWebKey
    const idle = await crypto.subtle.importKey('jwk', jwk, { name: 'ECDSA', namedCurve: 'P-256' }, false, [])
    expect(await codeWith(idle, await tokenOf(ec), ['ES256'])).toBe('algorithm_key_mismatch')
  })
})

describe('8. A weak key from any source verifies nothing', () => {
  it('refuses an RSA key of 1,024 bits', async () => {
    const parameters = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 1024 }
    const weak = await crypto.subtle.generateKey({ ...parameters, publicExponent: Uint8Array.of(1, 0, 1) }, false, [
      'sign',
      'verify',
    ])
    const [header, claims] = (await tokenOf(rsa)).split('.')
    const input = `${header}.${claims}`
    const signature = await crypto.subtle.sign('RSASSA-PKCS1-v1_5', weak.privateKey, Buffer.from(input))
    const token = `${input}.${Buffer.from(signature).toString('base64url')}`
    expect(await codeWith(weak.publicKey, token, ['RS256'])).toBe('algorithm_key_mismatch')
  })
})
