import { decodeBase64url } from '#bytes'

/**
 * Decodes canonical base64url (RFC 7515 section 2): no padding, no white space, no spare bits. `undefined` for anything else, and for text
 * longer than `longest` bytes encode to.
 */
export function bytesOf(text: unknown, longest: number): Uint8Array | undefined {
  if (typeof text !== 'string' || text.length > Math.ceil((longest * 4) / 3)) return undefined
  return decodeBase64url(text)
}

/**
 * Decodes key material as JOSE libraries do, if it is unambiguous: base64url or base64, with or without correct padding. `undefined` for
 * anything else, and for text longer than `longest` bytes encode to.
 */
export function materialBytes(text: unknown, longest: number): Uint8Array | undefined {
  if (typeof text !== 'string' || text.length > Math.ceil((longest * 4) / 3) + 2) return undefined
  const unpadded = text.length % 4 === 0 ? text.replace(/={1,2}$/, '') : text
  return bytesOf(unpadded.replaceAll('+', '-').replaceAll('/', '_'), longest)
}

/** The same number without leading zero bytes. */
export function withoutLeadingZeros(bytes: Uint8Array): Uint8Array {
  let first = 0
  while (bytes[first] === 0) first += 1
  return bytes.subarray(first)
}

/** The same number in exactly `length` bytes, or `undefined` for no bytes or a larger number. */
export function inBytes(bytes: Uint8Array | undefined, length: number): Uint8Array | undefined {
  if (bytes?.length === length || bytes === undefined) return bytes
  const number = withoutLeadingZeros(bytes)
  if (bytes.length === 0 || number.length > length) return undefined
  const padded = new Uint8Array(length)
  padded.set(number, length - number.length)
  return padded
}

/** Decodes an unsigned big-endian number (RFC 7518 section 2, Base64urlUInt). */
export function numberOf(bytes: Uint8Array): bigint {
  let hex = '0x0'
  for (const byte of bytes) hex += HEX[byte]
  return BigInt(hex)
}

const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

// y² = x³ - 3x + b over the integers modulo p (NIST SP 800-186 section 3.2.1).
const weierstrass: Readonly<Record<string, { readonly p: bigint; readonly b: bigint }>> = {
  'P-256': {
    p: 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n,
    b: 0x5ac635d8_aa3a93e7_b3ebbd55_769886bc_651d06b0_cc53b0f6_3bce3c3e_27d2604bn,
  },
  'P-384': {
    p: 2n ** 384n - 2n ** 128n - 2n ** 96n + 2n ** 32n - 1n,
    b: 0xb3312fa7_e23ee7e4_988e056b_e3f82d19_181d9c6e_fe814112_0314088f_5013875a_c656398d_8a2ed19d_2a85c8ed_d3ec2aefn,
  },
  'P-521': {
    p: 2n ** 521n - 1n,
    b: 0x51_953eb961_8e1c9a1f_929a21a0_b68540ee_a2da725b_99b315f3_b8b48991_8ef109e1_56193951_ec7e937b_1652c0bd_3bb1bf07_3573df88_3d2c34f1_ef451fd4_6b503f00n,
  },
}

/** Whether a point lies on a curve of RFC 7518 section 6.2.1.1. Not all runtimes check this at the same time. */
export function isOnCurve(crv: string, x: bigint, y: bigint): boolean {
  const curve = weierstrass[crv]
  if (!curve || x >= curve.p || y >= curve.p) return false
  return (y * y - (x * x * x - 3n * x + curve.b)) % curve.p === 0n
}

const P = 2n ** 255n - 19n
const D = 0x52036cee_2b6ffe73_8cc74079_7779e898_00700a4d_4141d8ab_75eb4dca_135978a3n
const ORDER_EIGHT = 0x7a03ac92_77fdc74e_c6cc392c_fa53202a_0f67100d_760b3cba_4fd84d3d_706a17c7n
// The y of every point of order 1, 2, 4 and 8. The sign of x is in the bit that is masked off.
const SMALL_ORDER: ReadonlySet<bigint> = new Set([1n, P - 1n, 0n, ORDER_EIGHT, P - ORDER_EIGHT])

/**
 * Whether 32 bytes are a safe Ed25519 public key (RFC 8032 section 5.1.3): a y below p, on the curve, and not of small order, because a
 * small-order key allows signatures to be forged without a private key.
 */
export function isEd25519Point(bytes: Uint8Array): boolean {
  // Little-endian, and the top bit is the sign of x.
  const y = numberOf(bytes.toReversed()) % 2n ** 255n
  if (y >= P || SMALL_ORDER.has(y)) return false
  // x² = u / v has a root exactly when u · v has one, which avoids the division.
  const u = y * y - 1n
  const v = D * y * y + 1n
  return jacobi((u * v) % P, P) === 1
}

// Jacobi symbol of a positive number and a prime that does not divide it: 1 for a square. By reciprocity as fast as a greatest common
// divisor, because key sets may contain a thousand keys.
function jacobi(numerator: bigint, denominator: bigint): number {
  let [a, n] = [numerator, denominator]
  let sign = 1
  while (a !== 0n) {
    while ((a & 1n) === 0n) {
      a >>= 1n
      const rest = n & 7n
      if (rest === 3n || rest === 5n) sign = -sign
    }
    if ((a & 3n) === 3n && (n & 3n) === 3n) sign = -sign
    ;[a, n] = [n % a, a]
  }
  return sign
}

const FEWEST_BITS = 2048
const MOST_BITS = 8192
const LARGEST_EXPONENT = 2n ** 32n

/**
 * The member that makes an RSA public key weak or too expensive, if any: fewer than 2048 (RFC 7518 section 3.3) or more than 8192 bits, an
 * exponent that is even, 1 or above 2^32, or the ROCA fingerprint (CVE-2017-15361).
 */
export function weakRsaMember(modulusBytes: Uint8Array, exponentBytes: Uint8Array): 'n' | 'e' | undefined {
  // Checked before any arithmetic, because key sets may contain a thousand absurdly large keys.
  const magnitude = withoutLeadingZeros(modulusBytes)
  const bits = magnitude.length * 8 - Math.clz32(magnitude[0] ?? 0) + 24
  if (bits < FEWEST_BITS || bits > MOST_BITS) return 'n'
  const modulus = numberOf(modulusBytes)
  const exponent = numberOf(exponentBytes)
  if (exponent < 3n || exponent % 2n === 0n || exponent > LARGEST_EXPONENT) return 'e'
  const hasRocaFingerprint = residues.every(([prime, powers]) => powers.has(Number(modulus % prime)))
  return modulus % 2n === 0n || hasRocaFingerprint ? 'n' : undefined
}

const SMALL_PRIMES = [
  3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109, 113,
  127, 131, 137, 139, 149, 151, 157, 163, 167,
]

// Infineon's primes are powers of 65537 modulo these, and so are their products; only one in 2^27 random moduli is.
const residues = SMALL_PRIMES.map((prime) => {
  const powers = new Set<number>()
  for (let value = 1; !powers.has(value); value = (value * 65_537) % prime) powers.add(value)
  return [BigInt(prime), powers] as const
})
