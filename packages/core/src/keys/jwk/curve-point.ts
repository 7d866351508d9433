/** y² = x³ - 3x + b over the integers modulo p (NIST SP 800-186 section 3.2.1). */
interface WeierstrassCurve {
  readonly p: bigint
  readonly b: bigint
}

const weierstrass: Readonly<Record<string, WeierstrassCurve>> = {
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

/** Whether a point lies on a curve of RFC 7518 section 6.2.1.1. Runtimes differ in when they notice that it does not. */
export function isOnCurve(crv: string, x: bigint, y: bigint): boolean {
  const curve = weierstrass[crv]
  if (!curve || x >= curve.p || y >= curve.p) return false
  return (y * y - (x * x * x - 3n * x + curve.b)) % curve.p === 0n
}

const P = 2n ** 255n - 19n
const D = 0x52036cee_2b6ffe73_8cc74079_7779e898_00700a4d_4141d8ab_75eb4dca_135978a3n
const ORDER_EIGHT = 0x7a03ac92_77fdc74e_c6cc392c_fa53202a_0f67100d_760b3cba_4fd84d3d_706a17c7n
// The y of every point of order 1, 2, 4 and 8; the other sign of x is in the bit that is masked off.
const SMALL_ORDER: ReadonlySet<bigint> = new Set([1n, P - 1n, 0n, ORDER_EIGHT, P - ORDER_EIGHT])

/**
 * Whether 32 bytes are an Ed25519 public key that can be trusted (RFC 8032 section 5.1.3): a y below p, on the curve,
 * and not of small order, under which signatures can be made up without a private key.
 */
export function isEd25519Point(bytes: Uint8Array): boolean {
  let y = 0n
  for (const [index, byte] of bytes.toReversed().entries()) y = (y << 8n) | BigInt(index === 0 ? byte & 0x7f : byte)
  if (y >= P || SMALL_ORDER.has(y)) return false
  // x² = u / v has a root exactly when u · v has one, which needs no division.
  const u = y * y - 1n
  const v = D * y * y + 1n
  return jacobi((u * v) % P, P) === 1
}

// Of a positive number and a prime that does not divide it: 1 for a square. By reciprocity, as fast as a greatest common
// divisor: key sets may hold a thousand keys.
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
