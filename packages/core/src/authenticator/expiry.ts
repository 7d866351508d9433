import { type Clock, systemClock } from '../model/runtime.ts'
import { signedClaims, type VerifiedToken } from '../model/token.ts'
import { ignoreRejection, own } from '../model/values.ts'

/** No timer may be longer, in milliseconds: the wall clock may be changed, and a machine may sleep while timers stand still. */
export const LONGEST_WAIT = 60_000

/**
 * Returns a function that says how many milliseconds are left until a time, by the clock that is ahead, because the wall clock may be set back.
 * `NaN` if the wall clock fails.
 *
 * @param expiresAt - in milliseconds since the epoch
 * @param most - milliseconds that may be left by the monotonic clock. @defaultValue Infinity
 */
export function timeLeft(
  expiresAt: number,
  clock: Pick<Clock, 'now' | 'monotonic'>,
  most: number = Infinity,
): () => number {
  const leftByWall = (): number => {
    try {
      return expiresAt - clock.now()
    } catch {
      return Number.NaN
    }
  }
  const deadline = clock.monotonic() + Math.min(leftByWall(), most)
  return () => Math.min(leftByWall(), deadline - clock.monotonic())
}

/**
 * Calls back once at the `exp` of a token, for example to end a stream, by the clock that is ahead. Never before this function has returned, and never for a token
 * without `exp`. The timer does not keep the process running. What the function throws is ignored, because it must not end the process.
 *
 * @param clock - where time comes from. @defaultValue the runtime's clocks
 * @returns a function that cancels
 */
export function onExpiry(
  token: Pick<VerifiedToken, 'claims'>,
  callback: () => unknown,
  clock: Clock = systemClock,
): () => void {
  if (typeof callback !== 'function') throw new TypeError('Cannot wait for expiry: give a function')
  const exp: unknown = own(signedClaims(token), 'exp')
  if (typeof exp !== 'number') return () => {}
  const left = timeLeft(exp * 1000, clock)
  let cancel: (() => void) | undefined
  const wait = (): void => {
    const milliseconds = left()
    const isOver = !(milliseconds > 0)
    cancel = clock.setTimeout(isOver ? expire : wait, isOver ? 0 : Math.ceil(Math.min(milliseconds, LONGEST_WAIT)))
  }
  const expire = (): void => {
    try {
      ignoreRejection(callback())
    } catch {}
  }
  wait()
  return () => cancel?.()
}
