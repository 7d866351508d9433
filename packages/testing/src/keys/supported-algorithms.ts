import { SIGNING_ALGORITHMS } from '@claimgate/issuer'
import { generateKeyPair } from 'jose'

let found: Promise<readonly string[]> | undefined

/** The asymmetric `alg` values that this runtime supports: RFC 7518, 8037 and 9864, and ML-DSA if available. */
export function supportedAlgorithms(): Promise<readonly string[]> {
  found ??= probe()
  return found
}

async function probe(): Promise<readonly string[]> {
  const supported: string[] = []
  for (const alg of SIGNING_ALGORITHMS) {
    // Every runtime supports the others, and creating an RSA key just to check is slow.
    if (!alg.startsWith('ML-DSA') || (await canGenerate(alg))) supported.push(alg)
  }
  return supported
}

function canGenerate(alg: string): Promise<boolean> {
  return generateKeyPair(alg).then(
    () => true,
    () => false,
  )
}
