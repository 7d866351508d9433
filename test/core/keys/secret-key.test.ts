import { describe, expect, it } from 'vitest'

import type { SymmetricAlgorithm } from '../../../packages/core/src/model/algorithm.ts'
import { secretKey } from '../../../packages/core/src/keys/secret-key.ts'

describe('a secret', () => {
  it.each<[SymmetricAlgorithm, number]>([
    ['HS256', 32],
    ['HS384', 48],
    ['HS512', 64],
  ])('for %s has at least %d bytes', (algorithm, bytes) => {
    expect(() => secretKey(new Uint8Array(bytes), [algorithm])).not.toThrow()
    expect(() => secretKey('x'.repeat(bytes), [algorithm])).not.toThrow()
    expect(() => secretKey('é'.repeat(bytes / 2), [algorithm])).not.toThrow()
    expect(() => secretKey(new Uint8Array(bytes - 1), [algorithm])).toThrow(
      new TypeError(
        `Cannot use secret: "secret" must have at least ${bytes} bytes for ${algorithm}, found "${bytes - 1} bytes"`,
      ),
    )
  })

  it('is long enough for every algorithm', () => {
    expect(() => secretKey(new Uint8Array(48), ['HS256', 'HS512'])).toThrow('at least 64 bytes for HS512')
  })

  it('is imported once for each algorithm, only for verification, and whatever the kid', async () => {
    const source = secretKey(new Uint8Array(64).fill(1), ['HS256', 'HS384', 'HS512'])
    for (const [alg, hash] of [
      ['HS256', 'SHA-256'],
      ['HS384', 'SHA-384'],
      ['HS512', 'SHA-512'],
    ] as const) {
      const key = await source.resolve({ alg })
      expect(key).toMatchObject({
        extractable: false,
        usages: ['verify'],
        algorithm: { name: 'HMAC', hash: { name: hash } },
      })
      expect(await source.resolve({ alg, kid: 'any' })).toBe(key)
    }
    expect(source.describe?.()).toBe('a secret')
  })

  it('does not change with its input bytes', async () => {
    const bytes = new Uint8Array(32).fill(1)
    const source = secretKey(bytes, ['HS256'])
    bytes.fill(2)
    const key = await source.resolve({ alg: 'HS256' })
    const own = { name: 'HMAC', hash: 'SHA-256' }
    const signer = await crypto.subtle.importKey('raw', new Uint8Array(32).fill(1), own, false, ['sign'])
    const signature = await crypto.subtle.sign('HMAC', signer, new Uint8Array(1))
    expect(await crypto.subtle.verify('HMAC', key, signature, new Uint8Array(1))).toBe(true)
  })
})

describe('an invalid secret', () => {
  const pem =
    '-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n'
  const der = Uint8Array.from(atob('MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE='), (character) =>
    character.charCodeAt(0),
  )
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: 'Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE' }
  const text = 'a secret of thirty-two characters'

  it.each<readonly [string, unknown, string]>([
    ['a public key', pem, 'a public key: give it as "publicKey"'],
    ['the bytes of a public key', new TextEncoder().encode(pem), 'a public key: give it as "publicKey"'],
    ['a public key in base64', btoa(pem), 'a public key: give it as "publicKey"'],
    ['DER', der, 'a public key: give it as "publicKey"'],
    ['DER in base64', btoa(String.fromCharCode(...der)), 'a public key: give it as "publicKey"'],
    ['a public JWK', jwk, 'a public key: give it as "publicKey"'],
    ['a public JWK as text', JSON.stringify(jwk), 'a public key: give it as "publicKey"'],
    ['a JWK', { kty: 'oct', k: 'AAAA' }, 'a JWK: give the bytes that its "k" is the base64url of'],
    [
      'a public key with another label',
      pem.replaceAll('PUBLIC KEY', 'X509 CRL'),
      'a public key: give it as "publicKey"',
    ],
    ['quotes', `"${text}"`, 'quotes around it: take them off'],
    ['single quotes', `'${text}'`, 'quotes around it: take them off'],
    ['a line break at its end', `${text}\n`, 'white space around it: take it off, or give the bytes'],
    ['a list of bytes', Array.from({ length: 64 }, () => 1), 'a list'],
    ['a buffer', new ArrayBuffer(64), 'an ArrayBuffer'],
    ['a number', 64, 'a number'],
    ['a Set', new Set([1]), 'a Set'],
  ])('%s', (_, secret, found) => {
    expect(() => secretKey(secret as string, ['HS256'])).toThrow(
      new RegExp(`^Cannot use secret: "secret" must be text, or bytes as a Uint8Array, found ${found}`),
    )
  })

  it.each<readonly [string, unknown]>([
    ['text', text],
    ['text in base64', btoa('x'.repeat(32))],
    ['a Buffer-like view', new Uint8Array(new ArrayBuffer(100), 4, 64)],
    ['bytes that start like DER', Uint8Array.from([0x30, 62, ...Array.from({ length: 62 }, () => 7)])],
  ])('is not %s', (_, secret) => {
    expect(() => secretKey(secret as string, ['HS256'])).not.toThrow()
  })
})
