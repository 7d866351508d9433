import express, { type Express } from 'express'
import { logIn, type LogInParts } from './routes/log-in.ts'
import { refuse } from './routes/refuse.ts'
import { wellKnown } from './routes/well-known.ts'

/** The Express application: every route of the service, and nothing that listens. */
export const createApp = (parts: LogInParts): Express => {
  const app = express()
  app.disable('x-powered-by')
  app.use('/.well-known', wellKnown(parts.issuer))
  app.post('/api/v1/auth', express.json({ limit: '4kb' }), logIn(parts))
  app.use(refuse)
  return app
}
