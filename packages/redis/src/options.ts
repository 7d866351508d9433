import {
  type Clock,
  clockOption,
  type Filled,
  logOption,
  numberIn,
  oneOf,
  type OptionTable,
  readOptions,
} from '@claimgate/core/adapter'

/** Options of every store on Redis. */
export interface RedisOptions {
  /** Prefix of all keys in Redis. Use the same one in every process of an API. Up to 200 characters. @defaultValue 'claimgate:' */
  readonly prefix?: string | undefined
  /** Seconds to wait for Redis. Without an answer, the store is unavailable. From 0.001 to 30. @defaultValue 0.5 */
  readonly timeout?: number | undefined
  /** Where time comes from. If the verifier has a `clock`, pass the same one. @defaultValue the runtime's clocks */
  readonly clock?: (Pick<Clock, 'now'> & Partial<Clock>) | undefined
}

/** Options of the stores that protect only while Redis evicts none of their entries. */
export interface RedisGuardOptions extends RedisOptions {
  /**
   * What to do if Redis may evict entries: if `INFO memory` names another `maxmemory-policy` than `noeviction`, or none. `refuse` makes the
   * store unavailable, so requests get status 503. `accept` uses it: proofs can then be replayed, and revoked tokens can be accepted again.
   * @defaultValue 'refuse'
   */
  readonly eviction?: 'refuse' | 'accept' | undefined
  /** Gets one line if Redis may evict entries: anything with `warn`, or `false` for none. @defaultValue console */
  readonly log?: RedisLog | false | undefined
}

/** A log for warnings: anything with `warn`, such as `console`, pino or winston. Its exceptions and rejections are ignored. */
export interface RedisLog {
  warn(message: string): unknown
}

/** Options of `redisJwkSets`. */
export interface RedisJwkSetOptions extends RedisOptions {
  /**
   * Seconds that one process has to fetch a key set before another one fetches. If a process crashes during its fetch, the others wait at most
   * this long, and never longer than the `softWait` of their verifiers. From 0.05 to 60. @defaultValue 5
   */
  readonly lease?: number | undefined
}

/** The options of every store. */
export const REDIS: OptionTable<RedisOptions> = {
  prefix: {
    be: 'text of at most 200 characters',
    fits: (value) => typeof value === 'string' && value.length <= 200,
    default: 'claimgate:',
  },
  timeout: numberIn({ least: 0.001, most: 30, default: 0.5 }),
  clock: clockOption,
}

/** The options of the stores that need `noeviction`. */
export const REDIS_GUARD: OptionTable<RedisGuardOptions> = {
  ...REDIS,
  eviction: { ...oneOf('refuse', 'accept'), default: 'refuse' },
  log: { ...logOption, default: globalThis.console },
}

/** The options of `redisJwkSets`. */
export const REDIS_JWK_SETS: OptionTable<RedisJwkSetOptions> = {
  ...REDIS,
  lease: numberIn({ least: 0.05, most: 60, default: 5 }),
}

type Read<T extends RedisOptions> = Filled<T, Exclude<keyof T, 'clock'>> & { readonly clock: Clock }

/** @throws TypeError for unknown options and values out of range */
export function resolveOptions<T extends RedisOptions>(action: string, given: T, table: OptionTable<T>): Read<T> {
  return readOptions(action, given, table) as Read<T>
}
