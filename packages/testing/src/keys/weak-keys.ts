import { generateKeyPairSync, type KeyPairKeyObjectResult } from 'node:crypto'

import { toBase64url } from './test-keys.ts'

/** A member of a JWK Set that must not be used. */
export interface WeakKey {
  /** What is wrong with it. Unique in the list. */
  readonly name: string
  /** Numbers of the requirements in the threat model: 7 unusable, 8 weak. */
  readonly requirement: readonly number[]
  /** The member of the set. Not typed as a JWK, because some are not even objects. */
  readonly jwk: unknown
  /** The private JWK that matches `jwk`, if there is one. */
  readonly privateJwk?: Readonly<Record<string, unknown>>
}

/**
 * Members of a JWK Set that a careful resource server skips while it still uses the rest of the set. If possible, they have the given
 * `kid` and a matching `alg`, so that their weakness is the only reason to skip them.
 *
 * @param kid @defaultValue 'weak-key'
 */
export function weakKeys(kid: string = 'weak-key'): readonly WeakKey[] {
  const rsa = { ...rsaJwk(2048).publicJwk, kid, alg: 'RS256', use: 'sig' }
  const ec = { ...ecPair().publicJwk, kid, alg: 'ES256', use: 'sig' }
  const okp = { ...okpJwk(), kid, alg: 'EdDSA', use: 'sig' }
  return [...weakRsa(rsa), ...weakCurves(ec, okp), ...unusable(kid, rsa, ec, okp), ...malformed(kid, rsa, ec)]
}

type Jwk = Readonly<Record<string, unknown>>

function weakRsa(rsa: Jwk): readonly WeakKey[] {
  const small = rsaJwk(1024)
  const almost = rsaJwk(2040)
  const [p, q] = rocaFactors()
  const roca = { ...rsa, n: fromNumber(p * q), e: 'AQAB' }
  const weak = (name: string, jwk: Jwk, privateJwk?: Jwk): WeakKey => ({
    name,
    requirement: [8],
    jwk,
    ...(privateJwk === undefined ? {} : { privateJwk }),
  })
  return [
    weak('RSA of 1024 bits', { ...rsa, ...small.publicJwk }, small.privateJwk),
    weak('RSA of 2040 bits', { ...rsa, ...almost.publicJwk }, almost.privateJwk),
    weak('RSA of 1024 bits behind leading zeros', { ...rsa, n: padded(small.publicJwk['n'], 256) }, small.privateJwk),
    weak('RSA of 16384 bits', { ...rsa, n: toBase64url(new Uint8Array(2048).fill(0xa5)) }),
    weak('RSA with an even modulus', { ...rsa, n: fromNumber((p * q) & ~1n) }),
    weak('RSA with e = 0', { ...rsa, e: 'AA' }),
    weak('RSA with e = 1', { ...rsa, e: 'AQ' }),
    weak('RSA with e = 1 behind leading zeros', { ...rsa, e: 'AAAB' }),
    weak('RSA with e = 2', { ...rsa, e: 'Ag' }),
    weak('RSA with e = 65536', { ...rsa, e: 'AQAA' }),
    weak('RSA with e = 2^32 + 1', { ...rsa, e: fromNumber(2n ** 32n + 1n) }),
    weak('RSA with e = 2^33 + 1', { ...rsa, e: fromNumber(2n ** 33n + 1n) }),
    weak('RSA with the ROCA fingerprint', roca, { ...roca, ...privateMembers(p, q) }),
  ]
}

