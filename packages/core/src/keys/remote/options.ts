import { assertDefaultFetch, defaultFetch, defaultFetchThrough } from '#default-fetch'
import type { JSONWebKeySet } from 'jose'
import type { EventListener } from '../../model/events.ts'
import { type Clock, defaultSharing, type FetchLike, type Sharing, systemClock } from '../../model/runtime.ts'
import { bare, ignoreRejection, own } from '../../model/values.ts'
import {
  anything,
  callback,
  type Filled,
  flag,
  isOptions,
  isRecord,
  misconfigured,
  numberIn,
  type NumbersOf,
  objectWith,
  oneOf,
  type OptionRow,
  type OptionRule,
  type OptionTable,
} from '../../options/option-rules.ts'
import { readOptions } from '../../options/read-options.ts'
import { httpHost, type PlainHttp } from '../fetch/key-uri.ts'

/** A JWK Set as it was fetched, stored where a worker can find it on a cold start: a file, a KV, Redis. Plain JSON. */
export interface JwkSetSeed {
  /** The `uri` of its key set; a seed is used for no other. For a discovered key set, its `metadataUri`, or else the issuer. */
  readonly uri: string
  /** Where it was fetched, if that is not `uri`. Without it, the `etag` of a discovered key set is ignored. @defaultValue `uri` */
  readonly url?: string
  readonly jwks: JSONWebKeySet
  /** When it was last fetched or confirmed: wall time, milliseconds since the epoch. */
  readonly fetchedAt: number
  readonly etag?: string
  /** Seconds the server allows it to be cached (`Cache-Control: max-age`). */
  readonly maxAge?: number
  /** Seconds before `fetchedAt` from which newly published keys may be missing: the age of the response in HTTP caches. */
  readonly lag?: number
}

/**
 * Where workers share the key sets of one issuer: a file, a KV, Redis. Anyone who can write to it can install keys. If it throws, it counts
 * as empty. Run `jwkSetStoreCases` of `@claimgate/testing` to test your store.
 */
export interface JwkSetStore {
  /**
   * The set stored last. `wanted` is given by verifiers, which fetch the set if there is no seed of use. A store may use it to let only one
   * of many processes fetch: the others get the answer when its set is stored.
   */
  get(uri: string, wanted?: WantedSeed): Promise<JwkSetSeed | undefined>
  /** @param seconds - how long the set is of use: until it is too old even for an outage. Afterwards, it may be dropped. */
  set(uri: string, seed: JwkSetSeed, seconds?: number): Promise<void>
  /**
   * Called by a verifier that `get` gave no seed of use, if its fetch has failed. A store that lets only one process fetch can let the next one
   * fetch. @defaultValue none
   */
  failed?(uri: string): Promise<void>
}

/** Which seed a verifier can use, and how long it waits. */
export interface WantedSeed {
  /** Only a seed with a later `fetchedAt` is of use. Absent if the verifier has no set yet. */
  readonly newerThan?: number
  /** Seconds until the verifier stops waiting, and fetches. */
  readonly seconds: number
}

/** A store in memory, for tests and for several verifiers in one program. */
export function createMemoryJwkSetStore(): JwkSetStore {
  const seeds = new Map<string, string>()
  return Object.freeze<JwkSetStore>({
    get: async (uri) => {
      const text = seeds.get(uri)
      return text === undefined ? undefined : (JSON.parse(text) as JwkSetSeed)
    },
    // Stored as text, like in an external store, so verifiers never share an object.
    set: async (uri, seed) => {
      seeds.set(uri, JSON.stringify(seed))
    },
  })
}

