/** What a denylist holds about a token, a subject or a session. Whole seconds since the epoch. */
export interface DenylistEntry {
  /** Refuses tokens whose `iat` is this or less, and tokens without one. */
  readonly issuedUpTo: number
  /** Until then the entry must not be forgotten; afterwards it means nothing. */
  readonly expiresAt: number
}

/**
 * Where a denylist is kept: this program's memory, Redis, a database. `denylistStoreCases` of `@claimgate/testing` holds a
 * store to this contract.
 *
 * Whatever a method throws means that the store cannot answer now: requests are then refused with status 503, and
 * nothing counts as denied. A store that is full throws, and forgets nothing.
 */
export interface DenylistStore {
  /**
   * The `issuedUpTo` of each key, in the order of the keys, and `undefined` for each that has no entry. One round trip: it is
   * asked once for every request.
   *
   * Keys are compared exactly. They are 1 to 200 printable ASCII characters, of which callers choose some.
   */
  find(keys: readonly string[]): Promise<readonly (number | undefined)[]>
  /**
   * Adds an entry. Where the key has one already, the greater of each of the two numbers stays, also where several add at once:
   * an entry never means less than before.
   *
   * Once the promise is fulfilled, everybody who shares the store finds the entry.
   */
  add(key: string, entry: DenylistEntry): Promise<void>
}
