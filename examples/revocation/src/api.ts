import type { Clock } from '@claimgate/core'
import { createMemoryDenylist, denylist } from '@claimgate/core/denylist'
import { sharedBearer } from '@claimgate/core/revocation'
import { statusList } from '@claimgate/core/status-list'
import { authenticateJwt, backchannelLogout, getAuth, securityEvents } from '@claimgate/express'
import express, { type Express } from 'express'

export interface ApiOptions {
  readonly issuer: string
  readonly audience: string
  /** The client whose users log out: the `aud` of logout tokens. */
  readonly clientId: string
  /** The secret that the provider sends with security events. */
  readonly secret: string
  readonly clock: Pick<Clock, 'now' | 'monotonic'>
}

/** An API whose provider reports logouts and security events, and publishes the status of its tokens. */
export function createApi({ issuer, audience, clientId, secret, clock }: ApiOptions): Express {
  const revoked = denylist({ store: createMemoryDenylist(), clock })
  const common = { denylist: revoked, issuer, clock }
  const app = express()
  // Before `authenticateJwt`, because the provider has no access token.
  app.post('/backchannel-logout', backchannelLogout({ ...common, clientId }))
  app.post('/events', securityEvents({ ...common, audience, authenticate: sharedBearer(secret) }))

  const status = statusList({ hosts: [new URL(issuer).host], clock })
  app.use(authenticateJwt({ issuer, audience, clock, checks: [revoked, status] }))
  app.get('/orders', (req, res) => {
    res.json({ sub: getAuth(req).claims.sub })
  })
  return app
}
