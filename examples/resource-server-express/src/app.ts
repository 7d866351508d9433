import type { VerifierOptions } from '@claimgate/core'
import { createMemoryDenylist, denylist } from '@claimgate/core/denylist'
import { authenticateJwt, getAuth, requireClaim, requireScope } from '@claimgate/express'
import express, { type Express } from 'express'

/** The application: one open route, and after `authenticateJwt` only routes that need a token. */
export function createApp(options: VerifierOptions): Express {
  const time = options.clock === undefined ? {} : { clock: options.clock }
  const ended = denylist({ store: createMemoryDenylist(time), ...time })
  const app = express()
  app.disable('x-powered-by')

  app.get('/health', (_request, response) => {
    response.json({ status: 'ok' })
  })

  app.use(authenticateJwt({ ...options, checks: [...(options.checks ?? []), ended] }))

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

  // Only the auth service gets this scope. It posts the ID of a session when a user logs out.
  app.post('/api/v1/ended-sessions', requireScope('sessions:end'), express.json(), (request, response, next) => {
    const { sid } = Object(request.body) as { readonly sid?: unknown }
    if (typeof sid !== 'string' || sid === '') {
      response.status(400).json({ error: 'The body must be JSON with "sid".' })
      return
    }
    const { iss = null } = getAuth(request).claims
    ended.denySession(iss, sid).then(() => response.status(204).end(), next)
  })

  return app
}
