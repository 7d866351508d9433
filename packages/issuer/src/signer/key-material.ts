import { type CryptoKey, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose'
import { bare, discreetRefusal, has, own, refusal } from '../refusal.ts'
import type { SigningAlgorithm } from './signer.ts'

// An allow-list, so that no present or future private member is published.
const PUBLIC_MEMBERS: Readonly<Record<string, readonly (keyof JWK)[]>> = {
  RSA: ['n', 'e'],
  EC: ['crv', 'x', 'y'],
  OKP: ['crv', 'x'],
  AKP: ['alg', 'pub'],
}

/**
 * Only the public members of an asymmetric JWK (RFC 7518 section 6): no private part, no `kid`, no `use`.
 * `undefined` for a key type that has no public part.
 */
export const publicJwk = (jwk: JWK): JWK | undefined => {
  const kty = own(jwk, 'kty')
  if (typeof kty !== 'string' || !Object.hasOwn(PUBLIC_MEMBERS, kty)) return undefined
  return pickMembers(jwk, ['kty', ...(PUBLIC_MEMBERS[kty] ?? [])])
}

/** A JWK with the named members of `jwk`. Missing ones are skipped. */
export const pickMembers = (jwk: JWK, names: readonly (keyof JWK)[]): JWK =>
  bare(
    Object.fromEntries(
      names.flatMap((name) => {
        const value = own(jwk, name)
        return value === undefined ? [] : [[name, value]]
      }),
    ) as JWK,
  )

/** A WebCrypto key pair: the private key can sign, the public key can be exported. */
export interface KeyPair {
  readonly privateKey: CryptoKey
  readonly publicKey: CryptoKey
}

/** A private key ready to sign, with its public half. */
interface KeyMaterial {
  readonly privateKey: CryptoKey
  readonly publicPart: JWK
  /** The `kid` of the given JWK. */
  readonly kid: string | undefined
}

/** Whether the key is a pair of WebCrypto keys rather than a JWK. */
export const isKeyPair = (key: JWK | KeyPair): key is KeyPair => has(key, 'privateKey') && has(key, 'publicKey')

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

const generate = async (algorithm: SigningAlgorithm): Promise<KeyPair> => {
  try {
    return await generateKeyPair(algorithm, bare({ extractable: false }))
  } catch (cause) {
    throw refusal('generate key', 'the algorithm must be one that this runtime has', algorithm, cause)
  }
}

const fromKeyPair = async ({ privateKey, publicKey }: KeyPair, algorithm: SigningAlgorithm): Promise<KeyMaterial> => {
  const publicPart = await exportPublic(publicKey)
  if (privateKey?.type === 'private' && publicPart !== undefined) return { privateKey, publicPart, kid: undefined }
  throw discreetRefusal('use key', `it must be a key pair for ${algorithm} with an exportable public key`, privateKey)
}

const exportPublic = async (publicKey: CryptoKey): Promise<JWK | undefined> => {
  if (publicKey?.type !== 'public') return undefined
  try {
    return publicJwk(await exportJWK(publicKey))
  } catch {
    return undefined
  }
}

const fromJwk = async (jwk: JWK, algorithm: SigningAlgorithm): Promise<KeyMaterial> => {
  const kid = own(jwk, 'kid')
  if (kid !== undefined) assertKeyId(kid)
  const publicPart = publicJwk(jwk)
  const privateKey = await importPrivate(jwk, algorithm)
  if (publicPart !== undefined && privateKey !== undefined) return { privateKey, publicPart, kid }
  throw refusal('use key', `it must be a private JWK for ${algorithm}`, jwk)
}

/** Accepts a `kid` of 1 to 256 characters. @throws TypeError otherwise */
export function assertKeyId(kid: unknown): asserts kid is string {
  if (typeof kid === 'string' && kid.length >= 1 && kid.length <= 256) return
  throw refusal('use key', 'its "kid" must have 1 to 256 characters', kid)
}

// `ext`, `use` and `key_ops` are dropped: they describe how another program uses the key.
const MATERIAL = ['kty', 'crv', 'x', 'y', 'd', 'n', 'e', 'p', 'q', 'dp', 'dq', 'qi', 'pub', 'priv'] as const

const importPrivate = async (jwk: JWK, algorithm: SigningAlgorithm): Promise<CryptoKey | undefined> => {
  const material: JWK = bare({ ...pickMembers(jwk, MATERIAL), alg: algorithm })
  try {
    const key = await importJWK(material, algorithm, { extractable: false })
    return 'type' in key && key.type === 'private' ? key : undefined
  } catch {
    // The cause is dropped on purpose: the runtime's message could quote the key.
    return undefined
  }
}
