import { type AttemptLimitOptions, createAttemptLimit } from './attempt-limit.ts'
import type { CredentialCheck, Credentials } from './credentials.ts'
import { createTurnstile, type TurnstileOptions } from './turnstile.ts'
import type { StoredUser } from './user-store.ts'

/** The limits on log-ins. */
export interface LogInLimits {
  /** Failed log-ins for one name from one address. @defaultValue 10 a minute */
  readonly attempts?: AttemptLimitOptions
  /** Failed log-ins from one address, for all names together. @defaultValue 30 a minute */
  readonly addressAttempts?: AttemptLimitOptions
  /** Concurrent password comparisons. @defaultValue 2 at once and 16 waiting */
  readonly passwordChecks?: TurnstileOptions
}

/** The result of a log-in. */
export type LogInOutcome =
  | { readonly kind: 'right'; readonly user: StoredUser }
  | { readonly kind: 'wrong' }
  /** Too many attempts, or the server is overloaded: retry after this many seconds. */
  | { readonly kind: 'limited'; readonly wait: number }
  | { readonly kind: 'busy'; readonly wait: number }

/** Checks credentials sent from an address. */
export type LogInGuard = (address: string, credentials: Credentials) => Promise<LogInOutcome>

const BUSY: LogInOutcome = { kind: 'busy', wait: 5 }

/**
 * Comparing a password is expensive by design. Attempts per address and concurrent comparisons are limited, so that a flood of log-ins
 * is rejected before it uses CPU time.
 */
export const createLogInGuard = (check: CredentialCheck, limits: LogInLimits = {}): LogInGuard => {
  // Counted per address and name, so that an attacker at another address cannot lock a user out.
  const byName = createAttemptLimit(limits.attempts)
  const byAddress = createAttemptLimit({ attempts: 30, ...limits.addressAttempts })
  const turnstile = createTurnstile(limits.passwordChecks)

  return async (address, credentials) => {
    const key = JSON.stringify([address, credentials.userName])
    const wait = byAddress.begin(address) || byName.begin(key)
    if (wait > 0) return { kind: 'limited', wait }
    const checked = turnstile.enter(async () => check(credentials))
    if (checked === undefined) {
      byName.takeBack(key)
      byAddress.takeBack(address)
      return BUSY
    }
    const user = await checked
    if (user === undefined) return { kind: 'wrong' }
    byName.clear(key)
    // Clears only this counter: a successful log-in must not allow more attempts for other names.
    byAddress.takeBack(address)
    return { kind: 'right', user }
  }
}
