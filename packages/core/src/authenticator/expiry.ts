import { type Clock, systemClock } from '../model/runtime.ts'
import { signedClaims, type VerifiedToken } from '../model/token.ts'
import { ignoreRejection, own } from '../model/values.ts'

// The wall clock may be changed, and a machine may sleep while timers stand still.
const LONGEST_WAIT = 60_000

/**
 * Calls back once at the `exp` of a token, for example to close a connection. Never before this function has returned, and never for a token
 * without `exp`. The timer does not keep the process running. What the function throws is ignored, because it must not end the process.
 *
 * @param clock - where time comes from. @defaultValue the runtime's clocks
 * @returns a function that cancels
 */
export function onExpiry(
  token: Pick<VerifiedToken, 'claims'>,
  callback: () => unknown,
  clock: Pick<Clock, 'now' | 'setTimeout'> = systemClock,
): () => void {
  if (typeof callback !== 'function') throw new TypeError('Cannot wait for expiry: give a function')
  const exp: unknown = own(signedClaims(token), 'exp')
  if (typeof exp !== 'number') return () => {}
  let cancel: (() => void) | undefined
  const wait = (): void => {
    const left = exp * 1000 - clock.now()
    cancel = clock.setTimeout(left > 0 ? wait : expire, Math.min(Math.max(left, 0), LONGEST_WAIT))
  }
  const expire = (): void => {
    try {
      ignoreRejection(callback())
    } catch {}
  }
  wait()
  return () => cancel?.()
}
