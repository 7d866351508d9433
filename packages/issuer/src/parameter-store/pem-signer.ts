import { exportJWK, importPKCS8, type JWK } from 'jose'
import type { SigningAlgorithm } from '../algorithm.ts'
import { localSigner } from '../local-signer.ts'
import type { Signer } from '../signer.ts'
import { ParameterStoreError } from './parameter-store-error.ts'

/**
 * A signer from a PKCS #8 PEM. Its `kid` is the RFC 7638 thumbprint.
 *
 * @throws ParameterStoreError `parameter_unfit` where it is no private key for the algorithm. The error has no cause and
 * quotes nothing of it.
 */
export const pemSigner = async (name: string, pem: string, algorithm: SigningAlgorithm): Promise<Signer> => {
  const found = form(pem)
  const jwk = found === undefined ? await privateJwk(pem, algorithm) : undefined
  try {
    if (jwk !== undefined) return await localSigner({ ...jwk, alg: algorithm }, { algorithm })
  } catch {
    // As below: it would be told by what is found.
  }
  throw new ParameterStoreError(
    'parameter_unfit',
    `Cannot use key of parameter ${JSON.stringify(name)}: it must be a private key for ${algorithm} as PKCS #8 PEM, ` +
      `found ${found ?? 'a PKCS #8 PEM of another key'}`,
  )
}

/** What the text is instead of a PKCS #8 PEM, in words that quote nothing. */
const form = (pem: string): string | undefined => {
  const [, label] = /^\s*-----BEGIN ([A-Z0-9 ]{1,40})-----[\s\S]*-----END \1-----\s*$/.exec(pem) ?? []
  if (label === 'PRIVATE KEY') return undefined
  if (label === 'ENCRYPTED PRIVATE KEY')
    return 'an encrypted one; store it decrypted: a SecureString is encrypted already'
  if (label === 'EC PRIVATE KEY' || label === 'RSA PRIVATE KEY') {
    return `an older format ("${label}"); convert it with: openssl pkcs8 -topk8 -nocrypt`
  }
  return label === undefined ? 'something else' : `"${label}"`
}

const privateJwk = async (pem: string, algorithm: SigningAlgorithm): Promise<JWK | undefined> => {
  try {
    return await exportJWK(await importPKCS8(pem.trim(), algorithm, { extractable: true }))
  } catch {
    // The cause is dropped on purpose: what a runtime says about a bad key is not ours to vouch for.
    return undefined
  }
}
