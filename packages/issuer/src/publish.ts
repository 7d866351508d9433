import { base64url, compactVerify, type CryptoKey, exportSPKI, importJWK, type JSONWebKeySet, type JWK } from 'jose'
import { bare, discreetRefusal, own, ownOptions, quote, refusal } from './refusal.ts'
import { assertSigner, publicPartOf, type Signer, signJwt } from './signer/signer.ts'

/** A signer whose signature has been verified, with its entry in the JWK Set. */
export interface PublishedKey {
  readonly signer: Signer
  /** The entry in the JWK Set: public members, `kid`, `alg` and `use`. */
  readonly jwk: JWK
  /** A hash of the entry. It is part of the entity tag. */
  readonly tag: string
}

/**
 * Prepares a signer for publication: drops everything but the public members, and makes it sign once. This detects a private key
 * that does not match the public key, and a wrong signature format, before any token is signed.
 *
 * @throws TypeError if the signer's parts do not fit together. Errors of the signer itself are passed on unchanged.
 */
export const publishedKey = async (signer: Signer): Promise<PublishedKey> => {
  const jwk = publishedJwk(signer)
  // No verifier accepts this as a token: it has an unknown typ and no claims.
  const proof = await signJwt(signer, { typ: 'key-check' }, {})
  try {
    await compactVerify(proof, await importJWK(jwk, signer.alg), { algorithms: [signer.alg] })
  } catch (cause) {
    throw refusal('use key', 'its public part must verify what it signs', 'a signature that does not fit', cause)
  }
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(JSON.stringify(jwk)))
  return Object.freeze({ signer, jwk, tag: base64url.encode(new Uint8Array(digest, 0, 9)) })
}

const publishedJwk = (signer: Signer): JWK => {
  assertSigner(signer)
  const { alg, kid, publicJwk } = signer
  const publicPart = publicPartOf(publicJwk)
  if (publicPart === undefined) throw refusal('use key', '"publicJwk" must be an asymmetric key', own(publicJwk, 'kty'))
  return Object.freeze({ ...publicPart, kid, alg, use: 'sig' })
}

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
  const { ifNoneMatch = '' } = ownOptions(request, ['ifNoneMatch'])
  const etag = `"${keys.map(({ tag }) => tag).join('.')}"`
  const caching = { 'cache-control': `public, max-age=${maxAge}`, etag }
  const known = ifNoneMatch.split(',').map((tag) => tag.trim().replace(/^W\//, ''))
  if (known.includes('*') || known.includes(etag)) return { status: 304, headers: caching, body: '' }
  const headers = { 'content-type': 'application/jwk-set+json', ...caching }
  return { status: 200, headers, body: JSON.stringify({ keys: keys.map(({ jwk }) => jwk) }) }
}

/** Answers requests for a JWK Set. */
export type JwksHandler = (request: Request) => Response

/**
 * A fetch handler that serves the JWK Set: `GET` and `HEAD` with `Cache-Control` and `ETag`, 304 if `If-None-Match` matches the
 * current content (RFC 9110 section 13.1.2), 405 for any other method. It ignores the path: your router chooses it.
 */
export const jwksHandler = (issuer: { jwksResponse(request?: JwksRequest): JwksResponse }): JwksHandler => {
  if (typeof issuer?.jwksResponse !== 'function')
    throw discreetRefusal('answer requests for keys', 'give an issuer, which createIssuer makes', issuer)
  const { jwksResponse: respond } = issuer
  return ({ method, headers: fields }) => {
    if (method !== 'GET' && method !== 'HEAD')
      return new Response(null, bare({ status: 405, headers: bare({ allow: 'GET, HEAD' }) }))
    const { status, headers, body } = respond({ ifNoneMatch: fields.get('if-none-match') ?? undefined })
    return new Response(method === 'HEAD' || status === 304 ? null : body, bare({ status, headers }))
  }
}

/** An authorization server's metadata (RFC 8414 section 2, OpenID Connect Discovery section 3). */
export interface IssuerMetadata {
  readonly issuer: string
  readonly jwks_uri: string
  readonly response_types_supported: readonly string[]
  readonly grant_types_supported: readonly string[]
  readonly subject_types_supported: readonly string[]
  readonly id_token_signing_alg_values_supported: readonly string[]
  readonly [member: string]: unknown
}

/**
 * The required members of a metadata document; `extra` adds to them and overrides them. It lists no grant types and no response
 * types, because an issuer has no endpoints for them.
 *
 * @throws TypeError if `extra` has a different `issuer`.
 */
export const metadata = (
  issuer: string,
  keys: readonly PublishedKey[],
  extra: Readonly<Record<string, unknown>>,
): IssuerMetadata => {
  const other = own(extra, 'issuer')
  if (other !== undefined && other !== issuer)
    throw refusal('describe issuer', `"issuer" must stay ${quote(issuer)}`, other)
  return {
    issuer,
    jwks_uri: `${issuer.replace(/\/$/, '')}/.well-known/jwks.json`,
    response_types_supported: [],
    grant_types_supported: [],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: [...new Set(keys.map(({ signer }) => signer.alg))],
    ...extra,
  }
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
  return { keys: signers.map((signer: Signer) => ({ ...publishedJwk(signer) })) }
}

/**
 * The public key of a signer in PEM: SubjectPublicKeyInfo (RFC 7468 section 13). Use it for verifiers that trust one key. The text
 * has several lines and ends with a line break.
 *
 * @throws TypeError if the signer's public key does not fit its algorithm.
 */
export const publicKeyPem = async (signer: Signer): Promise<string> => `${await exportSPKI(await publicKey(signer))}\n`

/**
 * The base64 of {@link publicKeyPem}: one line that fits into an environment variable (`JWT_PUBLIC_KEY`).
 *
 * @throws TypeError if the signer's public key does not fit its algorithm.
 */
export const publicKeyBase64 = async (signer: Signer): Promise<string> => btoa(await publicKeyPem(signer))

const publicKey = async (signer: Signer): Promise<CryptoKey> => {
  assertSigner(signer)
  const { alg } = signer
  // The error is dropped on purpose: the runtime's message could quote the key.
  const key = await importJWK({ ...publicPartOf(signer.publicJwk), alg }, alg).catch(() => undefined)
  if (key !== undefined && 'type' in key) return key
  throw refusal('export key', `"publicJwk" must be a public key for ${alg}`, signer.publicJwk)
}
