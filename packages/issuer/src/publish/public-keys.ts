import { type CryptoKey, exportSPKI, importJWK, type JSONWebKeySet } from 'jose'
import { publishedJwk, type PublishedKey } from '../keys/published-key.ts'
import { discreetRefusal, ownOptions, refusal } from '../refusal.ts'
import { publicJwk } from '../signer/key-material.ts'
import { assertSigner, type Signer } from '../signer/signer.ts'

/** An HTTP response with the JWK Set. Any HTTP framework can send it unchanged. */
export interface JwksResponse {
  /** 200, or 304 if the caller's copy is current. */
  readonly status: 200 | 304
  /** Field names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** JSON text; empty with 304. */
  readonly body: string
}

/** The part of the request that the response depends on. */
export interface JwksRequest {
  /** The request's `If-None-Match` field, if it has one (RFC 9110 section 13.1.2). */
  readonly ifNoneMatch?: string | undefined
}

/** The JWK Set (RFC 7517 section 5) with `Cache-Control` and `ETag`; 304 if `ifNoneMatch` matches the current content. */
export const jwksResponse = (keys: readonly PublishedKey[], maxAge: number, request: JwksRequest): JwksResponse => {
  const { ifNoneMatch } = ownOptions(request, ['ifNoneMatch'])
  const etag = `"${keys.map(({ tag }) => tag).join('.')}"`
  const caching = { 'cache-control': `public, max-age=${maxAge}`, etag }
  if (matches(ifNoneMatch, etag)) return { status: 304, headers: caching, body: '' }
  const headers = { 'content-type': 'application/jwk-set+json', ...caching }
  return { status: 200, headers, body: JSON.stringify({ keys: keys.map(({ jwk }) => jwk) }) }
}

const matches = (field: string | undefined, etag: string): boolean => {
  const named = (field ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''))
  return named.includes('*') || named.includes(etag)
}

/**
 * The JWK Set of some signers (RFC 7517 section 5): public members, with `kid`, `alg` and `use`. Use it for verifiers that read
 * the set from a file or a setting. An issuer's `jwks()` returns its own set, which follows its rotations.
 *
 * @throws TypeError if one of them is not a signer or has no asymmetric public key.
 */
export const publicJwkSet = (signers: readonly Signer[]): JSONWebKeySet => {
  if (!Array.isArray(signers))
    throw discreetRefusal('make JWK Set', 'give an array of signers, such as [signer]', signers)
  const keys = signers.map((signer: Signer) => {
    assertSigner(signer)
    return { ...publishedJwk(signer) }
  })
  return { keys }
}

/**
 * The public key of a signer in PEM: SubjectPublicKeyInfo (RFC 7468 section 13). Use it for verifiers that trust one key. The text
 * has several lines and ends with a line break.
 *
 * @throws TypeError if the signer's public key does not fit its algorithm.
 */
export const publicKeyPem = async (signer: Signer): Promise<string> =>
  `${(await exportSPKI(await publicKey(signer))).trim()}\n`

/**
 * The base64 of {@link publicKeyPem}: one line that fits into an environment variable (`JWT_PUBLIC_KEY`).
 *
 * @throws TypeError if the signer's public key does not fit its algorithm.
 */
export const publicKeyBase64 = async (signer: Signer): Promise<string> => btoa(await publicKeyPem(signer))

const publicKey = async (signer: Signer): Promise<CryptoKey> => {
  assertSigner(signer)
  const { alg } = signer
  try {
    const key = await importJWK({ ...publicJwk(signer.publicJwk), alg }, alg, { extractable: true })
    if ('type' in key && key.type === 'public') return key
  } catch {
    // Reported below, without the runtime's message, which could quote the key.
  }
  throw refusal('export key', `"publicJwk" must be a public key for ${alg}`, signer.publicJwk)
}
