import { SIGNING_ALGORITHMS } from '@claimgate/issuer'
import { generateKeyPair } from 'jose'

let found: Promise<readonly string[]> | undefined

/** The asymmetric `alg` values this runtime can sign with: RFC 7518, 8037 and 9864, and ML-DSA where it exists. */
export function supportedAlgorithms(): Promise<readonly string[]> {
  found ??= probe()
  return found
}

async function probe(): Promise<readonly string[]> {
  const supported: string[] = []
  for (const alg of SIGNING_ALGORITHMS) {
    // Every runtime has the others; to make an RSA key only to see that is dear.
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
