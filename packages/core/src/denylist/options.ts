import {
  type Clock,
  clockOption,
  type Filled,
  numberIn,
  type NumbersOf,
  objectWith,
  type OptionTable,
  readOptions,
  required,
} from '../adapter.ts'

/** How a denylist looks tokens up, and how long it keeps entries. */
export interface DenylistOptions {
  /** Where entries are stored: `createMemoryDenylist()`, or a store that several processes share. */
  readonly store: DenylistStore
  /**
   * Longest time from `iat` to `exp` of a token, in seconds. Entries of subjects and sessions are kept until such a token has expired.
   * Tokens with `sub` or `sid` that live longer are refused, because they would outlive the entry that revokes them. The lifetime
   * of a token without `iat` counts from now. From 1 to 31,536,000. @defaultValue 86400
   */
  readonly maxLifetime?: number | undefined
  /**
   * Seconds that the issuer's clock may be ahead of this one: `denySubject` revokes tokens whose `iat` is up to this far in the future.
   * Must not be less than the verifier allows: 60, or its `clockTolerance` if larger. From 0 to 300. @defaultValue 60
   */
  readonly clockTolerance?: number | undefined
  /**
   * The largest `maxLag` that tokens are verified with (`asOf`), in seconds. Entries are kept this much longer, because such tokens are
   * accepted after they have expired. From 0 to 31,536,000. @defaultValue 0
   */
  readonly maxLag?: number | undefined
  /** Seconds to wait for the store. Without an answer, requests get status 503. From 0.001 to 30. @defaultValue 1 */
  readonly timeout?: number | undefined
  /** Where time comes from. If the verifier has a `clock`, pass the same one. @defaultValue the runtime's clocks */
  readonly clock?: (Pick<Clock, 'now'> & Partial<Clock>) | undefined
}

const YEAR = 31_536_000

/** The options of a denylist. */
export const DENYLIST: OptionTable<DenylistOptions> = {
  store: required(objectWith('an object { find, add }, such as createMemoryDenylist()', 'find', 'add')),
  maxLifetime: numberIn({ least: 1, most: YEAR, default: 86_400 }),
  clockTolerance: numberIn({ least: 0, most: 300, default: 60 }),
  maxLag: numberIn({ least: 0, most: YEAR, default: 0 }),
  timeout: numberIn({ least: 0.001, most: 30, default: 1 }),
  clock: clockOption,
}

/** Options with defaults filled in, checked and frozen. */
type ResolvedDenylistOptions = Filled<DenylistOptions, NumbersOf<DenylistOptions>> & {
  readonly clock: Clock
}

/** @throws TypeError for options that are missing or out of range */
export function resolveDenylistOptions(given: DenylistOptions): ResolvedDenylistOptions {
  return readOptions('create denylist', given, DENYLIST) as ResolvedDenylistOptions
}

/** The entry for a token, a subject or a session. Whole seconds since the epoch. */
export interface DenylistEntry {
  /** Refuses tokens with this `iat` or an earlier one, and tokens without `iat`. */
  readonly issuedUpTo: number
  /** Keep the entry until this time; after it, the entry has no effect. */
  readonly expiresAt: number
}

/**
 * Where a denylist is stored: memory, Redis, a database. Run `denylistStoreCases` of `@claimgate/testing` to test that your store meets
 * this contract.
 *
 * If a method throws, the store is unavailable: requests get status 503, and nothing counts as revoked. A store that is full throws, and
 * removes nothing.
 */
export interface DenylistStore {
  /**
   * Returns the `issuedUpTo` of each key, in the order of the keys, and `undefined` for each key without an entry. Use one round trip: it is
   * called for every request.
   *
   * Keys are compared exactly. They are 1 to 200 printable ASCII characters, some of them chosen by callers.
   */
  find(keys: readonly string[]): Promise<readonly (number | undefined)[]>
  /**
   * Adds an entry. If the key already has one, keeps the larger value of each of the two numbers, even when several processes add at once:
   * an entry never becomes weaker.
   *
   * Once the promise is fulfilled, every process that shares the store finds the entry.
   */
  add(key: string, entry: DenylistEntry): Promise<void>
}
