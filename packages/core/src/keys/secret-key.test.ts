import { describe, expect, it } from 'vitest'

import type { SymmetricAlgorithm } from '../model/algorithm.ts'
import { secretKey } from './secret-key.ts'

describe('a secret', () => {
  it.each<[SymmetricAlgorithm, number]>([
    ['HS256', 32],
    ['HS384', 48],
    ['HS512', 64],
  ])('for %s has %d bytes at least', (algorithm, bytes) => {
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

  it('is imported once for each algorithm, for verifying alone, and whatever the kid', async () => {
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

  it('does not change with the bytes it was given in', async () => {
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
