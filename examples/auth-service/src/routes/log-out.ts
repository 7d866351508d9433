import { getAuth } from '@claimgate/express'
import type { RequestHandler } from 'express'
import type { SessionEnd } from '../session-end.ts'

/**
 * `POST /api/v1/logout` with an access token: ends the session of the token. 204 once every API rejects its tokens; 503 if an API cannot
 * be notified, because then the user is not logged out everywhere. You can safely retry with the same token.
 */
export const logOut =
  (endSession: SessionEnd): RequestHandler =>
  async (request, response) => {
    response.set('cache-control', 'no-store')
    const { sid } = getAuth(request).claims
    if (typeof sid !== 'string') {
      response.status(400).json({ error: 'The token belongs to no session.' })
      return
    }
    try {
      await endSession(sid)
      response.status(204).end()
    } catch (error) {
      console.error('auth-service:', error)
      response.status(503).set('retry-after', '1').json({ error: 'The session could not be ended everywhere.' })
    }
  }
