import type { DenylistStore } from '@claimgate/core/denylist'

/** A store on trial: empty, and with a clock that can be moved or waited for. */
export interface DenylistStoreSubject {
  readonly store: DenylistStore
  /** The time by the store's clock, in seconds since the epoch. */
  now(): number
  /** Lets this many seconds pass by the store's clock: turns it, or waits. No case lets more than 4 pass. */
  pass(seconds: number): Promise<void>
}

/** One demand of the contract of denylist stores. */
export interface DenylistStoreCase {
  /** What the store must do. */
  readonly name: string
  /**
   * Tries a store that is empty and that nobody else uses.
   *
   * @throws Error where the store does not do it
   */
  run(subject: DenylistStoreSubject): Promise<void>
}
