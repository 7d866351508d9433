import { describe, expect, it } from 'vitest'

import { fits, flawOfJwk } from '../../../../packages/core/src/keys/jwk/lint.ts'
import { publicJwk } from '../../../support/core/test-jwks.ts'

const [rsa, ec, ed] = await Promise.all(['RS256', 'ES256', 'Ed25519'].map(async (alg) => publicJwk({}, alg)))

describe('the flaw of a JWK names the member that shows it', () => {
  it.each<readonly [reason: string, member: string, jwk: unknown]>([
    ['malformed', 'kty', {}],
    ['symmetric', 'kty', { kty: 'oct' }],
    ['private_parts', 'dq', { ...rsa, dq: 'AQ' }],
    ['malformed', 'kid', { ...ec, kid: 7 }],
    ['malformed', 'alg', { ...ec, alg: 7 }],
    ['wrong_use', 'use', { ...ec, use: 'enc' }],
    ['malformed', 'key_ops', { ...ec, key_ops: 'verify' }],
    ['wrong_use', 'key_ops', { ...ec, key_ops: ['sign'] }],
    ['unsupported_algorithm', 'alg', { ...ec, alg: 'RS256' }],
    ['malformed', 'n', { ...rsa, n: '' }],
    ['malformed', 'e', { ...rsa, e: '' }],
    ['weak', 'n', { ...rsa, n: 'AQ' }],
    ['weak', 'e', { ...rsa, e: 'AQ' }],
    ['malformed', 'crv', { ...ec, crv: 7 }],
    ['unsupported_type', 'crv', { ...ec, crv: 'secp256k1' }],
    ['malformed', 'x', { ...ec, x: '' }],
    ['malformed', 'y', { ...ec, y: '' }],
    ['malformed', 'crv', { ...ed, crv: 7 }],
    ['unsupported_type', 'crv', { ...ed, crv: 'X25519' }],
    ['malformed', 'x', { ...ed, x: 'AQ' }],
    ['invalid_point', 'x', { ...ed, x: 'A'.repeat(43) }],
    ['malformed', 'alg', { kty: 'AKP', pub: 'AQ' }],
    ['unsupported_algorithm', 'alg', { kty: 'AKP', alg: 'ML-DSA-1', pub: 'AQ' }],
    ['malformed', 'pub', { kty: 'AKP', alg: 'ML-DSA-44', pub: 'AQ' }],
    ['unsupported_type', 'kty', { kty: 'XYZ' }],
  ])('%s: %s', (reason, member, jwk) => {
    expect(flawOfJwk(jwk)).toEqual({ reason, member })
  })

  it('unless the whole value, or two of its members, show it', () => {
    expect(flawOfJwk('key')).toEqual({ reason: 'malformed' })
    expect(flawOfJwk({ ...ec, y: ec?.x })).toEqual({ reason: 'invalid_point' })
  })
})

describe('an algorithm fits a key by type, curve and the algorithm of the key', () => {
  const [onP256, onEd25519] = [
    { kty: 'EC', crv: 'P-256' },
    { kty: 'OKP', crv: 'Ed25519' },
  ]

  it.each([
    [onP256, 'ES256', 'ES256', true],
    [onP256, 'ES256', undefined, true],
    [onP256, 'ES256', 'ES384', false],
    [onP256, 'ES256', 'EdDSA', false],
    [onEd25519, 'EdDSA', 'Ed25519', true],
    [onEd25519, 'Ed25519', 'EdDSA', true],
    [onEd25519, 'EdDSA', 'ES256', false],
    [onEd25519, 'ES256', 'ES256', false],
  ] as const)('%j for %s, published for %s: %s', (key, alg, only, fitting) => {
    expect(fits(key, alg, only)).toBe(fitting)
  })
})
