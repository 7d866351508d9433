import type { VerifierOptions } from '@claimgate/core'
import { authenticateJwt } from '@claimgate/express'
import express, { type Express } from 'express'
import { logIn, type LogInParts } from './routes/log-in.ts'
import { logOut } from './routes/log-out.ts'
import { refuse } from './routes/refuse.ts'
import { wellKnown } from './routes/well-known.ts'
import type { SessionEnd } from './session-end.ts'

/** Options for {@link createApp}. */
export interface AppParts extends LogInParts {
  /** Verifies the tokens that the service has issued. */
  readonly ownTokens: VerifierOptions
  readonly endSession: SessionEnd
}

/** The Express application with all routes of the service. It does not listen. */
export const createApp = (parts: AppParts): Express => {
  const app = express()
  app.disable('x-powered-by')
  app.use('/.well-known', wellKnown(parts.issuer))
  app.post('/api/v1/auth', express.json({ limit: '4kb' }), logIn(parts))
  app.post('/api/v1/logout', authenticateJwt(parts.ownTokens), logOut(parts.endSession))
  app.use(refuse)
  return app
}
