import type { Issuer } from '@claimgate/issuer'
import { Router } from 'express'

/**
 * Serves the JWK Set, and the metadata at the URLs of OpenID Connect Discovery (section 4) and RFC 8414 (section 3).
 */
export const wellKnown = (issuer: Issuer): Router => {
  const router = Router()
  router.get('/jwks.json', (request, response) => {
    const { status, headers, body } = issuer.jwksResponse({ ifNoneMatch: request.get('if-none-match') })
    // `end`, not `send`, to keep the issuer's entity tag; `send` lets Express compute one.
    response.status(status).set(headers).end(body)
  })
  router.get(['/openid-configuration', '/oauth-authorization-server'], (_request, response) => {
    response.set('cache-control', 'public, max-age=300').json(issuer.metadata())
  })
  return router
}
