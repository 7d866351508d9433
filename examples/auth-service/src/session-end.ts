import type { Issuer } from '@claimgate/issuer'

/** Tells APIs that a session has ended. Rejects unless every one of them says that it refuses its tokens from now on. */
export type SessionEnd = (sid: string) => Promise<void>

/** What {@link createSessionEnd} works with. */
export interface SessionEndParts {
  readonly issuer: Issuer
  /** Where the end of a session is posted; asked for each session. */
  readonly uris: () => readonly string[]
}

const LONGEST = 5000

/**
 * A {@link SessionEnd} that posts `{ sid }` to each API, with an access token of the service's own whose scope nobody else is
 * given: an API that can verify access tokens needs nothing more to believe it.
 */
export const createSessionEnd = ({ issuer, uris }: SessionEndParts): SessionEnd => {
  const post = async (uri: string, token: string, sid: string): Promise<void> => {
    const { status } = await fetch(uri, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ sid }),
      redirect: 'manual',
      signal: AbortSignal.timeout(LONGEST),
    })
    if (status !== 204) throw new Error(`Cannot end session: ${uri} answered ${status}`)
  }

  return async (sid) => {
    const self = { sub: 'auth-service', client_id: 'auth-service', scope: 'sessions:end' }
    const token = await issuer.issue(self, { ttl: 60 })
    const told = await Promise.allSettled(uris().map(async (uri) => post(uri, token, sid)))
    const failures = told.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []))
    if (failures.length > 0) throw new AggregateError(failures, 'Cannot end session everywhere')
  }
}