function weakCurves(ec: Jwk, okp: Jwk): readonly WeakKey[] {
  const weak = (name: string, jwk: Jwk): WeakKey => ({ name, requirement: [8], jwk })
  return [
    weak('EC point that is not on its curve', { ...ec, y: flippedLastBit(ec['y']) }),
    weak('EC point 0, 0', { ...ec, x: zeros(32), y: zeros(32) }),
    weak('EC coordinate beyond the field', { ...ec, x: toBase64url(new Uint8Array(32).fill(0xff)) }),
    // A leading zero byte would not be a weakness, because most libraries add or strip it.
    weak('EC coordinate cut short', { ...ec, x: toBase64url(bytes(ec['x']).subarray(2)), y: ec['x'] }),
    weak('EC coordinate one byte long', { ...ec, x: toBase64url(Buffer.concat([Buffer.of(1), bytes(ec['x'])])) }),
    weak('EC coordinates swapped', { ...ec, x: ec['y'], y: ec['x'] }),
    weak('EC key of another curve', { ...ec, crv: 'P-384' }),
    weak('Ed25519 key one byte short', { ...okp, x: toBase64url(bytes(okp['x']).subarray(1)) }),
    weak('Ed25519 key one byte long', { ...okp, x: padded(okp['x'], 33) }),
  ]
}

function unusable(kid: string, rsa: Jwk, ec: Jwk, okp: Jwk): readonly WeakKey[] {
  const { publicJwk, privateJwk } = ecPair()
  const leaked = { ...publicJwk, ...privateJwk, kid, alg: 'ES256', use: 'sig' }
  const unfit = (name: string, jwk: Jwk, signer?: Jwk): WeakKey => ({
    name,
    requirement: [7],
    jwk,
    ...(signer === undefined ? {} : { privateJwk: signer }),
  })
  return [
    unfit('oct key', { kty: 'oct', k: toBase64url(new Uint8Array(32).fill(7)), kid, alg: 'HS256', use: 'sig' }),
    unfit('EC key with its private member', leaked, leaked),
    unfit('RSA key with a private member', { ...rsa, d: rsa['n'] }),
    unfit('use enc', { ...ec, use: 'enc' }, { ...privateJwk, kid, alg: 'ES256' }),
    unfit('use of another letter case', { ...ec, use: 'SIG' }),
    unfit('key_ops without verify', { ...ec, key_ops: ['encrypt', 'wrapKey'] }),
    unfit('unknown kty', { ...ec, kty: 'XYZ' }),
    unfit('kty of another letter case', { ...ec, kty: 'ec' }),
    unfit('unknown crv', { ...ec, crv: 'P-192' }),
    unfit('OKP key for encryption', { ...okp, crv: 'X25519' }),
    unfit('alg of another type', { ...ec, alg: 'RS256' }),
    unfit('alg of encryption', { ...rsa, alg: 'RSA-OAEP-256' }),
    unfit('alg none', { ...ec, alg: 'none' }),
  ]
}

function malformed(kid: string, rsa: Jwk, ec: Jwk): readonly WeakKey[] {
  const { kty: _, ...withoutType } = ec
  const { n: __, ...withoutModulus } = rsa
  const { y: ___, ...withoutY } = ec
  return (
    [
      ['null', null],
      ['a number', 42],
      ['a string', 'key'],
      ['an array', [ec]],
      ['an empty object', {}],
      ['a kid alone', { kid }],
      ['no kty', withoutType],
      ['kty is a number', { ...ec, kty: 1 }],
      ['no modulus', withoutModulus],
      ['modulus is a number', { ...rsa, n: 65537 }],
      ['modulus is empty', { ...rsa, n: '' }],
      ['modulus is not base64url', { ...rsa, n: '*'.repeat(342) }],
      ['exponent is an array', { ...rsa, e: ['AQAB'] }],
      ['no y', withoutY],
      ['x is null', { ...ec, x: null }],
      ['x has padding in the middle', { ...ec, x: `${String(ec['x']).slice(0, 20)}=${String(ec['x']).slice(21)}` }],
      ['alg is an object', { ...ec, alg: {} }],
      ['key_ops is a string', { ...ec, key_ops: 'verify' }],
    ] as const
  ).map(([name, jwk]) => ({ name: `malformed: ${name}`, requirement: [7], jwk }))
}

interface JwkPair {
  readonly publicJwk: Jwk
  readonly privateJwk: Jwk
}

const pairs = new Map<string, JwkPair>()

