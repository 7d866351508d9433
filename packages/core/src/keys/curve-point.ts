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
  return modulo(y * y - (x * x * x - 3n * x + curve.b), curve.p) === 0n
}

const P = 2n ** 255n - 19n
const D = modulo(-121665n * inverse(121666n), P)

/**
 * Whether 32 bytes are an Ed25519 public key that can be trusted (RFC 8032 section 5.1.3): a y below p, on the curve,
 * and not of small order, under which signatures can be made up without a private key.
 */
export function isEd25519Point(bytes: Uint8Array): boolean {
  const littleEndian = bytes.toReversed()
  let y = 0n
  for (const [index, byte] of littleEndian.entries()) y = (y << 8n) | BigInt(index === 0 ? byte & 0x7f : byte)
  if (y >= P || !isSquare(xSquared(y))) return false
  return double(double(double(y))) !== 1n
}

function xSquared(y: bigint): bigint {
  return modulo((y * y - 1n) * inverse(D * y * y + 1n), P)
}

// Doubling needs only x², which y gives.
function double(y: bigint): bigint {
  const x2 = xSquared(y)
  const y2 = modulo(y * y, P)
  return modulo((y2 + x2) * inverse(1n - D * x2 * y2), P)
}

function isSquare(value: bigint): boolean {
  return value === 0n || power(value, (P - 1n) / 2n) === 1n
}

function inverse(value: bigint): bigint {
  return power(modulo(value, P), P - 2n)
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n
  let square = base
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % P
    square = (square * square) % P
  }
  return result
}

function modulo(value: bigint, by: bigint): bigint {
  const rest = value % by
  return rest < 0n ? rest + by : rest
}
