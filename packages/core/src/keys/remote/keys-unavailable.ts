import { AuthError } from '../../errors/auth-error.ts'
import type { FetchError } from '../fetch/fetch-error.ts'

export interface Unavailability {
  /** What was to be fetched. */
  readonly name: string
  readonly failure: FetchError
  /** Milliseconds until the next attempt may begin. */
  readonly wait: number
}

/** Nobody's token is at fault: the keys cannot be had now (status 503). */
export function keysUnavailable({ name, failure, wait }: Unavailability): AuthError {
  return new AuthError('keys_unavailable', {
    retryAfter: retrySeconds(wait),
    hint: `Fetching the keys of ${name} failed (${failure.reason}): ${failure.message}`,
    cause: failure,
  })
}

/** Whole seconds for `Retry-After`, at least one. */
export function retrySeconds(milliseconds: number): number {
  return Number.isFinite(milliseconds) ? Math.max(1, Math.ceil(milliseconds / 1000)) : 1
}
