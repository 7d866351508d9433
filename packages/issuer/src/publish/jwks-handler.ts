import { bare, discreetRefusal } from '../refusal.ts'
import type { Issuer } from '../create-issuer.ts'

/** Answers requests for a JWK Set. */
export type JwksHandler = (request: Request) => Response

/**
 * A fetch handler that serves the JWK Set: `GET` and `HEAD` with `Cache-Control` and `ETag`, 304 if `If-None-Match` matches the
 * current content (RFC 9110 section 13.1.2), 405 for any other method. It ignores the path: your router chooses it.
 */
export const jwksHandler = (issuer: Pick<Issuer, 'jwksResponse'>): JwksHandler => {
  if (typeof issuer?.jwksResponse !== 'function')
    throw discreetRefusal('answer requests for keys', 'give an issuer, which createIssuer makes', issuer)
  const { jwksResponse } = issuer
  return (request) => {
    const { method } = request
    if (method !== 'GET' && method !== 'HEAD')
      return new Response(null, bare({ status: 405, headers: bare({ allow: 'GET, HEAD' }) }))
    const { status, headers, body } = jwksResponse({ ifNoneMatch: request.headers.get('if-none-match') ?? undefined })
    return new Response(method === 'HEAD' || status === 304 ? null : body, bare({ status, headers }))
  }
}
