import { base64url, calculateJwkThumbprint, FlattenedSign } from 'jose'
import type { CompactJWSHeaderParameters, CryptoKey, JWK } from 'jose'
import { knownOptions } from '../option-rules.ts'
import { discreetRefusal, own, refusal } from '../refusal.ts'
import { isSigningAlgorithm, type Signer, SIGNING_ALGORITHMS, type SigningAlgorithm } from './signer.ts'
import { assertKeyId, isKeyPair, keyMaterial, type KeyPair } from './key-material.ts'

/** Options for {@link localSigner}. */
export interface LocalSignerOptions {
  /** The algorithm to sign with. The `alg` of a JWK overrides it. @defaultValue 'ES256' */
  readonly algorithm?: SigningAlgorithm
  /** The key ID, 1 to 256 characters. @defaultValue the `kid` of the JWK, otherwise the RFC 7638 thumbprint */
  readonly kid?: string
}

/**
 * Creates a {@link Signer} with its private key in memory. If you pass no key, it generates one that cannot be extracted; generated
 * RSA keys have 2048 bits.
 *
 * @throws TypeError if the key is not a private key for the algorithm, or the runtime lacks the algorithm. The error never quotes
 * the key.
 */
export const localSigner = async (key?: JWK | KeyPair, given: LocalSignerOptions = {}): Promise<Signer> => {
  const options = knownOptions('use key', given, ['algorithm', 'kid'])
  if (options.kid !== undefined) assertKeyId(options.kid)
  if (options.algorithm !== undefined && !isSigningAlgorithm(options.algorithm))
    throw refusal('use key', `"algorithm" must be one of ${SIGNING_ALGORITHMS.join(', ')}`, options.algorithm)
  if (key !== undefined && (typeof key !== 'object' || key === null)) {
    throw discreetRefusal('use key', 'it must be a JWK or a key pair (for PEM there is pemSigner)', key)
  }
  const alg = algorithmOf(key, options)
  const { privateKey, publicPart, kid } = await keyMaterial(key, alg)
  assertLongEnough(privateKey)
  return Object.freeze({
    alg,
    kid: options.kid ?? kid ?? (await calculateJwkThumbprint(publicPart)),
    publicJwk: Object.freeze(publicPart),
    sign: (signingInput: Uint8Array) => sign(signingInput, privateKey),
  })
}

const algorithmOf = (key: JWK | KeyPair | undefined, options: LocalSignerOptions): SigningAlgorithm => {
  const ofKey = key === undefined || isKeyPair(key) ? undefined : own(key, 'alg')
  const alg = ofKey ?? options.algorithm ?? 'ES256'
  if (!isSigningAlgorithm(alg)) throw refusal('use key', 'its algorithm must be an asymmetric signature algorithm', alg)
  return alg
}

// RFC 7518 sections 3.3 and 3.5.
const assertLongEnough = ({ algorithm }: CryptoKey): void => {
  const bits = own(algorithm, 'modulusLength')
  if (typeof bits !== 'number' || bits >= 2048) return
  throw refusal('use key', 'an RSA key must have at least 2048 bits', bits)
}

const sign = async (signingInput: Uint8Array, privateKey: CryptoKey): Promise<Uint8Array> => {
  const [header = '', claims = ''] = new TextDecoder().decode(signingInput).split('.')
  const members = JSON.parse(new TextDecoder().decode(base64url.decode(header))) as CompactJWSHeaderParameters
  const jws = await new FlattenedSign(base64url.decode(claims)).setProtectedHeader(members).sign(privateKey)
  // jose serializes the header again: with a different result, the signature would cover different bytes.
  if (jws.protected !== header) throw refusal('sign', 'the header must be compact JSON', 'another spelling')
  return base64url.decode(jws.signature)
}
