import { numberOf } from './jwk-bytes.ts'

const FEWEST_BITS = 2048
const MOST_BITS = 8192
const LARGEST_EXPONENT = 2n ** 32n

/**
 * Which member of an RSA public key makes it weak: it offers too little (RFC 7518 section 3.3 asks for 2048 bits) or asks too much. Fewer
 * than 2048 or more than 8192 bits, an exponent that is even, 1 or above 2^32, or the ROCA fingerprint (CVE-2017-15361).
 */
export function weakRsaMember(modulusBytes: Uint8Array, exponentBytes: Uint8Array): 'n' | 'e' | undefined {
  // Before anything is computed with it: key sets may hold a thousand absurdly large ones.
  const bits = bitLength(modulusBytes)
  if (bits < FEWEST_BITS || bits > MOST_BITS) return 'n'
  const modulus = numberOf(modulusBytes)
  const exponent = numberOf(exponentBytes)
  if (exponent < 3n || exponent % 2n === 0n || exponent > LARGEST_EXPONENT) return 'e'
  return modulus % 2n === 0n || hasRocaFingerprint(modulus) ? 'n' : undefined
}

function bitLength(bytes: Uint8Array): number {
  const first = bytes.findIndex((byte) => byte !== 0)
  return first < 0 ? 0 : (bytes.length - first) * 8 - Math.clz32(bytes[first] ?? 0) + 24
}

const SMALL_PRIMES = [
  3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109, 113,
  127, 131, 137, 139, 149, 151, 157, 163, 167,
]

// Infineon's primes are powers of 65537 modulo these, and so are their products; of random moduli one in 2^27 is.
function hasRocaFingerprint(modulus: bigint): boolean {
  return residues.every(([prime, powers]) => powers.has(Number(modulus % prime)))
}

const residues = SMALL_PRIMES.map((prime) => [BigInt(prime), powersOf65537(prime)] as const)

function powersOf65537(prime: number): ReadonlySet<number> {
  const powers = new Set<number>()
  for (let value = 1; !powers.has(value); value = (value * 65_537) % prime) powers.add(value)
  return powers
}
