import {
  type AsymmetricAlgorithm,
  bare,
  type Clock,
  clockOption,
  DEFAULT_ALGORITHMS,
  type Filled,
  isAsymmetric,
  kindOf,
  listOf,
  misconfigured,
  narrowing,
  numberIn,
  type NumbersOf,
  objectWith,
  optionsOf,
  type OptionTable,
  readOptions,
  required,
  resolveOrigin,
} from '../adapter.ts'

/** How DPoP proofs are checked (RFC 9449 section 4.3). */
export interface DpopOptions {
  /**
   * The public origin of this API, with the path prefix that a proxy strips: `https://api.example.com/orders`. The `htu` of a proof is
   * compared with it and the path of the request, never with `Host` or `X-Forwarded-*`, which the client controls.
   */
  readonly origin: string
  /**
   * Where accepted proofs are remembered: `createMemoryReplayStore()`, or a store that several processes share. `'checked-elsewhere'` checks
   * no replays: use it if a gateway in front of this API has already consumed the `jti`.
   */
  readonly replay: ReplayStore | 'checked-elsewhere'
  /** Requires a nonce of this API in every proof. The time of a proof (`iat`) is then ignored. @defaultValue none */
  readonly nonces?: NonceOptions
  /** Seconds from the `iat` of a proof until it is too old. From 1 to 300. @defaultValue 60 */
  readonly maxAge?: number | undefined
  /** Seconds of clock difference to tolerate, in both directions. From 0 to 300. @defaultValue 5 */
  readonly clockTolerance?: number | undefined
  /** The algorithms accepted for proofs. Only asymmetric ones. @defaultValue every asymmetric algorithm that all runtimes have */
  readonly algorithms?: readonly AsymmetricAlgorithm[]
  /** Characters of a proof. A longer one is refused before any decoding. From 1 to 8,192. @defaultValue 4096 */
  readonly proofLength?: number | undefined
  /** Seconds to wait for the replay store. Without an answer, requests get status 503. From 0.001 to 30. @defaultValue 1 */
  readonly timeout?: number | undefined
  /** Where time comes from. If the verifier has a `clock`, pass the same one. @defaultValue the runtime's clocks */
  readonly clock?: (Pick<Clock, 'now'> & Partial<Clock>) | undefined
}

/** How nonces are made (RFC 9449 section 9). They are stateless: processes with the same secret accept each other's nonces. */
export interface NonceOptions {
  /**
   * At least 32 bytes, as text or bytes, or a list of them. The first one signs new nonces; all of them verify. To rotate, put the new
   * secret first and keep the old one for a `lifetime`.
   */
  readonly secret: string | Uint8Array | readonly (string | Uint8Array)[]
  /** Seconds that a nonce is accepted. From 1 to 3,600. @defaultValue 300 */
  readonly lifetime?: number | undefined
}

/**
 * Where accepted proofs are remembered: memory, Redis, a Durable Object.
 *
 * If the method throws or does not answer, requests get status 503. A store that is full throws, and removes nothing. Run `replayStoreCases`
 * of `@claimgate/testing` to test your store.
 */
export interface ReplayStore {
  /**
   * Inserts a key, and resolves to whether it was absent. Must be one atomic operation, also across processes: if the same key is inserted
   * many times at once, exactly one call resolves to `true`.
   *
   * Keys are compared exactly. A key is 87 printable ASCII characters: the thumbprint of the client's key (`jkt`), a dot, and the SHA-256 of
   * the `jti`.
   *
   * @param seconds - how long to keep the key: a whole number, at least 1
   */
  insertIfAbsent(key: string, seconds: number): Promise<boolean>
}

/** The options of nonces. */
export const NONCES: OptionTable<NonceOptions> = {
  secret: required({
    be: 'at least 32 bytes, as text or as a Uint8Array, or a list of them',
    fits: (value) => bytesOf(value).length > 0 && bytesOf(value).every((bytes) => bytes.length >= LEAST_SECRET),
    printed: kindOf,
  }),
  lifetime: numberIn({ least: 1, most: 3600, default: 300 }),
}

const LEAST_SECRET = 32

/** The options of `dpop`. */
export const DPOP: OptionTable<DpopOptions> = {
  origin: required({ be: 'the public origin of this API', fits: (value) => typeof value === 'string' }),
  replay: required({
    be: 'an object { insertIfAbsent }, such as createMemoryReplayStore(), or "checked-elsewhere"',
    fits: (value) => value === ELSEWHERE || objectWith('', 'insertIfAbsent').fits(value),
    printed: kindOf,
  }),
  nonces: {
    ...narrowing(optionsOf('an object, such as { secret }')),
    read: (action, value, name) => readOptions(action, value, NONCES, { path: `${name}.` }),
  },
  maxAge: numberIn({ least: 1, most: 300, default: 60 }),
  clockTolerance: numberIn({ least: 0, most: 300, default: 5 }),
  algorithms: narrowing(
    listOf('a list, such as ["ES256"]', { be: 'an asymmetric algorithm, such as "ES256"', fits: isAsymmetric }),
  ),
  proofLength: numberIn({ least: 1, most: 8192, whole: true, default: 4096 }),
  timeout: numberIn({ least: 0.001, most: 30, default: 1 }),
  clock: clockOption,
}

const ELSEWHERE = 'checked-elsewhere'
const ACTION = 'create DPoP binding'

type ReadDpopOptions = Filled<DpopOptions, NumbersOf<DpopOptions>> & { readonly clock: Clock }

/** Options with defaults filled in, checked and frozen. */
export type ResolvedDpopOptions = Filled<ReadDpopOptions, 'algorithms'> & {
  readonly secrets: readonly Uint8Array<ArrayBuffer>[]
  readonly lifetime: number
}

/** @throws TypeError for options that are missing or out of range */
export function resolveDpopOptions(given: DpopOptions): ResolvedDpopOptions {
  const options = readOptions(ACTION, given, DPOP) as ReadDpopOptions
  const { nonces, algorithms = DEFAULT_ALGORITHMS } = options
  if (algorithms.length === 0) throw misconfigured(ACTION, '"algorithms" must not be empty')
  return Object.freeze(
    bare({
      ...options,
      algorithms,
      origin: resolveOrigin(ACTION, options.origin),
      secrets: nonces === undefined ? [] : bytesOf(nonces.secret),
      lifetime: nonces?.lifetime ?? 0,
    }),
  )
}

// Bytes are copied, because the application may overwrite its own. Anything but text and bytes counts as too short.
function bytesOf(secret: unknown): readonly Uint8Array<ArrayBuffer>[] {
  const list: readonly unknown[] = Array.isArray(secret) ? secret : [secret]
  return list.map((each) => {
    if (typeof each === 'string') return new TextEncoder().encode(each)
    return each instanceof Uint8Array ? Uint8Array.from(each) : new Uint8Array()
  })
}
