import type { DenylistStore } from '@claimgate/core/denylist'

/** A store under test: empty, with a clock that the test can advance or wait for. */
export interface DenylistStoreSubject {
  readonly store: DenylistStore
  /** The time by the store's clock, in seconds since the epoch. */
  now(): number
  /** Lets this many seconds pass on the store's clock: advances it, or waits. No case lets more than 4 pass. */
  pass(seconds: number): Promise<void>
}

/** One requirement of the contract of denylist stores. */
export interface DenylistStoreCase {
  /** What the store must do. */
  readonly name: string
  /**
   * Tests an empty store that nothing else uses.
   *
   * @throws Error if the store does not meet the requirement
   */
  run(subject: DenylistStoreSubject): Promise<void>
}
