import { base64url, calculateJwkThumbprint, exportJWK, FlattenedSign, generateKeyPair, importJWK } from 'jose'
import type { CompactJWSHeaderParameters, CryptoKey, JWK } from 'jose'
import { checkMembers, readOptions } from '../options.ts'
import * as rule from '../rules.ts'
import { bare, discreetRefusal, has, own, refusal } from '../refusal.ts'
import { keyId, pickMembers, publicPartOf, type Signer, type SigningAlgorithm, signingAlgorithm } from './signer.ts'

/** Options for {@link localSigner}. */
export interface LocalSignerOptions {
  /** The algorithm to sign with. The `alg` of a JWK overrides it. @defaultValue 'ES256' */
  readonly algorithm?: SigningAlgorithm
  /** The key ID, 1 to 256 characters. @defaultValue the `kid` of the JWK, otherwise the RFC 7638 thumbprint */
  readonly kid?: string
}

/** A WebCrypto key pair: the private key can sign, the public key can be exported. */
export interface KeyPair {
  readonly privateKey: CryptoKey
  readonly publicKey: CryptoKey
}

/**
 * Creates a {@link Signer} with its private key in memory. If you pass no key, it generates one that cannot be extracted; generated
 * RSA keys have 2048 bits.
 *
 * @throws TypeError if the key is not a private key for the algorithm, or the runtime lacks the algorithm. The error never quotes
 * the key.
 */
export const localSigner = async (key?: JWK | KeyPair, given: LocalSignerOptions = {}): Promise<Signer> => {
  const rules = { algorithm: signingAlgorithm, kid: rule.optional(keyId) }
  const options = readOptions('use key', given, rules, { algorithm: 'ES256' })
  if (key !== undefined && (typeof key !== 'object' || key === null)) {
    throw discreetRefusal('use key', 'it must be a JWK or a key pair (for PEM there is pemSigner)', key)
  }
  const ofKey = key === undefined || isKeyPair(key) ? undefined : own(key, 'alg')
  const alg = (ofKey ?? options.algorithm) as SigningAlgorithm
  if (!signingAlgorithm.accepts(alg))
    throw refusal('use key', 'its algorithm must be an asymmetric signature algorithm', alg)
  const { privateKey, publicPart, kid } = await keyMaterial(key, alg)
  // RFC 7518 sections 3.3 and 3.5.
  const bits = own(privateKey.algorithm, 'modulusLength')
  if (typeof bits === 'number' && bits < 2048) throw refusal('use key', 'an RSA key must have at least 2048 bits', bits)
  return Object.freeze({
    alg,
    kid: options.kid ?? kid ?? (await calculateJwkThumbprint(publicPart)),
    publicJwk: Object.freeze(publicPart),
    sign: (signingInput: Uint8Array) => sign(signingInput, privateKey),
  })
}

const sign = async (signingInput: Uint8Array, privateKey: CryptoKey): Promise<Uint8Array> => {
  const [header = '', claims = ''] = new TextDecoder().decode(signingInput).split('.')
  const members = JSON.parse(new TextDecoder().decode(base64url.decode(header))) as CompactJWSHeaderParameters
  const jws = await new FlattenedSign(base64url.decode(claims)).setProtectedHeader(members).sign(privateKey)
  // jose serializes the header again: with a different result, the signature would cover different bytes.
  if (jws.protected !== header) throw refusal('sign', 'the header must be compact JSON', 'another spelling')
  return base64url.decode(jws.signature)
}

/** A private key ready to sign, with its public half. */
interface KeyMaterial {
  readonly privateKey: CryptoKey
  readonly publicPart: JWK
  /** The `kid` of the given JWK. */
  readonly kid: string | undefined
}

/**
 * Imports the key for `algorithm`, or generates one if none is given. Its errors never quote the key.
 *
 * @throws TypeError if the key is not a private key for the algorithm, or the runtime lacks the algorithm.
 */
export const keyMaterial = async (
  key: JWK | KeyPair | undefined,
  algorithm: SigningAlgorithm,
): Promise<KeyMaterial> => {
  if (key === undefined) return fromKeyPair(await generate(algorithm), algorithm)
  return isKeyPair(key) ? fromKeyPair(key, algorithm) : fromJwk(key, algorithm)
}

const isKeyPair = (key: JWK | KeyPair): key is KeyPair => has(key, 'privateKey') && has(key, 'publicKey')

const generate = (algorithm: SigningAlgorithm): Promise<KeyPair> =>
  generateKeyPair(algorithm, bare({ extractable: false })).catch((cause: unknown) => {
    throw refusal('generate key', 'the algorithm must be one that this runtime has', algorithm, cause)
  })

const fromKeyPair = async ({ privateKey, publicKey }: KeyPair, algorithm: SigningAlgorithm): Promise<KeyMaterial> => {
  const jwk = publicKey?.type === 'public' ? await exportJWK(publicKey).catch(() => undefined) : undefined
  const publicPart = jwk && publicPartOf(jwk)
  if (privateKey?.type === 'private' && publicPart !== undefined) return { privateKey, publicPart, kid: undefined }
  throw discreetRefusal('use key', `it must be a key pair for ${algorithm} with an exportable public key`, privateKey)
}

const fromJwk = async (jwk: JWK, algorithm: SigningAlgorithm): Promise<KeyMaterial> => {
  checkMembers('use key', jwk, { kid: rule.optional(keyId) })
  const publicPart = publicPartOf(jwk)
  // The error is dropped on purpose: the runtime's message could quote the key.
  const privateKey = await importJWK(bare({ ...pickMembers(jwk, MATERIAL), alg: algorithm }), algorithm, {
    extractable: false,
  }).catch(() => undefined)
  if (publicPart !== undefined && privateKey !== undefined && 'type' in privateKey && privateKey.type === 'private')
    return { privateKey, publicPart, kid: own(jwk, 'kid') as string | undefined }
  throw refusal('use key', `it must be a private JWK for ${algorithm}`, jwk)
}

// `ext`, `use` and `key_ops` are left out: they describe how another program uses the key.
const MATERIAL = ['kty', 'crv', 'x', 'y', 'd', 'n', 'e', 'p', 'q', 'dp', 'dq', 'qi', 'pub', 'priv'] as const
