import type { JSONWebKeySet } from 'jose'
import { describe, expect, it } from 'vitest'

import type { VerifierEvent } from '../../../packages/core/src/model/events.ts'
import { parseJwkSet } from '../../../packages/core/src/keys/jwk/jwk-set.ts'
import { staticKeySet } from '../../../packages/core/src/keys/static-key-set.ts'
import { publicJwk } from '../../support/core/test-jwks.ts'

const [ec, other, rsa, ed] = await Promise.all(
  ['ES256', 'ES256', 'RS256', 'Ed25519'].map(async (alg) => publicJwk({}, alg)),
)
const set = (...keys: unknown[]): JSONWebKeySet => ({ keys }) as JSONWebKeySet

describe('a static key set', () => {
  it('returns the key with the kid of the token', async () => {
    const keys = staticKeySet(set({ ...ec, kid: 'a' }, { ...rsa, kid: 'b' }))
    expect((await keys.resolve({ alg: 'ES256', kid: 'a' })).algorithm.name).toBe('ECDSA')
    expect((await keys.resolve({ alg: 'PS256', kid: 'b' })).algorithm.name).toBe('RSA-PSS')
    expect((await keys.resolve({ alg: 'RS256', kid: 'b' })).algorithm.name).toBe('RSASSA-PKCS1-v1_5')
  })

  it('returns keys that cannot be exported, and the same one each time', async () => {
    const keys = staticKeySet(set({ ...ec, kid: 'a' }))
    const [first, second] = await Promise.all([
      keys.resolve({ alg: 'ES256', kid: 'a' }),
      keys.resolve({ alg: 'ES256', kid: 'a' }),
    ])
    expect(first.extractable).toBe(false)
    expect(second).toBe(first)
  })

  it('accepts the text of a set', async () => {
    await expect(staticKeySet(JSON.stringify(set(ec))).resolve({ alg: 'ES256' })).resolves.toBeInstanceOf(CryptoKey)
  })

  it.each([
    ['EdDSA', 'Ed25519'],
    ['Ed25519', 'EdDSA'],
  ])('accepts a key published for %s for a token of %s: two names of one algorithm', async (alg, tokenAlg) => {
    await expect(staticKeySet(set({ ...ed, alg })).resolve({ alg: tokenAlg })).resolves.toBeInstanceOf(CryptoKey)
  })

  it.each<[string, JSONWebKeySet, Record<string, string>, string]>([
    ['names an unknown kid', set({ ...ec, kid: 'a' }), { alg: 'ES256', kid: 'b' }, 'key_not_found'],
    ['names a kid of the prototype', set({ ...ec, kid: 'a' }), { alg: 'ES256', kid: '__proto__' }, 'key_not_found'],
    [
      'names a kid of a skipped member',
      set({ ...rsa, kid: 'b', use: 'enc' }, ec),
      { alg: 'RS256', kid: 'b' },
      'key_not_found',
    ],
    ['names no kid, and nothing fits', set(rsa), { alg: 'ES256' }, 'key_not_found'],
    ['names no kid, and two keys fit', set(ec, other), { alg: 'ES256' }, 'key_ambiguous'],
    [
      'names a kid of two keys',
      set({ ...ec, kid: 'a' }, { ...other, kid: 'a' }),
      { alg: 'ES256', kid: 'a' },
      'key_ambiguous',
    ],
    ['has an alg of another type', set({ ...rsa, kid: 'a' }), { alg: 'ES256', kid: 'a' }, 'algorithm_key_mismatch'],
    ['has an alg of another curve', set({ ...ec, kid: 'a' }), { alg: 'ES384', kid: 'a' }, 'algorithm_key_mismatch'],
    [
      'has an alg other than that of the key',
      set({ ...rsa, kid: 'a', alg: 'RS256' }),
      { alg: 'PS256', kid: 'a' },
      'algorithm_key_mismatch',
    ],
    ['has a symmetric alg', set({ ...rsa, kid: 'a' }), { alg: 'HS256', kid: 'a' }, 'algorithm_key_mismatch'],
    ['has alg none', set({ ...rsa, kid: 'a' }), { alg: 'none', kid: 'a' }, 'algorithm_key_mismatch'],
  ])('refuses a token that %s', async (_, jwks, header, code) => {
    await expect(staticKeySet(jwks).resolve({ alg: '', ...header })).rejects.toMatchObject({ code, status: 401 })
  })

  it('filters keys of one kid by algorithm', async () => {
    const keys = staticKeySet(set({ ...ec, kid: 'a' }, { ...rsa, kid: 'a' }))
    expect((await keys.resolve({ alg: 'RS256', kid: 'a' })).algorithm.name).toBe('RSASSA-PKCS1-v1_5')
  })

  it('reports ambiguous and skipped keys', async () => {
    const events: VerifierEvent[] = []
    const keys = staticKeySet(set(ec, other, { ...rsa, use: 'enc' }), { onEvent: (event) => void events.push(event) })
    await keys.resolve({ alg: 'ES256' }).catch(() => undefined)
    expect(events).toEqual([
      { type: 'key.skipped', reason: 'wrong_use', detail: '"use" of member 3' },
      { type: 'key.ambiguous', candidates: 2 },
    ])
  })

  it.each<[string, unknown]>([
    ['a secret', set(ec, { kty: 'oct', k: 'AAAA' })],
    ['a private key', set(ec, { ...rsa, d: 'AQ' })],
    ['no usable key', set({ ...rsa, use: 'enc' })],
    ['no key', set()],
    ['no keys array', { keys: {} }],
    ['inherited keys', Object.create(set(ec))],
    ['nothing', null],
    ['text that is not JSON', '{'],
    ['a member twice', '{"keys":[],"keys":[]}'],
    ['more keys than allowed', set(...Array.from({ length: 65 }, () => ec))],
  ])('is not created from a set with %s', (_, jwks) => {
    expect(() => staticKeySet(jwks as JSONWebKeySet)).toThrow(/^Cannot use JWK Set: /)
  })

  it('describes itself without key material', () => {
    expect(staticKeySet(set({ ...ec, kid: 'a' })).describe?.()).toBe('1 key given in the configuration: "a"')
  })
})

