import type { Claims, JoseHeader } from '../model/token.ts'

/** What a claim check looks at. Before the signature has been verified only `explain` runs checks on it. */
export interface ClaimSubject {
  readonly header: JoseHeader
  readonly claims: Claims
}

export interface ClaimContext {
  /** Seconds since the epoch at which the token must be valid. */
  readonly now: number
}

/** One rule about the claims. Throws `AuthError` where the token breaks it, and returns what it compared where it holds. */
export interface ClaimCheck {
  /** Name of the step in an explanation: the claim it looks at. */
  readonly step: string
  check(subject: ClaimSubject, context: ClaimContext): Comparison
}

/** What a check compared, for `explain`. */
export interface Comparison {
  readonly expected?: unknown
  readonly actual?: unknown
}
