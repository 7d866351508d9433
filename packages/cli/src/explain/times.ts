import { duration, LAST_SECOND, own } from '@claimgate/core/adapter'

/** A time of a token, in words. */
export interface TokenTime {
  readonly claim: 'exp' | 'nbf' | 'iat' | 'auth_time'
  /** ISO 8601; `null` for a number that is no date. */
  readonly at: string | null
  /** Such as `expired 4 minutes ago`. */
  readonly words: string
}

const WORDS: Readonly<Record<TokenTime['claim'], { readonly past: string; readonly future: string }>> = {
  exp: { past: 'expired', future: 'expires' },
  nbf: { past: 'valid since', future: 'not valid before' },
  iat: { past: 'issued', future: 'issued' },
  auth_time: { past: 'signed in', future: 'signed in' },
}
const CLAIMS = Object.keys(WORDS) as readonly TokenTime['claim'][]

/**
 * The times of a token.
 *
 * @param now - seconds since the epoch
 */
export function timesOf(claims: Readonly<Record<string, unknown>>, now: number): readonly TokenTime[] {
  return CLAIMS.flatMap((claim) => {
    const value = own(claims, claim)
    return typeof value === 'number' ? [timeOf(claim, value, now)] : []
  })
}

function timeOf(claim: TokenTime['claim'], seconds: number, now: number): TokenTime {
  if (!(seconds >= 0 && seconds <= LAST_SECOND)) return { claim, at: null, words: 'no date' }
  const { past, future } = WORDS[claim]
  const ago = now - seconds
  const words = ago >= 0 ? `${past} ${duration(ago)} ago` : `${future} in ${duration(-ago)}`
  return { claim, at: new Date(seconds * 1000).toISOString(), words }
}
