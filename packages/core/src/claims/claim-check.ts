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

/** One rule about the claims. */
export interface ClaimCheck {
  /** Name of the step in an explanation: the claim it looks at. */
  readonly step: string
  /** A lasting answer follows from the token alone; a momentary one from the time too, or from a function of the application. */
  readonly answer: 'lasting' | 'momentary'
  /** Throws `AuthError` where the token breaks the rule. */
  check(subject: ClaimSubject, context: ClaimContext): void
  /** What was compared, for `explain`; asked of a token that has passed. */
  compare(subject: ClaimSubject, context: ClaimContext): Comparison
}

/** What a check compared. */
export interface Comparison {
  readonly expected?: unknown
  readonly actual?: unknown
}
