import { randomUUID } from 'node:crypto'
import type { Issuer } from '@claimgate/issuer'
import type { Request, RequestHandler } from 'express'
import type { AttemptLimit } from '../attempt-limit.ts'
import { type CredentialCheck, type Credentials, readCredentials } from '../credentials.ts'
import { SCOPES } from '../roles.ts'

/** What {@link logIn} works with. */
export interface LogInParts {
  readonly issuer: Issuer
  readonly check: CredentialCheck
  readonly attempts: AttemptLimit
  /** The `client_id` of the tokens. */
  readonly clientId: string
}

/**
 * `POST /api/v1/auth`: `{ userName, password }` in, `{ jwt }` out. 400 where the body is something else, 401 where name or
 * password is wrong, without telling which, and 429 with `Retry-After` after too many attempts.
 */
export const logIn =
  ({ issuer, check, attempts, clientId }: LogInParts): RequestHandler =>
  async (request, response) => {
    response.set('cache-control', 'no-store')
    const credentials = readCredentials(request.body)
    if (credentials === undefined) {
      response.status(400).json({ error: 'The body must be JSON with "userName" and "password".' })
      return
    }
    const key = attemptKey(request, credentials)
    const wait = attempts.begin(key)
    if (wait > 0) {
      response.status(429).set('retry-after', String(wait)).json({ error: 'Too many attempts.' })
      return
    }
    const user = await check(credentials)
    if (user === undefined) {
      response.status(401).json({ error: 'The name or the password is wrong.' })
      return
    }
    attempts.clear(key)
    const { userName, role } = user
    const jwt = await issuer.mint({ sub: userName, client_id: clientId, sid: randomUUID(), role, scope: SCOPES[role] })
    response.json({ jwt })
  }

// By address and name together: an attacker elsewhere cannot lock a person out.
const attemptKey = (request: Request, { userName }: Credentials): string => JSON.stringify([request.ip, userName])
