import type { Issuer } from '@claimgate/issuer'

/** Notifies APIs that a session has ended. Rejects unless every API confirms that it now rejects the session's tokens. */
export type SessionEnd = (sid: string) => Promise<void>

/** Options for {@link createSessionEnd}. */
export interface SessionEndParts {
  readonly issuer: Issuer
  /** Returns the URLs to post to. Called for each session. */
  readonly uris: () => readonly string[]
}

const LONGEST = 5000

/**
 * Creates a {@link SessionEnd} that posts `{ sid }` to each API, with an access token whose scope only this service gets. An API that
 * verifies access tokens needs nothing else to trust it.
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
