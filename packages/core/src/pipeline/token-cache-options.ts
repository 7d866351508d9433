import { numberIn, type OptionTable } from '../options/option-rules.ts'

/** How many accepted tokens a verifier caches, and for how long; never past their `exp`. */
export interface TokenCacheOptions {
  /** Most tokens in the cache. From 1 to 1,000,000. @defaultValue 10000 */
  readonly maxEntries?: number | undefined
  /** Estimated bytes of memory for tokens and their claims. On Node, at most 1.5 times as many are used. From 65,536 to 1,073,741,824. @defaultValue 16777216 */
  readonly maxBytes?: number | undefined
  /** Seconds until a cached token is verified again. From 1 to 300. @defaultValue 300 */
  readonly maxAge?: number | undefined
}

/** `TokenCacheOptions` with its defaults filled in. */
export type ResolvedTokenCache = Readonly<Record<keyof TokenCacheOptions, number>>

/** The options of the token cache. */
export const TOKEN_CACHE: OptionTable<TokenCacheOptions> = {
  maxEntries: numberIn({ least: 1, most: 1_000_000, whole: true, default: 10_000 }),
  maxBytes: numberIn({ least: 65_536, most: 1_073_741_824, whole: true, default: 16_777_216 }),
  maxAge: numberIn({ least: 1, most: 300, whole: true, default: 300 }),
}
