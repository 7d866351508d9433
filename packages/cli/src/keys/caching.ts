import { entityTag, freshSeconds, KEY_SET_TUNING, lifetime } from '@claimgate/core/adapter'

import type { Answer } from '../network/fetch.ts'

/** What the header fields of a JWK Set say about caching, and what Claimgate makes of them. Times are in seconds. */
export interface Caching {
  readonly cacheControl: string | null
  readonly etag: string | null
  /** How long the set is fresh. */
  readonly freshFor: number
  /** Whether the server says how long, within the limits of Claimgate. Otherwise the default counts. */
  readonly source: 'max-age' | 'default'
  /** From when a request refreshes the set in the background: somewhere between these. */
  readonly refreshBetween: readonly [number, number]
  /** How long the set is used if the server fails. */
  readonly usableFor: number
  /** Whether refreshes send `If-None-Match`. */
  readonly conditional: boolean
}

const defaultOf = (name: 'freshFor' | 'staleFor'): number => Number(KEY_SET_TUNING[name].default)

/** Reads the header fields of an answer with the rules of core. */
export function cachingOf({ field }: Pick<Answer, 'field'>): Caching {
  const headers = { get: (name: string) => field(name) ?? null }
  const maxAge = freshSeconds(headers)
  const freshFor = maxAge ?? defaultOf('freshFor')
  const at = (random: number): ReturnType<typeof lifetime> =>
    lifetime(0, freshFor, { staleFor: defaultOf('staleFor'), random: () => random })
  return {
    cacheControl: field('cache-control') ?? null,
    etag: field('etag') ?? null,
    freshFor,
    source: maxAge === undefined ? 'default' : 'max-age',
    refreshBetween: [at(0).refreshAt / 1000, at(1).refreshAt / 1000],
    usableFor: at(0).usableUntil / 1000,
    conditional: entityTag(field('etag')) !== undefined,
  }
}
