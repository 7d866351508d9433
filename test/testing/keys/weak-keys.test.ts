import { createPublicKey } from 'node:crypto'

import type { JWK } from 'jose'
import { describe, expect, it } from 'vitest'

import { hasRocaFingerprint, rocaFactors, weakKeys } from '../../../packages/testing/src/keys/weak-keys.ts'
import { createTestKeys, signInput } from '../../../packages/testing/src/keys/test-keys.ts'

const keys = weakKeys('w')
const jwkOf = (name: string) => keys.find((key) => key.name === name)?.jwk as JWK
const numberOf = (value: unknown) => BigInt(`0x${Buffer.from(String(value), 'base64url').toString('hex')}`)

describe('weakKeys', () => {
  it('names each key once, with a requirement', () => {
    expect(new Set(keys.map(({ name }) => name)).size).toBe(keys.length)
    expect(keys.length).toBeGreaterThan(50)
    expect(keys.filter(({ requirement }) => requirement.length === 0)).toEqual([])
  })

  it('gives all keys with a type the requested kid', () => {
    const typed = keys.map(({ jwk }) => jwk as JWK | null).filter((jwk) => typeof jwk?.kty === 'string')
    expect(new Set(typed.map((jwk) => jwk?.kid))).toEqual(new Set(['w']))
  })

  it.each([
    ['RSA of 1024 bits', 1024],
    ['RSA of 2040 bits', 2040],
    ['RSA of 1024 bits behind leading zeros', 1024],
    ['RSA of 16384 bits', 16384],
    ['RSA with the ROCA fingerprint', 2048],
  ])('%s has that many bits', (name, bits) => {
    expect(numberOf(jwkOf(name).n).toString(2).length).toBe(bits)
  })

  it.each([
    ['RSA with e = 1', 1n],
    ['RSA with e = 1 behind leading zeros', 1n],
    ['RSA with e = 65536', 65536n],
    ['RSA with e = 2^33 + 1', 8589934593n],
  ])('%s', (name, e) => {
    expect(numberOf(jwkOf(name).e)).toBe(e)
  })

  it('has the ROCA fingerprint, unlike a normal key', async () => {
    const [p, q] = rocaFactors()
    expect(numberOf(jwkOf('RSA with the ROCA fingerprint').n)).toBe(p * q)
    expect(hasRocaFingerprint(p * q)).toBe(true)
    expect(hasRocaFingerprint(numberOf((await createTestKeys('RS256')).publicJwk.n))).toBe(false)
  })

  it.each(keys.filter(({ privateJwk }) => privateJwk !== undefined))(
    '$name: signatures by its private key are valid, so only the check of the key rejects them',
    async ({ jwk, privateJwk }) => {
      const { n, e, kty, crv, x, y } = jwk as JWK
      const isRsa = kty === 'RSA'
      // WebCrypto accepts RSA keys of any size.
      const algorithm = isRsa
        ? { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
        : { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
      const { use: _, alg: __, key_ops: ___, ...members } = privateJwk as JWK
      const signer = await crypto.subtle.importKey('jwk', members as JsonWebKey, algorithm, false, ['sign'])
      const signature = await signInput(isRsa ? 'RS256' : 'ES256', signer, 'a.b')
      const verifier = await crypto.subtle.importKey(
        'jwk',
        (isRsa ? { n, e, kty } : { kty, crv, x, y }) as JsonWebKey,
        algorithm,
        false,
        ['verify'],
      )
      const input = new TextEncoder().encode('a.b')
      expect(await crypto.subtle.verify(algorithm, verifier, Buffer.from(signature, 'base64url'), input)).toBe(true)
    },
  )

  it.each([
    'EC point that is not on its curve',
    'EC point 0, 0',
    'EC coordinate beyond the field',
    'EC coordinates swapped',
  ])('%s is not a key for node:crypto either', (name) => {
    expect(() => createPublicKey({ key: jwkOf(name) as never, format: 'jwk' })).toThrow(/Invalid JWK|ERR_CRYPTO/)
  })

  it('has a key with e = 1, for which anyone can compute a signature', async () => {
    const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
    const { n, e } = jwkOf('RSA with e = 1')
    const key = await crypto.subtle.importKey('jwk', { kty: 'RSA', n, e } as JsonWebKey, algorithm, false, ['verify'])
    const input = Buffer.from('a.b')
    const digest = Buffer.from(await crypto.subtle.digest('SHA-256', input)).toString('hex')
    // EMSA-PKCS1-v1_5 (RFC 8017 section 9.2): with e = 1 the signature is the encoded message itself.
    const tail = `003031300d060960864801650304020105000420${digest}`
    const forged = Buffer.from(`0001${'ff'.repeat(256 - 2 - tail.length / 2)}${tail}`, 'hex')
    expect(await crypto.subtle.verify(algorithm, key, forged, input)).toBe(true)
  })
})