/** How keys are fetched and cached. Durations are seconds. */
export interface RemoteKeySetTuning {
  /** Seconds a set is fresh if the server sends no `Cache-Control: max-age`. From 1 to 86,400. @defaultValue 600 */
  readonly freshFor?: number | undefined
  /** Seconds a set past its freshness is served while fetching fails. From 0 to 86,400. @defaultValue 3600 */
  readonly staleFor?: number | undefined
  /** Seconds between fetches caused by unknown key IDs or failed signatures. From 1 to 3,600. @defaultValue 30 */
  readonly cooldown?: number | undefined
  /**
   * Seconds that a request waits for keys, and that fetching them may take. Store, metadata, keys and retry share this deadline. From 0.01
   * to 30. @defaultValue 5
   */
  readonly timeout?: number | undefined
  /** Seconds a request waits for a newer set if the old one is still usable. From 0 to 30. @defaultValue 1 */
  readonly softWait?: number | undefined
  /** Most fetches in any 60 s. From 1 to 60. @defaultValue 10 */
  readonly fetchesPerMinute?: number | undefined
  /** Most bytes of a JWK Set, after decompression. From 1 to 1,048,576. @defaultValue 65536 */
  readonly maxBytes?: number | undefined
  /** Most members of a JWK Set. From 1 to 1,000. @defaultValue 64 */
  readonly maxKeys?: number | undefined
  /** `false` rejects http even to a configured loopback address (127.0.0.0/8, ::1, localhost). @defaultValue true */
  readonly allowLoopbackHttp?: boolean
  /**
   * The proxy for https on Node: its address, `'environment'` to read `HTTPS_PROXY`, or `false` for none. Hosts in `NO_PROXY`, loopback
   * addresses and plain http always bypass it. @defaultValue 'environment' under NODE_USE_ENV_PROXY=1, else false
   */
  readonly proxy?: string | URL | false | undefined
  /**
   * Header fields for requests for keys and metadata, such as the API key of a gateway: names and visible ASCII values. Sent only to the
   * origin of the configured `issuer` or `jwksUri` and to `allowedKeyHosts`. Your own `fetch` receives them as well. @defaultValue none
   */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Where workers share key sets. @defaultValue none */
  readonly store?: JwkSetStore | undefined
  /** A set fetched earlier, so the first request need not wait. @defaultValue none */
  readonly seed?: JwkSetSeed | undefined
  /** Keeps the runtime alive for background work, such as the `waitUntil` of a worker. @defaultValue none */
  readonly waitUntil?: ((promise: Promise<unknown>) => void) | undefined
  /**
   * How requests share a fetch: by awaiting its promise, or by polling for its result with separate timers. Runtimes that tie I/O to a
   * request need polling. @defaultValue 'poll' on Cloudflare Workers, 'promise' elsewhere
   */
  readonly sharing?: Sharing | undefined
}

/** How to fetch and cache a key set. */
export interface RemoteKeySetOptions extends RemoteKeySetTuning {
  /** Makes a JWK Set of a document in another form. Throws `FetchError` for anything else. @defaultValue the document is a JWK Set */
  readonly toJwks?: ((text: string) => JSONWebKeySet) | undefined
  /** What messages say about status 401 and 403. @defaultValue what to write for `keySet.headers`, if there are none */
  readonly ifRefused?: string | undefined
  /**
   * Hosts that may be fetched from over plain http, exact, with their port unless it is 80, such as `keycloak:8080`. Only for an address that
   * is configured with `http:`, and on Node only while the host resolves to addresses that are not public. @defaultValue none
   */
  readonly allowHttpHosts?: readonly string[] | undefined
  /** @defaultValue undici on Node, the runtime's own `fetch` elsewhere */
  readonly fetch?: FetchLike | undefined
  /** Where time comes from. @defaultValue the runtime's clocks */
  readonly clock?: Clock | undefined
  /** Returns numbers from 0 to 1, for jitter. @defaultValue Math.random */
  readonly random?: (() => number) | undefined
  /** Called for each fetch and each skipped key. @defaultValue none */
  readonly onEvent?: EventListener | undefined
}

/** How to fetch and cache keys, checked, with defaults filled in. */
export type ResolvedTuning = Filled<RemoteKeySetTuning, NumbersOf<RemoteKeySetTuning> | 'allowLoopbackHttp' | 'headers'>

/** Options with defaults filled in, checked and frozen. */
export interface ResolvedKeySetOptions extends Filled<
  Omit<ResolvedTuning & RemoteKeySetOptions, 'allowLoopbackHttp' | 'allowHttpHosts' | 'proxy'>,
  'sharing' | 'fetch' | 'clock' | 'random'
> {
  readonly plainHttp: PlainHttp
  readonly headers: Readonly<Record<string, string>>
}

/** The options of `RemoteKeySetTuning`. */
export const KEY_SET_TUNING: OptionTable<RemoteKeySetTuning> = {
  freshFor: numberIn({ least: 1, most: 86_400, default: 600 }),
  staleFor: numberIn({ least: 0, most: 86_400, default: 3600 }),
  cooldown: numberIn({ least: 1, most: 3600, default: 30 }),
  timeout: numberIn({ least: 0.01, most: 30, default: 5 }),
  softWait: numberIn({ least: 0, most: 30, default: 1 }),
  fetchesPerMinute: numberIn({ least: 1, most: 60, whole: true, default: 10 }),
  maxBytes: numberIn({ least: 1, most: 1_048_576, whole: true, default: 65_536 }),
  maxKeys: numberIn({ least: 1, most: 1000, whole: true, default: 64 }),
  allowLoopbackHttp: { ...flag, default: true },
  // Checked by the transport, whose message does not quote it: it may contain a password.
  proxy: {
    be: '"environment", false or the address of a proxy',
    fits: (value) => value === false || typeof value === 'string' || value instanceof URL,
  },
  headers: { ...anything, read: headerFields, default: Object.freeze(bare({})) },
  store: objectWith('an object { get, set }', 'get', 'set'),
  seed: {
    be: 'an object { uri, jwks, fetchedAt }, as a store is given it',
    fits: (value) => isOptions(value) && typeof own(value, 'uri') === 'string' && isOptions(own(value, 'jwks')),
  },
  waitUntil: callback,
  sharing: oneOf('promise', 'poll'),
}

