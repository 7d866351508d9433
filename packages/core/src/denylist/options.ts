import {
  anything,
  checkOptions,
  type Clock,
  knownOptions,
  type NumberRange,
  objectWith,
  type OptionRules,
  readNumbers,
  resolveClock,
} from '../extend.ts'

/** How a denylist looks tokens up, and for how long it keeps what it is told. */
export interface DenylistOptions {
  /** Where entries are kept: `createMemoryDenylist()`, or a store that several processes share. */
  readonly store: DenylistStore
  /**
   * Seconds from `iat` to `exp` of the longest-lived token there may be: entries of subjects and sessions are kept until such a
   * token has expired. Tokens that live longer are refused, for they would outlive the entry that denies them; the life
   * of a token without `iat` counts from now. From 1 to 31,536,000. @defaultValue 86400
   */
  readonly maxLifetime?: number | undefined
  /**
   * Seconds that the issuer's clock may be ahead of this one: `denySubject` ends tokens whose `iat` is up to this much in the future.
   * Not less than the verifier forgives: 60, or its `clockTolerance` if that is more. From 0 to 300. @defaultValue 60
   */
  readonly clockTolerance?: number | undefined
  /**
   * The greatest `maxLag` that tokens are verified with (`asOf`): entries are kept this many seconds longer, for such tokens
   * are accepted after they have expired. From 0 to 31,536,000. @defaultValue 0
   */
  readonly maxLag?: number | undefined
  /** Seconds to wait for the store. Without an answer requests are refused with status 503. From 0.001 to 30. @defaultValue 1 */
  readonly timeout?: number | undefined
  /** Where time comes from; the verifier's, where that has one of its own. @defaultValue the runtime's clocks */
  readonly clock?: (Pick<Clock, 'now'> & Partial<Clock>) | undefined
}

/** Options with defaults filled in, checked and frozen. */
type ResolvedDenylistOptions = Pick<DenylistOptions, 'store'> &
  Readonly<Record<NumericOption, number>> & { readonly clock: Clock }

/** The numbers that hold where an option is left out. */
export const DENYLIST_DEFAULTS: Readonly<Record<NumericOption, number>> = Object.freeze({
  maxLifetime: 86_400,
  clockTolerance: 60,
  maxLag: 0,
  timeout: 1,
})

/** @throws TypeError for options that are missing or out of range */
export function resolveDenylistOptions(given: DenylistOptions): ResolvedDenylistOptions {
  const options = knownOptions(ACTION, given, [...Object.keys(RULES), ...Object.keys(RANGES)])
  checkOptions(ACTION, options, RULES, { required: ['store'] })
  return Object.freeze({
    store: options.store,
    clock: resolveClock(ACTION, options.clock),
    ...readNumbers(ACTION, options, RANGES, { defaults: DENYLIST_DEFAULTS, path: '' }),
  })
}

type NumericOption = 'maxLifetime' | 'clockTolerance' | 'maxLag' | 'timeout'

const ACTION = 'create denylist'
const RULES: OptionRules = {
  store: objectWith('an object { find, add }, such as createMemoryDenylist()', 'find', 'add'),
  clock: anything,
}
const YEAR = 31_536_000
const RANGES: Readonly<Record<NumericOption, NumberRange>> = {
  maxLifetime: { least: 1, most: YEAR },
  clockTolerance: { least: 0, most: 300 },
  maxLag: { least: 0, most: YEAR },
  timeout: { least: 0.001, most: 30 },
}

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
