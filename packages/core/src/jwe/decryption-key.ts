import { calculateJwkThumbprint, type CryptoKey, exportJWK, importJWK, importPKCS8, type JWK } from 'jose'
import {
  bare,
  has,
  isOptions,
  type KeyText,
  kindOf,
  misconfigured,
  numberOf,
  own,
  ownOptions,
  readKeyText,
} from '../adapter.ts'
import type { KeyManagementAlgorithm } from './algorithms.ts'
import { checkAlgorithm, checkKeyId, type EncryptionJwk, encryptionJwk, type KeyKind } from './encryption-jwk.ts'

/**
 * A private key to decrypt tokens with: a JWK, a PKCS#8 PEM (RFC 7468 section 10) without passphrase, as text or bytes, the base64 of
 * either, or a WebCrypto key. For a PEM with a passphrase, `decryptionKeyFromPem` of `@claimgate/core/node` makes a JWK.
 */
export type DecryptionKey = JWK | string | Uint8Array | CryptoKey | DecryptionKeyPair

/** A WebCrypto key, with the data that cannot be read from it. */
export interface DecryptionKeyPair {
  readonly privateKey: CryptoKey
  /** Its public half. Needed only to publish it. */
  readonly publicKey?: CryptoKey
  /** The key ID. @defaultValue the thumbprint (RFC 7638) of `publicKey` */
  readonly kid?: string
  /** The only algorithm it may be used with. @defaultValue all that fit it */
  readonly alg?: KeyManagementAlgorithm
}

/** A decryption key that has been imported. */
export interface ImportedKey {
  readonly kind: KeyKind
  readonly kid: string | undefined
  readonly alg: KeyManagementAlgorithm | undefined
  readonly privateKey: CryptoKey
  /** The members of the public key; absent if only a private WebCrypto key was given. */
  readonly publicJwk: JWK | undefined
}

/**
 * Checks a key, and returns the function that imports it. A PEM is checked on import, because reading it is asynchronous; any other key is
 * checked immediately. The imported key cannot be exported.
 *
 * @param name - what messages call the key; they never quote it
 * @throws TypeError for a key that is not fit for use
 */
export function decryptionKey(action: string, name: string, key: DecryptionKey): () => Promise<ImportedKey> {
  if (typeof key === 'string' || ArrayBuffer.isView(key)) {
    const text = readKeyText(key)
    if (text.kind === 'jwk') return decryptionKey(action, name, text.jwk)
    const pem = privatePem(action, name, text)
    return async () => importJwk(action, name, encryptionJwk(action, name, await jwkOfPem(action, name, pem)))
  }
  if (key instanceof CryptoKey) return pairImporter(action, name, { privateKey: key })
  if (!isOptions(key))
    throw misconfigured(action, `${name} must be a JWK, a PEM text or a CryptoKey, found ${kindOf(key)}`)
  if (has(key, 'privateKey')) return pairImporter(action, name, key as DecryptionKeyPair)
  const checked = encryptionJwk(action, name, key)
  return () => importJwk(action, name, checked)
}

async function jwkOfPem(action: string, name: string, pem: string): Promise<JWK> {
  for (const algorithm of ['ECDH-ES', 'RSA-OAEP-256'] as const) {
    try {
      return await exportJWK(await importPKCS8(pem, algorithm, { extractable: true }))
    } catch {
      // Another kind of key, or no key at all. The runtime's message about a bad key must not be repeated.
    }
  }
  throw misconfigured(action, `${name} must be an RSA key, or a key on P-256, P-384, P-521 or X25519, in PKCS#8 form`)
}

async function importJwk(action: string, name: string, checked: EncryptionJwk): Promise<ImportedKey> {
  const { kind, kid, alg, privateJwk, publicJwk } = checked
  // One imported key works for every algorithm of its kind.
  const imported = importJWK(privateJwk, kind === 'RSA' ? 'RSA-OAEP-256' : 'ECDH-ES', { extractable: false })
  const privateKey = await imported.catch(() => undefined)
  if (!(privateKey instanceof CryptoKey))
    throw misconfigured(action, `${name} must be a ${kind} key that this JavaScript runtime accepts`)
  return { kind, kid: kid ?? (await calculateJwkThumbprint(publicJwk)), alg, privateKey, publicJwk }
}