/** Hosts that may be fetched from over plain http. */
export const httpHosts: OptionRule = {
  be: 'a list of hosts with their port, such as ["keycloak:8080"]',
  fits: (hosts) => Array.isArray(hosts) && hosts.every((host) => httpHost(host) !== undefined),
}

/** What fetches keys and metadata. */
export const fetchOption: OptionRow = { ...callback, default: defaultFetch }

/** The options of `RemoteKeySetOptions`. */
export const REMOTE_KEY_SET: OptionTable<RemoteKeySetOptions> = {
  ...KEY_SET_TUNING,
  toJwks: callback,
  ifRefused: { be: 'a string', fits: (value) => typeof value === 'string' },
  allowHttpHosts: { ...httpHosts, default: [] },
  fetch: fetchOption,
  clock: {
    ...objectWith('an object { now, monotonic, setTimeout }', 'now', 'monotonic', 'setTimeout'),
    default: systemClock,
  },
  random: callback,
  onEvent: callback,
}

const ACTION = 'use remote key set'

/** @throws TypeError for an unknown option or one out of its range, and if there is no transport */
export function resolveKeySetOptions(given: RemoteKeySetOptions): ResolvedKeySetOptions {
  return completeKeySetOptions(readOptions(ACTION, given, REMOTE_KEY_SET) as ReadKeySetOptions)
}

/** Key set options as their tables return them. */
export type ReadKeySetOptions = ResolvedTuning & Filled<RemoteKeySetOptions, 'allowHttpHosts' | 'fetch' | 'clock'>

/**
 * Completes options that were read by their tables.
 *
 * @param read - inherits nothing
 * @throws TypeError for a proxy beside another fetch than the default, and if there is no transport
 */
export function completeKeySetOptions(read: ReadKeySetOptions): ResolvedKeySetOptions {
  const { allowLoopbackHttp, allowHttpHosts, proxy, sharing, fetch, random = Math.random, ...options } = read
  const hosts = allowHttpHosts.map((host) => httpHost(host) ?? host)
  return Object.freeze(
    bare<ResolvedKeySetOptions>({
      ...options,
      plainHttp: { loopback: allowLoopbackHttp ? 'allowed' : 'refused', hosts },
      sharing: sharing ?? defaultSharing(),
      fetch: transportOf(fetch, proxy),
      random: () => {
        const given = random()
        ignoreRejection(given)
        // With anything else, such as a promise, the back-off would not hold. 1 waits longest.
        return given >= 0 && given <= 1 ? given : 1
      },
    }),
  )
}

/**
 * What fetches, through the proxy if one is given.
 *
 * @throws TypeError for a proxy beside another fetch than the default, and if there is no transport
 */
export function transportOf(fetch: FetchLike, proxy: RemoteKeySetTuning['proxy']): FetchLike {
  if (proxy === undefined) {
    if (fetch === defaultFetch) assertDefaultFetch()
    return fetch
  }
  if (fetch !== defaultFetch)
    throw misconfigured(
      ACTION,
      '"proxy" is for the default fetch: give it to your own "fetch", as in undiciFetch({ proxy })',
    )
  return defaultFetchThrough(proxy)
}

/**
 * Checks the header fields that are sent with each request for keys (RFC 9110 section 5). Messages never show a value, or an invalid name,
 * which may contain a value.
 *
 * @throws TypeError for a name that is not a token or belongs to the transport, and for a value that is not visible ASCII
 */
function headerFields(action: string, given: unknown, named: string): Readonly<Record<string, string>> {
  const fields = Object.create(null) as Record<string, string>
  const option = `"${named}"`
  if (!isRecord(given)) throw misconfigured(action, `${option} must be an object, such as { "x-api-key": "…" }`)
  for (const [written, value] of Object.entries(given)) {
    const name = written.toLowerCase()
    if (!FIELD_NAME.test(name)) throw misconfigured(action, `${option} has a name that is no header field name`)
    if (TRANSPORT_FIELDS.test(name))
      throw misconfigured(action, `${option} must not set "${name}", which belongs to the transport`)
    if (Object.hasOwn(fields, name)) throw misconfigured(action, `${option} has "${name}" twice`)
    if (typeof value !== 'string' || value.length > LONGEST_FIELD || !VISIBLE_ASCII.test(value))
      throw misconfigured(
        action,
        `the value of "${name}" in ${option} must be 1 to ${LONGEST_FIELD} visible ASCII characters, with spaces only between them`,
      )
    fields[name] = value
  }
  return Object.freeze(fields)
}

const LONGEST_FIELD = 8192
const FIELD_NAME = /^[!#$%&'*+.^_`|~\da-z-]{1,256}$/
const VISIBLE_ASCII = /^[!-~](?:[ -~]*[!-~])?$/
const TRANSPORT_FIELDS =
  /^(?:host|connection|keep-alive|te|trailer|transfer-encoding|upgrade|expect|range|accept-encoding|proxy-.*|content-.*|if-.*)$/