function cached(name: string, generate: () => KeyPairKeyObjectResult): JwkPair {
  const known = pairs.get(name)
  if (known !== undefined) return known
  const { publicKey, privateKey } = generate()
  const pair = {
    publicJwk: publicKey.export({ format: 'jwk' }) as Jwk,
    privateJwk: privateKey.export({ format: 'jwk' }) as Jwk,
  }
  pairs.set(name, pair)
  return pair
}

function rsaJwk(modulusLength: number): JwkPair {
  return cached(`RSA ${modulusLength}`, () => generateKeyPairSync('rsa', { modulusLength }))
}

function ecPair(): JwkPair {
  return cached('EC', () => generateKeyPairSync('ec', { namedCurve: 'P-256' }))
}

function okpJwk(): Jwk {
  return cached('OKP', () => generateKeyPairSync('ed25519')).publicJwk
}

function privateMembers(p: bigint, q: bigint): Jwk {
  const d = inverse(65537n, (p - 1n) * (q - 1n))
  const members = { d, p, q, dp: d % (p - 1n), dq: d % (q - 1n), qi: inverse(q, p) }
  return Object.fromEntries(Object.entries(members).map(([name, value]) => [name, fromNumber(value)]))
}

function inverse(value: bigint, modulus: bigint): bigint {
  let [a, b, x, y] = [value % modulus, modulus, 1n, 0n]
  while (b > 0n) [a, b, x, y] = [b, a % b, y, x - (a / b) * y]
  return ((x % modulus) + modulus) % modulus
}

function fromNumber(value: bigint): string {
  const hex = value.toString(16)
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex').toString('base64url')
}

function bytes(value: unknown): Buffer {
  return Buffer.from(String(value), 'base64url')
}

function zeros(length: number): string {
  return toBase64url(new Uint8Array(length))
}

function padded(value: unknown, length: number): string {
  const own = bytes(value)
  return toBase64url(Buffer.concat([Buffer.alloc(length - own.length), own]))
}

function flippedLastBit(value: unknown): string {
  const flipped = bytes(value)
  flipped.writeUInt8(flipped.readUInt8(flipped.length - 1) ^ 1, flipped.length - 1)
  return toBase64url(flipped)
}

const PRIMES = primes(126)

// Primes in the form of vulnerable ROCA keys: k * M + (65537 ** a mod M), where M is the product of the first 126 primes (Nemec and
// others, "The Return of Coppersmith's Attack", 2017, section 2). They were found by a search.
const FACTORS = [
  { k: 6926126347381688n, a: 20171n },
  { k: 6925797873283798n, a: 31415n },
] as const

/** The two primes of a 2048-bit RSA modulus with the fingerprint of CVE-2017-15361. */
export function rocaFactors(): readonly [bigint, bigint] {
  const product = PRIMES.reduce((all, prime) => all * prime, 1n)
  const factor = ({ k, a }: { k: bigint; a: bigint }): bigint => k * product + power(65537n, a, product)
  return [factor(FACTORS[0]), factor(FACTORS[1])]
}

/** Whether a modulus has the ROCA fingerprint: modulo every small prime, it is in the group that 65537 generates. */
export function hasRocaFingerprint(modulus: bigint): boolean {
  return PRIMES.slice(1, 39).every((prime) => generated(prime).has(modulus % prime))
}

function generated(prime: bigint): ReadonlySet<bigint> {
  const group = new Set<bigint>()
  for (let member = 1n; !group.has(member); member = (member * 65537n) % prime) group.add(member)
  return group
}

function primes(count: number): readonly bigint[] {
  const found: bigint[] = []
  for (let next = 2n; found.length < count; next++) {
    if (found.every((prime) => next % prime !== 0n)) found.push(next)
  }
  return found
}

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n
  for (let square = base % modulus, rest = exponent; rest > 0n; rest >>= 1n, square = (square * square) % modulus) {
    if (rest & 1n) result = (result * square) % modulus
  }
  return result
}
