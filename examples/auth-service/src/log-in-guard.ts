import { type AttemptLimitOptions, createAttemptLimit } from './attempt-limit.ts'
import type { CredentialCheck, Credentials } from './credentials.ts'
import { createTurnstile, type TurnstileOptions } from './turnstile.ts'
import type { StoredUser } from './user-store.ts'

/** How many log-ins there may be. */
export interface LogInLimits {
  /** Failed log-ins for one name from one address. @defaultValue 10 a minute */
  readonly attempts?: AttemptLimitOptions
  /** Failed log-ins from one address, whatever the names. @defaultValue 30 a minute */
  readonly addressAttempts?: AttemptLimitOptions
  /** Passwords compared at a time. @defaultValue 2 at once and 16 waiting */
  readonly passwordChecks?: TurnstileOptions
}

/** What became of a log-in. */
export type LogInOutcome =
  | { readonly kind: 'right'; readonly user: StoredUser }
  | { readonly kind: 'wrong' }
  /** Too many attempts, or too much to do: come back after so many seconds. */
  | { readonly kind: 'limited'; readonly wait: number }
  | { readonly kind: 'busy'; readonly wait: number }

/** Checks credentials that came from an address. */
export type LogInGuard = (address: string, credentials: Credentials) => Promise<LogInOutcome>

const BUSY: LogInOutcome = { kind: 'busy', wait: 5 }

/**
 * Comparing a password is made to be costly, so each address has few attempts, and few passwords are compared at a time:
 * a flood of log-ins is turned away before it costs anything.
 */
export const createLogInGuard = (check: CredentialCheck, limits: LogInLimits = {}): LogInGuard => {
  // By address and name together: an attacker elsewhere cannot lock a person out.
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
    // Only this one: a person who can log in must not win new attempts at the names of others.
    byAddress.takeBack(address)
    return { kind: 'right', user }
  }
}
