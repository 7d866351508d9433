import { allOf, createVerifier, scope } from '@claimgate/core'
import { clientSecretBasic, createIntrospectionVerifier, fresh } from '@claimgate/core/introspection'
import { authenticateJwt, authorize, getAuth, requireScope } from '@claimgate/express'
import express, { type Express } from 'express'

export interface ApiOptions {
  readonly issuer: string
  readonly audience: string
  /** The API as a client of the authorization server. */
  readonly client: { readonly id: string; readonly secret: string }
}

/** An API for opaque tokens and JWTs. Only payments ask the authorization server each time. */
export function createApi({ issuer, audience, client }: ApiOptions): Express {
  const verifier = createIntrospectionVerifier({
    issuer,
    audience,
    client: clientSecretBasic(client.id, client.secret),
    jwts: createVerifier({ issuer, audience }),
    cache: { maxAge: 30, negativeMaxAge: 5 },
  })
  const app = express().use(authenticateJwt({ verifier }))
  app.get('/orders', requireScope('orders:read'), (req, res) => {
    res.json({ sub: getAuth(req).claims.sub })
  })
  app.post('/payments', authorize(allOf(scope('payments'), fresh())), (_req, res) => {
    res.sendStatus(201)
  })
  return app
}
