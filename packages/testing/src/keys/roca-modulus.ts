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
