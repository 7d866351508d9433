import type { ErrorCode } from './catalogue.ts'
import { ignoreRejection } from './values.ts'

/** What a verifier passes to its `onEvent` hook. Counts, codes and times; never a token, a key or a claim. */
export type VerifierEvent =
  | KeysRefreshedEvent
  | KeysStaleEvent
  | KeysUnavailableEvent
  | KeysPlainHttpEvent
  | KeySkippedEvent
  | KeyAmbiguousEvent
  | TokenVerifiedEvent
  | TokenRejectedEvent
  | TokenFailedEvent
  | VerifierRecreatedEvent
  | FetchEndedEvent
  | IntrospectionFailedEvent

/** A fetch replaced the key set, or confirmed it (`304`). */
export interface KeysRefreshedEvent {
  readonly type: 'keys.refreshed'
  readonly uri: string
  /** Usable keys in the set. */
  readonly keys: number
  /** Skipped members of the set. */
  readonly skipped: number
  /** Milliseconds the fetch took, with metadata and a second attempt. */
  readonly duration: number
}

/**
 * A fetch failed, and requests are still served from the cached set. Or metadata failed or names another issuer, and keys are still fetched
 * from the previous address.
 */
export interface KeysStaleEvent {
  readonly type: 'keys.stale'
  /** The name of the key set, or the first address where metadata may be. */
  readonly uri: string
  /** Seconds since the set, or the metadata, was last confirmed. */
  readonly age: number
  readonly reason: FetchFailure
  /** Seconds until the next attempt. */
  readonly retryAfter: number
}

/** A fetch failed and there is no usable set: requests get status 503. */
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

/** A member of a key set was skipped. For `private_parts`, warn the publisher of the set: its private key is public. */
export interface KeySkippedEvent {
  readonly type: 'key.skipped'
  readonly uri?: string
  readonly reason: KeyFlaw
  /** The JWK member at fault, and the key ID or the index in the set, escaped: `"n" of the key with kid "a"`. */
  readonly detail: string
}

/** More than one key fits a token, so it was refused. */
export interface KeyAmbiguousEvent {
  readonly type: 'key.ambiguous'
  /** How many keys fit. */
  readonly candidates: number
}

/** A token was accepted. */
export interface TokenVerifiedEvent {
  readonly type: 'token.verified'
  /** Milliseconds from the call of `verify` on, by a monotonic clock. Includes waiting for keys and for an authorization server. */
  readonly duration: number
  /** Whether a cache had the result of its signature, or the answer of the authorization server. */
  readonly cached: boolean
}

/** A token was refused, or could not be checked. */
export interface TokenRejectedEvent {
  readonly type: 'token.rejected'
  readonly code: ErrorCode
  /** Milliseconds from the call of `verify` on, by a monotonic clock. */
  readonly duration: number
}

/**
 * A token was neither accepted nor refused: a function of the application threw an error that is no refusal, or `verify` was called wrongly.
 * Adapters answer with status 500.
 */
export interface TokenFailedEvent {
  readonly type: 'token.failed'
  /** Milliseconds from the call of `verify` on, by a monotonic clock. */
  readonly duration: number
}

/**
 * A request for keys, metadata or an answer about a token has ended. Sent in the asynchronous context of the request that caused it. A fetch
 * of keys may need several. Not sent for one that `close` aborts.
 */
export interface FetchEndedEvent {
  readonly type: 'fetch.ended'
  /** Without query values. */
  readonly uri: string
  readonly method: 'GET' | 'POST'
  /** Milliseconds until the whole body had arrived, by a monotonic clock. Without waiting for a turn. */
  readonly duration: number
  /** The HTTP status, if a response arrived whole, or was refused for its status. */
  readonly status?: number
  /** Why it failed. Absent after a success. */
  readonly reason?: FetchFailure
}

/**
 * `verify(token, options)` has created ten verifiers for one issuer within a minute, because each call had a new options object. Each one
 * fetches keys and shares no cached tokens with the others: reuse one options object, or use `createVerifier`. Sent at most once per process for
 * an issuer and its `jwksUri`, as long as it is among the last 100 of these.
 */
export interface VerifierRecreatedEvent {
  readonly type: 'verifier.recreated'
  /** The `issuer` of the options; absent for `null` and for `issuers`. */
  readonly issuer?: string
  /** Verifiers created within a minute. */
  readonly count: number
}

/**
 * The authorization server gave no usable answer about a token (RFC 7662): the request gets status 503. For `client_refused`, check the
 * credentials of `client`.
 */
export interface IntrospectionFailedEvent {
  readonly type: 'introspection.failed'
  /** The endpoint, or the issuer if the endpoint is unknown. */
  readonly uri: string
  /** `client_refused` for status 401 and 403. `answer` for an answer that must not be trusted. */
  readonly reason: FetchFailure | 'client_refused' | 'answer'
  /** The HTTP status, if it was not 200. */
  readonly status?: number
  /** Seconds until the next attempt; 0 if only this token failed. */
  readonly retryAfter: number
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
  /** The transport does not load. This is an installation problem, not a network problem. */
  | 'transport'

/** Why a member of a key set is skipped. */
export type KeyFlaw =
  | 'malformed'
  /** It has a duplicate member name, so parsers may read different keys. */
  | 'duplicate_member'
  | 'unsupported_type'
  | 'symmetric'
  | 'private_parts'
  | 'wrong_use'
  | 'weak'
  | 'invalid_point'
  | 'unsupported_algorithm'

/** Receives events. Its exceptions are ignored, so a listener never changes a result. */
export type EventListener = (event: VerifierEvent) => void

/** Calls a listener. Its exceptions and rejections are ignored. */
export function emit(listener: EventListener | undefined, event: VerifierEvent): void {
  if (!listener) return
  try {
    const result: unknown = listener(Object.freeze(event))
    ignoreRejection(result)
  } catch {
    // A listener must not change a result.
  }
}
