/** The last time a token may name, in seconds since the epoch: the end of the year 9999. Some issuers write it as "never expires". */
export const LAST_SECOND = 253_402_300_799

const LEAST_FORGIVEN = 60

/**
 * Seconds that `iat` may lie in the future. `iat` only says when a token was made, and a clock that is a few seconds ahead is common, so
 * at least 60 s are forgiven; `nbf` is what says that a token is not valid yet.
 */
export function forgivenAhead(clockTolerance: number): number {
  return Math.max(LEAST_FORGIVEN, clockTolerance)
}

/** A number of seconds as a person would say it: seconds, minutes, hours or days. */
export function duration(seconds: number): string {
  const [unit, length] = UNITS.find(([, size]) => Math.abs(seconds) >= 2 * size) ?? SECOND
  const count = Math.floor(seconds / length)
  return `${count} ${unit}${count === 1 ? '' : 's'}`
}

const SECOND = ['second', 1] as const
const UNITS = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
] as const
