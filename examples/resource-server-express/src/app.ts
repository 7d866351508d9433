import type { VerifierOptions } from '@claimgate/core'
import { authenticateJwt, getAuth, requireClaim, requireScope } from '@claimgate/express'
import express, { type Express } from 'express'

/** The application: one route for everybody, and below `authenticateJwt` only routes that need a token. */
export function createApp(options: VerifierOptions): Express {
  const app = express()
  app.disable('x-powered-by')

  app.get('/health', (_request, response) => {
    response.json({ status: 'ok' })
  })

  app.use(authenticateJwt(options))

  app.get('/api/v1/protected', (request, response) => {
    const { claims, scopes } = getAuth(request)
    response.json({ caller: claims.sub, role: claims['role'], scopes: [...scopes] })
  })

  app.post('/api/v1/orders', requireScope('orders:write'), (request, response) => {
    response.status(201).json({ orderedBy: getAuth(request).claims.sub })
  })

  app.delete('/api/v1/orders/:id', requireClaim('role', 'writer'), (_request, response) => {
    response.status(204).end()
  })

  return app
}
