import type { Refused } from './outcome.ts'

/** A refusal as the error handlers of frameworks understand it. */
export interface RefusedError extends Error {
  readonly name: 'RefusedError'
  readonly status: number
  readonly statusCode: number
  /** The challenge and the like, without the type of a body that is not sent. */
  readonly headers: Readonly<Record<string, string>>
}

/**
 * An error with the status and the challenge of a refusal. What it says is fixed, for frameworks may send it; the `AuthError` with the
 * full story is its `cause`.
 */
export function refusedError({ error, response: { status, headers } }: Refused): RefusedError {
  return Object.assign(new Error('Request refused', { cause: error }), {
    name: 'RefusedError' as const,
    status,
    statusCode: status,
    headers: Object.fromEntries(Object.entries(headers).filter(([name]) => name !== 'content-type')),
  })
}
