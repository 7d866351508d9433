import {
  type Algorithm,
  type Clock,
  clockOption,
  type FetchLike,
  fetchOption,
  type Filled,
  httpHosts,
  isAlgorithm,
  type KeySource,
  listOf,
  misconfigured,
  narrowing,
  numberIn,
  type NumbersOf,
  objectWith,
  type OptionTable,
  readOptions,
  required,
  transportOf,
} from '../adapter.ts'

/** Which status lists are fetched, and how long they are kept (IETF Token Status List). */
export interface StatusListOptions {
  /**
   * Hosts that lists may be fetched from, as URLs spell them. A host without port stands for all its ports. Tokens that name a list elsewhere
   * are refused.
   */
  readonly hosts: readonly string[]
  /** Statuses of tokens that are accepted: 0 (VALID), and others from 2 to 255 that your issuer defines. @defaultValue only 0 */
  readonly accept?: readonly number[]
  /** The keys that sign lists, if they are not those of the token's issuer. Needs `algorithms`. @defaultValue the keys of the issuer */
  readonly keys?: KeySource
  /** The algorithms of `keys`. @defaultValue those accepted for tokens */
  readonly algorithms?: readonly Algorithm[]
  /** Seconds until a list without `ttl` is fetched again. From 1 to 86,400. @defaultValue 300 */
  readonly maxAge?: number | undefined
  /**
   * Seconds that a list is used after its `ttl` while it cannot be fetched, but never past its `exp`. From 0 to 86,400. @defaultValue 3600
   */
  readonly staleOnError?: number | undefined
  /** Seconds for a fetch. Without a list, requests get status 503. From 0.01 to 30. @defaultValue 5 */
  readonly timeout?: number | undefined
  /** Bytes of a list after decompression. A list of a million tokens has 131,072 bytes with one bit each. From 1 to 67,108,864. @defaultValue 4194304 */
  readonly maxBytes?: number | undefined
  /** Most lists in memory, and at most 64 MiB in all. From 1 to 10,000. @defaultValue 100 */
  readonly maxLists?: number | undefined
  /** Seconds of clock difference to allow in `exp` of lists. From 0 to 300. @defaultValue 5 */
  readonly clockTolerance?: number | undefined
  /** Hosts among `hosts` that may be asked over plain http, with their port unless it is 80. Loopback always may. @defaultValue none */
  readonly allowHttpHosts?: readonly string[] | undefined
  /** Fetches lists. @defaultValue undici on Node, the runtime's own `fetch` elsewhere */
  readonly fetch?: FetchLike | undefined
  /** Where time comes from. If the verifier has a `clock`, pass the same one. @defaultValue the runtime's clocks */
  readonly clock?: (Pick<Clock, 'now'> & Partial<Clock>) | undefined
}

const isHost = (value: unknown): boolean =>
  typeof value === 'string' &&
  /^[^\s/?#@\\*]+$/.test(value) &&
  URL.canParse(`https://${value}`) &&
  new URL(`https://${value}`).host === value.replace(/:443$/, '')

/** The options of status lists. */
export const STATUS_LIST: OptionTable<StatusListOptions> = {
  hosts: required({
    ...listOf('a list of hosts, such as ["status.example.com"]'),
    fits: (value) => Array.isArray(value) && value.length > 0 && value.every(isHost),
  }),
  accept: narrowing(
    listOf('a list of numbers, such as [0]', {
      be: 'a whole number from 0 to 255, and not 1 (INVALID)',
      fits: (value) => Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 255 && value !== 1,
    }),
  ),
  keys: narrowing(objectWith('a key source with a resolve method', 'resolve')),
  algorithms: narrowing({
    be: 'a list of algorithms, such as ["ES256"]',
    fits: (value) => Array.isArray(value) && value.length > 0 && value.every(isAlgorithm),
  }),
  maxAge: numberIn({ least: 1, most: 86_400, default: 300 }),
  staleOnError: numberIn({ least: 0, most: 86_400, default: 3600 }),
  timeout: numberIn({ least: 0.01, most: 30, default: 5 }),
  maxBytes: numberIn({ least: 1, most: 67_108_864, whole: true, default: 4_194_304 }),
  maxLists: numberIn({ least: 1, most: 10_000, whole: true, default: 100 }),
  clockTolerance: numberIn({ least: 0, most: 300, default: 5 }),
  allowHttpHosts: { ...httpHosts, default: [] },
  fetch: fetchOption,
  clock: clockOption,
}

/** Options with defaults filled in, checked and frozen. */
export type ResolvedStatusListOptions = Filled<
  StatusListOptions,
  NumbersOf<StatusListOptions> | 'allowHttpHosts' | 'fetch'
> & { readonly clock: Clock }

const ACTION = 'create status list check'

/** @throws TypeError for options that are missing or out of range */
export function resolveStatusListOptions(given: StatusListOptions): ResolvedStatusListOptions {
  const options = readOptions(ACTION, given, STATUS_LIST) as ResolvedStatusListOptions
  if ((options.keys === undefined) !== (options.algorithms === undefined))
    throw misconfigured(ACTION, '"keys" and "algorithms" belong together: give both, or neither')
  if (typeof globalThis.DecompressionStream !== 'function')
    throw misconfigured(ACTION, 'this JavaScript runtime has no DecompressionStream')
  transportOf(options.fetch, undefined)
  return options
}
