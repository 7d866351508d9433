import { getAuth } from '@claimgate/express'
import type { RequestHandler } from 'express'
import type { SessionEnd } from '../session-end.ts'

/**
 * `POST /api/v1/logout` with an access token: ends the session of the token. 204 once every API refuses its tokens; 503 where one
 * cannot be told, so that nobody believes to have logged out who has not. Coming back with the same token is harmless.
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
