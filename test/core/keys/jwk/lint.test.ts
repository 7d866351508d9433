import { describe, expect, it } from 'vitest'

import { bytesOf, isEd25519Point, isOnCurve, numberOf } from '../../../../packages/core/src/keys/jwk/key-material.ts'
import { lintJwk, publicMaterial } from '../../../../packages/core/src/keys/jwk/lint.ts'
import { publicJwk } from '../../../support/core/test-jwks.ts'

const [rsa, ec, p384, p521, ed] = await Promise.all(
  ['RS256', 'ES256', 'ES384', 'ES512', 'Ed25519'].map(async (alg) => publicJwk({}, alg)),
)
const base64url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
const bytesFrom = (text = ''): Uint8Array => bytesOf(text, 4096) ?? new Uint8Array()
const base64 = (text: unknown): string => btoa(String.fromCharCode(...bytesFrom(String(text))))
const bytes = (value: bigint): Uint8Array => {
  const hex = value.toString(16)
  const even = hex.length % 2 ? `0${hex}` : hex
  return Uint8Array.from(even.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
}
const numberText = (value: bigint): string => base64url(bytes(value))
const edText = (y: bigint): string =>
  base64url(Uint8Array.from({ length: 32 }, (_, index) => Number((y >> BigInt(8 * index)) & 255n)))
const P = 2n ** 255n - 19n
const ORDER_8 = 0x7a03ac92_77fdc74e_c6cc392c_fa53202a_0f67100d_760b3cba_4fd84d3d_706a17c7n
const zero32 = base64url(new Uint8Array(32))

// A product like that of vulnerable smart cards: k·M + (65537^a mod M), with M the product of small primes.
function rocaModulus(): bigint {
  let product = 1n
  for (const prime of primes(167)) product *= BigInt(prime)
  let power = 1n
  for (let turn = 0; turn < 12_345; turn += 1) power = (power * 65_537n) % product
  let modulus = ((1n << 2047n) / product + 1n) * product + power
  if (modulus % 2n === 0n) modulus += product
  return modulus
}

function primes(most: number): number[] {
  return Array.from({ length: most + 1 }, (_, n) => n).filter(
    (n) => n > 2 && Array.from({ length: n }, (_, d) => d).every((d) => d < 2 || n % d !== 0),
  )
}

describe('a member of a JWK Set that may verify signatures', () => {
  it.each<[string, unknown]>([
    ['RSA', rsa],
    ['EC P-256', ec],
    ['EC P-384', p384],
    ['EC P-521', p521],
    ['OKP Ed25519', ed],
    ['EC with its own algorithm', { ...ec, alg: 'ES256' }],
    ['EC for signatures', { ...ec, use: 'sig', key_ops: ['verify'] }],
    ['OKP under its older name', { ...ed, alg: 'EdDSA' }],
    ['EC with unknown members', { ...ec, 'x5t#S256': 'x', custom: {} }],
    ['ML-DSA-44', { kty: 'AKP', alg: 'ML-DSA-44', pub: base64url(new Uint8Array(1312)) }],
    ['ML-DSA-65', { kty: 'AKP', alg: 'ML-DSA-65', pub: base64url(new Uint8Array(1952)) }],
    ['ML-DSA-87', { kty: 'AKP', alg: 'ML-DSA-87', pub: base64url(new Uint8Array(2592)) }],
    ['EC with the longest kid', { ...ec, kid: 'k'.repeat(1024) }],
    ['EC for more than verifying', { ...ec, key_ops: ['sign', 'verify'] }],
    ['RSA with the curve of another key', { ...rsa, crv: 'P-256', alg: 'RS256' }],
    ['RSA for PSS', { ...rsa, alg: 'PS512' }],
    ['RSA with an exponent of 2^32 - 1', { ...rsa, e: numberText(2n ** 32n - 1n) }],
    [
      'RSA of the largest size with leading zeros',
      { ...rsa, n: base64url(Uint8Array.from([0, 0, ...bytes(2n ** 8192n - 1n)])) },
    ],
    ['RSA in base64 with padding', { ...rsa, n: base64(rsa?.n), e: 'AAEAAQ==' }],
    ['EC in base64 with padding', { ...ec, x: base64(ec?.x), y: base64(ec?.y) }],
    ['Ed25519 in base64 with padding', { ...ed, x: base64(ed?.x) }],
    ['EC with an extra leading zero', { ...ec, x: base64url(Uint8Array.of(0, ...bytesFrom(ec?.x))) }],
    ['EC with members that are null', { ...ec, use: null, alg: null, kid: null, key_ops: null, d: null, k: null }],
    [
      'RSA with private members that are null or empty',
      { ...rsa, d: null, p: null, q: null, dp: null, dq: null, qi: null, oth: [] },
    ],
    ['RSA with key_ops that are empty', { ...rsa, key_ops: [], x5c: null }],
    [
      'RSA with leading zeros in its modulus',
      { ...rsa, n: base64url(Uint8Array.from([0, ...bytes(2n ** 2048n - 1n)])) },
    ],
  ])('%s has no flaw', (_, jwk) => {
    expect(lintJwk(jwk)).toBeUndefined()
  })

  it('accepts keys of many implementations', async () => {
    for (let turn = 0; turn < 100; turn += 1) {
      expect(lintJwk(await publicJwk({}, 'Ed25519'))).toBeUndefined()
      expect(lintJwk(await publicJwk({}, 'ES512'))).toBeUndefined()
    }
  })
})

describe('a member of a JWK Set is skipped', () => {
  it.each<[string, unknown, string]>([
    ['no object', null, 'malformed'],
    ['an array', [ec], 'malformed'],
    ['text', 'key', 'malformed'],
    ['without kty', { ...ec, kty: undefined }, 'malformed'],
    ['with a kid that is not text', { ...ec, kid: 1 }, 'malformed'],
    ['with a kid that is too long', { ...ec, kid: 'k'.repeat(1025) }, 'malformed'],
    ['with an alg that is not text', { ...ec, alg: [] }, 'malformed'],
    ['with key_ops that are not a list', { ...ec, key_ops: 'verify' }, 'malformed'],
    ['symmetric', { kty: 'oct', k: 'AAAA' }, 'symmetric'],
    ['with a private exponent', { ...rsa, d: 'AQ' }, 'private_parts'],
    ['with a private prime', { ...rsa, p: 'AQ' }, 'private_parts'],
    ['with a private scalar', { ...ec, d: 'AQ' }, 'private_parts'],
    ...['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'].map((name): [string, unknown, string] => [
      `with the private member ${name}`,
      { ...rsa, [name]: 'AQ' },
      'private_parts',
    ]),
    ['with other primes', { ...rsa, oth: [{ r: 'AQ', d: 'AQ', t: 'AQ' }] }, 'private_parts'],
    ['with a private member that is empty', { ...rsa, d: '' }, 'private_parts'],
    ['with a private member that is an empty list', { ...rsa, d: [] }, 'private_parts'],
    ['whose kty is null', { ...rsa, kty: null }, 'malformed'],
    ['whose modulus is null', { ...rsa, n: null }, 'malformed'],
    ['whose curve is null', { ...ec, crv: null }, 'malformed'],
    ['with a private member and a wrong use', { ...rsa, d: 'AQ', use: 'enc' }, 'private_parts'],
    ['without curve, of OKP', { ...ed, crv: undefined }, 'malformed'],
    ['of AKP without alg', { kty: 'AKP', pub: 'AA' }, 'malformed'],
    ['of AKP with an alg of RSA', { kty: 'AKP', alg: 'RS256', pub: 'AA' }, 'unsupported_algorithm'],
    [
      'with an ML-DSA key too long',
      { kty: 'AKP', alg: 'ML-DSA-44', pub: base64url(new Uint8Array(1313)) },
      'malformed',
    ],
    [
      'with an ML-DSA key of another size',
      { kty: 'AKP', alg: 'ML-DSA-65', pub: base64url(new Uint8Array(1312)) },
      'malformed',
    ],
    ['with a modulus of zeros', { ...rsa, n: base64url(new Uint8Array(256)) }, 'weak'],
    ['with an empty exponent', { ...rsa, e: '' }, 'malformed'],
    ['with an exponent that is missing', { ...rsa, e: undefined }, 'malformed'],
    ['of twice the size allowed', { ...rsa, n: base64url(new Uint8Array(2048).fill(255)) }, 'weak'],
    ['of more than twice the size allowed', { ...rsa, n: base64url(new Uint8Array(2049).fill(255)) }, 'malformed'],
    ['with an exponent of 2^32', { ...rsa, e: numberText(2n ** 32n) }, 'weak'],
    ['with an x beyond its field', { ...ec, x: base64url(new Uint8Array(32).fill(255)) }, 'invalid_point'],
    ['with a y beyond its field', { ...ec, y: base64url(new Uint8Array(32).fill(255)) }, 'invalid_point'],
    ['without y', { ...ec, y: undefined }, 'malformed'],
    ['without x', { ...ec, x: undefined }, 'malformed'],
    ['of only a private member', { d: 'AQ' }, 'malformed'],
    ['with a secret', { ...rsa, k: 'AQ' }, 'private_parts'],
    ['with a private seed', { kty: 'AKP', alg: 'ML-DSA-44', pub: 'AA', priv: 'AA' }, 'private_parts'],
    ['for encryption', { ...rsa, use: 'enc' }, 'wrong_use'],
    ['for signing only', { ...rsa, key_ops: ['sign'] }, 'wrong_use'],
    ['of an unknown type', { kty: 'XYZ' }, 'unsupported_type'],
    ['on an unsupported curve', { ...ec, crv: 'secp256k1' }, 'unsupported_type'],
    ['on a curve with the name of a prototype member', { ...ec, crv: '__proto__' }, 'unsupported_type'],
    ['for key agreement', { ...ed, crv: 'X25519' }, 'unsupported_type'],
    ['without curve', { ...ec, crv: undefined }, 'malformed'],
    ['for encryption by alg', { ...rsa, alg: 'RSA-OAEP' }, 'unsupported_algorithm'],
    ['with alg none', { ...rsa, alg: 'none' }, 'unsupported_algorithm'],
    ['with an alg of another type', { ...rsa, alg: 'ES256' }, 'unsupported_algorithm'],
    ['with an alg of another curve', { ...ec, alg: 'ES384' }, 'unsupported_algorithm'],
    ['with the alg of a secret', { ...rsa, alg: 'HS256' }, 'unsupported_algorithm'],
    ['with an unknown AKP alg', { kty: 'AKP', alg: 'ML-DSA-1', pub: 'AA' }, 'unsupported_algorithm'],
    ['with an ML-DSA key too short', { kty: 'AKP', alg: 'ML-DSA-44', pub: 'AA' }, 'malformed'],
    ['with a modulus that is not text', { ...rsa, n: 5 }, 'malformed'],
    ['with an empty modulus', { ...rsa, n: '' }, 'malformed'],
    ['with a padded exponent', { ...rsa, e: 'AQAB=' }, 'malformed'],
    ['with an exponent of spare bits', { ...rsa, e: 'AR' }, 'malformed'],
    ['with a modulus in a third alphabet', { ...rsa, n: `~${rsa?.n?.slice(1)}` }, 'malformed'],
    ['with white space in its modulus', { ...rsa, n: ` ${rsa?.n?.slice(1)}` }, 'malformed'],
    ['with two padding signs instead of one', { ...ec, x: `${ec?.x}==` }, 'malformed'],
    ['with only padding', { ...rsa, n: '====' }, 'malformed'],
    ['with e = 1', { ...rsa, e: 'AQ' }, 'weak'],
    ['with e = 0', { ...rsa, e: 'AA' }, 'weak'],
    ['with an even e', { ...rsa, e: numberText(65_536n) }, 'weak'],
    ['with e above 2^32', { ...rsa, e: numberText(2n ** 32n + 1n) }, 'weak'],
    ['of 2047 bits', { ...rsa, n: numberText(2n ** 2047n - 1n) }, 'weak'],
    ['of 8193 bits', { ...rsa, n: numberText(2n ** 8192n + 1n) }, 'weak'],
    ['with an even modulus', { ...rsa, n: numberText(2n ** 2047n + 2n) }, 'weak'],
    ['with the ROCA fingerprint', { ...rsa, n: numberText(rocaModulus()) }, 'weak'],
    ['of excessive size', { ...rsa, n: 'A'.repeat(100_000) }, 'malformed'],
    ['with a truncated coordinate', { ...ec, x: base64url(Uint8Array.of(1, 2, 3)) }, 'invalid_point'],
    ['with an empty coordinate', { ...ec, x: '' }, 'malformed'],
    ['with a coordinate too long', { ...ec, y: base64url(new Uint8Array(33).fill(1)) }, 'malformed'],
    ['with coordinates of another curve', { ...p384, crv: 'P-256' }, 'malformed'],
    ['with a point that is not on its curve', { ...ec, y: ec?.x }, 'invalid_point'],
    ['off P-384', { ...p384, y: p384?.x }, 'invalid_point'],
    ['off P-521', { ...p521, y: p521?.x }, 'invalid_point'],
    ['at the origin', { ...ec, x: zero32, y: zero32 }, 'invalid_point'],
    ['of small order: 1', { ...ed, x: edText(1n) }, 'invalid_point'],
    ['of small order: 2', { ...ed, x: edText(P - 1n) }, 'invalid_point'],
    ['of small order: 4', { ...ed, x: zero32 }, 'invalid_point'],
    ['of small order: 8', { ...ed, x: edText(ORDER_8) }, 'invalid_point'],
    ['of small order: 8, the other', { ...ed, x: edText(P - ORDER_8) }, 'invalid_point'],
    ['of small order: 1, with a sign', { ...ed, x: edText(1n | (1n << 255n)) }, 'invalid_point'],
    ['of a y that is not reduced', { ...ed, x: edText(P + 3n) }, 'invalid_point'],
    ['of the y of p', { ...ed, x: edText(P) }, 'invalid_point'],
    ['of an OKP without x', { ...ed, x: undefined }, 'malformed'],
    ['of an ML-DSA without pub', { kty: 'AKP', alg: 'ML-DSA-44' }, 'malformed'],
    ['off Ed25519', { ...ed, x: edText(2n) }, 'invalid_point'],
    ['with an Ed25519 key too short', { ...ed, x: 'AAAA' }, 'malformed'],
  ])('if it is one %s', (_, member, flaw) => {
    expect(lintJwk(member)).toBe(flaw)
  })

  it('but not if its exponent is 3, or its size at a limit', () => {
    expect(lintJwk({ ...rsa, e: 'Aw' })).toBeUndefined()
    expect(lintJwk({ ...rsa, n: numberText(2n ** 2048n - 1n) })).toBeUndefined()
    expect(lintJwk({ ...rsa, n: numberText(2n ** 8192n - 1n) })).toBeUndefined()
  })
})

describe('the public material of a member', () => {
  it('contains only what defines the key', () => {
    expect(publicMaterial({ ...ec, kid: 'a', ext: true, custom: 1, d: null })).toEqual({
      kty: 'EC',
      crv: 'P-256',
      x: ec?.x,
      y: ec?.y,
    })
  })

  it('is canonical, whatever the spelling of the member', () => {
    const zero = (text: unknown): string => base64url(Uint8Array.of(0, 0, ...bytesFrom(String(text))))
    const spelled = (member: object | undefined, spell: (text: unknown) => string, names: readonly string[]) => ({
      ...member,
      ...Object.fromEntries(names.map((name) => [name, spell((member as Record<string, unknown>)[name])])),
    })
    for (const spell of [base64, zero]) {
      expect(publicMaterial(spelled(rsa, spell, ['n', 'e']))).toEqual(publicMaterial({ ...rsa }))
      for (const key of [ec, p384, p521])
        expect(publicMaterial(spelled(key, spell, ['x', 'y']))).toEqual(publicMaterial({ ...key }))
    }
    expect(publicMaterial(spelled(ed, base64, ['x']))).toEqual(publicMaterial({ ...ed }))
    expect(publicMaterial({ ...rsa })).toMatchObject({ n: rsa?.n, e: 'AQAB' })
  })

  it('has coordinates of full length, even if the published ones lack leading zeros', async () => {
    for (const [alg, length] of [
      ['ES256', 32],
      ['ES384', 48],
      ['ES512', 66],
    ] as const) {
      const key = await keyWithZero(alg)
      const short = { ...key, x: base64url(bytesFrom(key.x).subarray(1)) }
      expect(lintJwk(short)).toBeUndefined()
      expect(publicMaterial(short)).toEqual(publicMaterial({ ...key }))
      expect(bytesFrom(publicMaterial(short).x)).toHaveLength(length)
    }
  })
})

/** A key whose x starts with a zero byte: one in 256 does, and every second one of P-521. */
async function keyWithZero(alg: string): Promise<Awaited<ReturnType<typeof publicJwk>>> {
  for (;;) {
    const key = await publicJwk({}, alg)
    if (bytesFrom(key.x)[0] === 0) return key
  }
}

describe('the public material of an ML-DSA key', () => {
  it('is only its public half', () => {
    expect(publicMaterial({ kty: 'AKP', alg: 'ML-DSA-44', pub: 'AA', priv: 'AA' })).toEqual({
      kty: 'AKP',
      pub: 'AA',
    })
  })
})

describe('the points of a curve', () => {
  // The base points of NIST SP 800-186, and their negatives.
  it.each([
    [
      'P-256',
      0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296n,
      0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5n,
      2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n,
    ],
    [
      'P-384',
      0xaa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7n,
      0x3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5fn,
      2n ** 384n - 2n ** 128n - 2n ** 96n + 2n ** 32n - 1n,
    ],
  ])('include the base point of %s and its negative, in one spelling', (crv, x, y, p) => {
    expect([isOnCurve(crv, x, y), isOnCurve(crv, x, p - y)]).toEqual([true, true])
    expect([isOnCurve(crv, x + p, y), isOnCurve(crv, x, y + p), isOnCurve(crv, p, y), isOnCurve(crv, x, p)]).toEqual(
      Array(4).fill(false),
    )
    expect([isOnCurve(crv, x, y + 1n), isOnCurve(crv, x + 1n, y), isOnCurve('P-999', x, y)]).toEqual(
      Array(3).fill(false),
    )
  })

  it('are also in one spelling if x is zero', () => {
    const p = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n
    const b = 0x5ac635d8_aa3a93e7_b3ebbd55_769886bc_651d06b0_cc53b0f6_3bce3c3e_27d2604bn
    let [root, base] = [1n, b]
    for (let exponent = (p + 1n) / 4n; exponent > 0n; exponent >>= 1n) {
      if ((exponent & 1n) === 1n) root = (root * base) % p
      base = (base * base) % p
    }
    expect([isOnCurve('P-256', 0n, root), isOnCurve('P-256', p, root)]).toEqual([true, false])
  })

  it('of Ed25519 are about half of all numbers below p', () => {
    const on = Array.from({ length: 20 }, (_, y) => y).filter((y) =>
      isEd25519Point(Uint8Array.from({ length: 32 }, (_unused, index) => (index === 0 ? y : 0))),
    )
    expect(on).toMatchInlineSnapshot(`
      [
        3,
        4,
        5,
        6,
        9,
        10,
        14,
        15,
        16,
        18,
        19,
      ]
    `)
  })
})

describe('bytes in base64url', () => {
  it('are limited to the requested length, in canonical form', () => {
    const listed = (text: unknown, longest: number): readonly number[] | undefined => {
      const found = bytesOf(text, longest)
      return found && [...found]
    }
    expect(listed('AQID', 3)).toEqual([1, 2, 3])
    expect(listed('AQIDBA', 4)).toEqual([1, 2, 3, 4])
    expect(listed('', 0)).toEqual([])
    for (const text of ['AQIDBA', 'AQID=', 'AQI', 'AR', 'A', 'A+I', 7, undefined])
      expect([text, listed(text, 3)]).toEqual([text, text === 'AQI' ? [1, 2] : undefined])
  })

  it('are a number, the first byte highest', () => {
    expect([numberOf(Uint8Array.of()), numberOf(Uint8Array.of(1, 0, 10)), numberOf(Uint8Array.of(0, 255))]).toEqual([
      0n,
      65_546n,
      255n,
    ])
  })
})