describe('parsing a JWK Set', () => {
  it.each<[string, string, string]>([
    ['a byte order mark', '\uFEFF{"keys":[]}', 'malformed'],
    ['HTML', '<html></html>', 'malformed'],
    ['a cut', '{"keys":[{"kty":"EC"', 'malformed'],
    ['an array', '[]', 'malformed'],
    ['null', 'null', 'malformed'],
    ['a duplicate member', '{"keys":[],"x":{"a":1,"a":2}}', 'malformed'],
    ['its keys twice', '{"keys":[],"keys":[{"kty":"EC"}]}', 'malformed'],
    ['a prototype', '{"__proto__":{"keys":[]}}', 'malformed'],
    ['deep nesting', `{"keys":[${'['.repeat(60)}${']'.repeat(60)}]}`, 'too_large'],
    ['10,000 keys', `{"keys":[${Array.from({ length: 10_000 }, () => '{}').join()}]}`, 'too_large'],
    ['65 keys', `{"keys":[${Array.from({ length: 65 }, () => '{}').join()}]}`, 'too_large'],
  ])('fails on %s', (_, text, reason) => {
    expect(() => parseJwkSet(text)).toThrow(expect.objectContaining({ name: 'FetchError', reason }))
  })

  it('reads as many keys as configured', () => {
    expect(parseJwkSet({ keys: Array.from({ length: 1000 }, () => ec) }, { maxKeys: 1000 }).size).toBe(1000)
  })

  it('counts skipped members and works with the others', () => {
    const parsed = parseJwkSet(set(ec, null, { kty: 'XYZ' }, { ...rsa, use: 'enc' }, { kty: 'oct' }))
    expect(parsed.size).toBe(1)
    expect(parsed.skipped).toEqual([
      { reason: 'malformed', detail: 'member 2' },
      { reason: 'unsupported_type', detail: '"kty" of member 3' },
      { reason: 'wrong_use', detail: '"use" of member 4' },
      { reason: 'symmetric', detail: '"kty" of member 5' },
    ])
  })

  it('exports public members only', () => {
    const [jwk] = parseJwkSet(set({ ...ec, kid: 'a', custom: 'x', alg: 'ES256' })).toJwks().keys
    expect(jwk).toEqual({ ...ec, kid: 'a', alg: 'ES256', use: 'sig' })
  })
})
