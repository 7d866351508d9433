/** The consumer's input. */
export interface ConsumerInput {
  readonly token: string
  /** The URL of the keys. */
  readonly jwksUri: string
  /** A URL that refuses connections. */
  readonly gone: string
  /** Whether to import `@claimgate/core/node`, too. */
  readonly forNode: boolean
}

/** The consumer's results. */
export interface ConsumerReport {
  /** The names that each entry point exports. */
  readonly names: Readonly<Record<string, readonly string[]>>
  /** `sub` of the verified token. */
  readonly subject: unknown
  /** Whether `AuthError` of two entry points is one class. */
  readonly isOneClass: boolean
  /** The refusals of several parts of core. */
  readonly refusals: Readonly<Record<'core' | 'denylist' | 'jwe' | 'transport', Refusal>>
  /** Every path that a file of core imported. */
  readonly reached: readonly string[]
}

/** An `AuthError` as the consumer sees it; a `code` with spaces means that it was another error. */
interface Refusal {
  readonly code: string
  readonly cause?: string | undefined
}
