import { ownOptions } from '../own.ts'
import type { PublishedKey } from '../keys/published-key.ts'

/** An answer for the JWK Set's address, for any HTTP framework to send as it stands. */
export interface JwksResponse {
  /** 200, or 304 where the caller's copy is current. */
  readonly status: 200 | 304
  /** Field names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** JSON text; empty with 304. */
  readonly body: string
}

/** The part of the request that the answer depends on. */
export interface JwksRequest {
  /** The request's `If-None-Match` field, if it has one (RFC 9110 section 13.1.2). */
  readonly ifNoneMatch?: string | undefined
}

/** The JWK Set (RFC 7517 section 5) with `Cache-Control` and `ETag`; 304 where `ifNoneMatch` names the same content. */
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
