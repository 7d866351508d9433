import type { ErrorCode } from './error-code.ts'
import { ignoreRejection } from './values.ts'

/** What a verifier tells its `onEvent` hook. Counts, codes and times; never a token, a key or a claim. */
export type VerifierEvent =
  | KeysRefreshedEvent
  | KeysStaleEvent
  | KeysUnavailableEvent
  | KeysPlainHttpEvent
  | KeySkippedEvent
  | KeyAmbiguousEvent
  | TokenVerifiedEvent
  | TokenRejectedEvent
  | VerifierRecreatedEvent

/** A fetch replaced the key set, or confirmed it (`304`). */
export interface KeysRefreshedEvent {
  readonly type: 'keys.refreshed'
  readonly uri: string
  /** Usable keys in the set. */
  readonly keys: number
  /** Members of the set that could not be used. */
  readonly skipped: number
  /** Milliseconds the fetch took. */
  readonly duration: number
}

/**
 * A fetch failed, and requests go on being served from the set at hand; or metadata failed, or names another issuer,
 * and keys go on being fetched from the address it gave before.
 */
export interface KeysStaleEvent {
  readonly type: 'keys.stale'
  /** What the key set is called, or the address where metadata is looked for first. */
  readonly uri: string
  /** Seconds since the set, or the metadata, was last confirmed. */
  readonly age: number
  readonly reason: FetchFailure
  /** Seconds until the next attempt. */
  readonly retryAfter: number
}

/** A fetch failed and there is no usable set: requests are answered 503. */
export interface KeysUnavailableEvent {
  readonly type: 'keys.unavailable'
  readonly uri: string
  readonly reason: FetchFailure
  /** Seconds until the next attempt. */
  readonly retryAfter: number
}

/** At start-up: keys or metadata are fetched by plain http from a host in `allowHttpHosts`. Anyone on the network path can replace them. */
export interface KeysPlainHttpEvent {
  readonly type: 'keys.plain_http'
  readonly uri: string
}

/** A member of a key set was skipped. `private_parts` deserves a call to whoever publishes the set. */
export interface KeySkippedEvent {
  readonly type: 'key.skipped'
  readonly uri?: string
  readonly reason: KeyFlaw
  /** Which of its members shows it, and the key ID or the place in the set, escaped: `"n" of the key with kid "a"`. */
  readonly detail: string
}

/** More than one key fits a token, so that it was refused. */
export interface KeyAmbiguousEvent {
  readonly type: 'key.ambiguous'
  /** How many keys fit. */
  readonly candidates: number
}

export interface TokenVerifiedEvent {
  readonly type: 'token.verified'
}

export interface TokenRejectedEvent {
  readonly type: 'token.rejected'
  readonly code: ErrorCode
}

/**
 * `verify(token, options)` has made ten verifiers for one issuer within a minute, because each call had another options object. Each fetches keys
 * and remembers no token of the others: keep one options object, or use `createVerifier`. At most once per issuer and process.
 */
export interface VerifierRecreatedEvent {
  readonly type: 'verifier.recreated'
  /** The `issuer` of the options; absent for `null` and for `issuers`. */
  readonly issuer?: string
  /** Verifiers made within a minute. */
  readonly count: number
}

/** Why a fetch of keys or metadata failed. */
export type FetchFailure =
  | 'network'
  | 'timeout'
  | 'status'
  | 'redirect'
  | 'too_large'
  | 'malformed'
  | 'no_usable_key'
  | 'issuer_mismatch'
  | 'uri_not_allowed'
  | 'rate_limited'
  /** What fetches cannot be loaded: the installation is at fault, and no network. */
  | 'transport'

/** Why a member of a key set is not used. */
export type KeyFlaw =
  | 'malformed'
  /** A member name comes twice in it, so that parsers may read different keys. */
  | 'duplicate_member'
  | 'unsupported_type'
  | 'symmetric'
  | 'private_parts'
  | 'wrong_use'
  | 'weak'
  | 'invalid_point'
  | 'unsupported_algorithm'

/** Receives events; what it throws is ignored, so that observing never changes an answer. */
export type EventListener = (event: VerifierEvent) => void

/** Tells a listener, whose throw or rejected promise changes nothing. */
export function emit(listener: EventListener | undefined, event: VerifierEvent): void {
  if (!listener) return
  try {
    const result: unknown = listener(Object.freeze(event))
    ignoreRejection(result)
  } catch {
    // Observing must not change an answer.
  }
}