function pairImporter(action: string, name: string, pair: DecryptionKeyPair): () => Promise<ImportedKey> {
  const { privateKey, publicKey, kid, alg: only } = ownOptions(pair, ['privateKey', 'publicKey', 'kid', 'alg'])
  const kind = kindOfCryptoKey(action, name, privateKey)
  const alg = checkAlgorithm(action, name, { alg: only, kind })
  const given = checkKeyId(action, name, kid)
  return async () => {
    const publicJwk = publicKey && (await exportPublic(action, name, publicKey))
    const called = given ?? (publicJwk && (await calculateJwkThumbprint(publicJwk)))
    return { kind, kid: called, alg, privateKey, publicJwk }
  }
}

function kindOfCryptoKey(action: string, name: string, key: CryptoKey): KeyKind {
  if (!(key instanceof CryptoKey) || key.type !== 'private')
    throw misconfigured(action, `${name} must be a private key`, key instanceof CryptoKey ? key.type : typeof key)
  const algorithm = key.algorithm as Readonly<Record<string, unknown>> & { readonly name: string }
  if (algorithm.name === 'RSA-OAEP') return kindOfRsa(action, name, key)
  if (!key.usages.includes('deriveBits'))
    throw misconfigured(action, `${name} must be for RSA-OAEP, or be usable for "deriveBits"`, algorithm.name)
  const curve = algorithm.name === 'ECDH' ? algorithm['namedCurve'] : algorithm.name
  if (curve === 'P-256' || curve === 'P-384' || curve === 'P-521' || curve === 'X25519') return curve
  throw misconfigured(action, `${name} must be on P-256, P-384, P-521 or X25519`, curve)
}

interface RsaAlgorithm {
  readonly hash: { readonly name: string }
  /** In bits. */
  readonly modulusLength: number
  readonly publicExponent: Uint8Array
}

function kindOfRsa(action: string, name: string, { algorithm, usages }: CryptoKey): KeyKind {
  const { hash, modulusLength, publicExponent } = algorithm as unknown as RsaAlgorithm
  if (hash.name !== 'SHA-256') throw misconfigured(action, `${name} must be for RSA-OAEP with SHA-256`, hash.name)
  if (!usages.includes('decrypt')) throw misconfigured(action, `${name} must be usable for "decrypt"`, usages)
  const exponent = numberOf(publicExponent)
  if (modulusLength < 2048 || modulusLength > 8192 || exponent < 3n || exponent > 2n ** 32n)
    throw misconfigured(action, `${name} is not fit for use: weak`, `${modulusLength} bits`)
  return 'RSA'
}

async function exportPublic(action: string, name: string, key: CryptoKey): Promise<JWK> {
  if (key.type !== 'public' || !key.extractable)
    throw misconfigured(action, `the "publicKey" of ${name} must be a public key that can be exported`, key.type)
  const { kty, crv, x, y, n, e } = ownOptions(await exportJWK(key), [])
  const members = { kty, crv, x, y, n, e }
  return bare(Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as JWK)
}

/**
 * The PKCS#8 PEM in a text that `readKeyText` has read.
 *
 * @param name - what messages call the key; they never quote it
 * @throws TypeError for text that is something else
 */
function privatePem(action: string, name: string, read: KeyText): string {
  if (read.kind === 'pem' && read.label === 'PRIVATE KEY' && !isEncrypted(read.pem)) return read.pem
  throw misconfigured(
    action,
    `${name} must be a private key as a JWK, or in PKCS#8 PEM ("-----BEGIN PRIVATE KEY-----"), found ${foundIn(read)}`,
  )
}

/** Whether a PEM uses the encryption that preceded PKCS#8 (RFC 1421 section 4.6). */
function isEncrypted(pem: string): boolean {
  return /^(?:Proc-Type|DEK-Info):/m.test(pem)
}

const CONVERT = 'convert it with "openssl pkcs8 -topk8 -nocrypt", or read it by decryptionKeyFromPem()'
const FOUND: Readonly<Record<string, string>> = {
  'ENCRYPTED PRIVATE KEY':
    'an encrypted one: read one with a passphrase by decryptionKeyFromPem() of "@claimgate/core/node"',
  'RSA PRIVATE KEY': `PKCS#1: ${CONVERT} of "@claimgate/core/node"`,
  'EC PRIVATE KEY': `SEC 1: ${CONVERT} of "@claimgate/core/node"`,
  'PUBLIC KEY': 'a public key',
  'RSA PUBLIC KEY': 'a public key',
  CERTIFICATE: 'a certificate',
}

function foundIn(read: KeyText): string {
  if (read.kind === 'der') return `${read.found}: convert it to PEM with "openssl pkey -inform DER"`
  if (read.kind === 'jwk') return 'a JWK'
  if (read.kind === 'other') return own(FOUND, read.label ?? '') ?? read.found
  return own(FOUND, read.label) ?? (isEncrypted(read.pem) ? 'an encrypted PEM' : 'another PEM')
}
