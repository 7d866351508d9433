import { randomUUID } from 'node:crypto'
import type { Issuer } from '@claimgate/issuer'
import type { RequestHandler } from 'express'
import { readCredentials } from '../credentials.ts'
import type { LogInGuard } from '../log-in-guard.ts'
import { SCOPES } from '../roles.ts'

/** Options for {@link logIn}. */
export interface LogInParts {
  readonly issuer: Issuer
  readonly guard: LogInGuard
  /** The `client_id` of the tokens. */
  readonly clientId: string
}

const LATER = {
  limited: { status: 429, error: 'Too many attempts.' },
  busy: { status: 503, error: 'Too much to do at the moment.' },
} as const

/**
 * `POST /api/v1/auth`: `{ userName, password }` in, `{ jwt }` out. 400 for any other body, 401 if name or password is wrong, without
 * revealing which. With `Retry-After`: 429 after too many attempts, and 503 during too many concurrent log-ins.
 */
export const logIn =
  ({ issuer, guard, clientId }: LogInParts): RequestHandler =>
  async (request, response) => {
    response.set('cache-control', 'no-store')
    const credentials = readCredentials(request.body)
    if (credentials === undefined) {
      response.status(400).json({ error: 'The body must be JSON with "userName" and "password".' })
      return
    }
    const outcome = await guard(request.ip ?? '', credentials)
    if (outcome.kind === 'wrong') {
      response.status(401).json({ error: 'The name or the password is wrong.' })
      return
    }
    if (outcome.kind !== 'right') {
      const { status, error } = LATER[outcome.kind]
      response.status(status).set('retry-after', String(outcome.wait)).json({ error })
      return
    }
    const { userName, role } = outcome.user
    const jwt = await issuer.issue({ sub: userName, client_id: clientId, sid: randomUUID(), role, scope: SCOPES[role] })
    response.json({ jwt })
  }
