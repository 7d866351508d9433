import { generateKeyPair } from 'jose'

const EVERYWHERE = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const

const WHERE_THE_RUNTIME_HAS_THEM = ['ML-DSA-44', 'ML-DSA-65', 'ML-DSA-87'] as const

let found: Promise<readonly string[]> | undefined

/** The asymmetric `alg` values this runtime can sign with: RFC 7518, 8037 and 9864, and ML-DSA where it exists. */
export function supportedAlgorithms(): Promise<readonly string[]> {
  found ??= probe()
  return found
}

async function probe(): Promise<readonly string[]> {
  const supported: string[] = [...EVERYWHERE]
  for (const alg of WHERE_THE_RUNTIME_HAS_THEM) {
    if (await canGenerate(alg)) supported.push(alg)
  }
  return supported
}

function canGenerate(alg: string): Promise<boolean> {
  return generateKeyPair(alg).then(
    () => true,
    () => false,
  )
}
