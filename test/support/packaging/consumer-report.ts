/** What the consumer is told. */
export interface ConsumerInput {
  readonly token: string
  /** Where the keys are. */
  readonly jwksUri: string
  /** Where nobody answers. */
  readonly gone: string
  /** Whether to import `@claimgate/core/node`, too. */
  readonly forNode: boolean
}

/** What the consumer found. */
export interface ConsumerReport {
  /** The names that each entry point exports. */
  readonly names: Readonly<Record<string, readonly string[]>>
  /** `sub` of the token, once verified. */
  readonly subject: unknown
  /** Whether `AuthError` of two entry points is one class. */
  readonly isOneClass: boolean
  /** What parts of core refused with. */
  readonly refusals: Readonly<Record<'core' | 'denylist' | 'jwe' | 'transport', Refusal>>
  /** Every address that a file of core imported. */
  readonly reached: readonly string[]
}

/** An `AuthError` as the consumer sees it; a `code` with spaces tells that it was none. */
interface Refusal {
  readonly code: string
  readonly cause?: string | undefined
}
