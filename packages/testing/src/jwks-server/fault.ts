import type { JSONWebKeySet } from 'jose'

/** The answer of a healthy server: 200, the published set, and what is asked for here. */
export interface OkAnswer {
  readonly kind: 'ok'
  /** Any JSON value in place of the published set, such as metadata, or a function that gives it for each request. */
  readonly body?: unknown
  /** Added to, and winning over, `content-type: application/jwk-set+json`. */
  readonly headers?: Readonly<Record<string, string>>
  /** Sends an `ETag` made from the body, and 304 when `If-None-Match` names it (RFC 9110 section 13.1.2). */
  readonly etag?: 'strong' | 'weak'
  /** Milliseconds to wait before answering. @defaultValue 0 */
  readonly delay?: number
}

/** Cuts the connection: before the first byte, in the middle of the header section, or in the middle of the body. */
export interface ResetAnswer {
  readonly kind: 'reset'
  readonly at: 'start' | 'headers' | 'body'
}

/** Falls silent and keeps the connection open: at once, after the header section, or in the middle of the body. */
export interface HangAnswer {
  readonly kind: 'hang'
  /** @defaultValue 'start' */
  readonly at?: 'start' | 'headers' | 'body'
}

/** Sends the header section or the body one byte at a time, the rest at once. */
export interface DripAnswer {
  readonly kind: 'drip'
  readonly part: 'headers' | 'body'
  /** Milliseconds between two bytes. */
  readonly every: number
}

/** Sends the client somewhere else. */
export interface RedirectAnswer {
  readonly kind: 'redirect'
  readonly location: string
  /** @defaultValue 302 */
  readonly status?: 301 | 302 | 303 | 307 | 308
}

/** A status other than 200. */
export interface StatusAnswer {
  readonly kind: 'status'
  /** From 200 to 599. */
  readonly status: number
  /** `Retry-After` (RFC 9110 section 10.2.3): a number is sent as seconds, a `Date` as an HTTP date, a string as it is. */
  readonly retryAfter?: number | Date | string
  readonly headers?: Readonly<Record<string, string>>
  /** @defaultValue '{"error":"fault"}' */
  readonly body?: string
}

/** 200 with a body that is not the published set as it should be. */
export interface GarbageAnswer {
  /**
   * - `html`: a page, as a captive portal sends it
   * - `truncated`: the first half of the set, with a content-length that fits
   * - `bom`: a byte order mark in front of the set
   * - `empty-body`: no byte at all
   * - `empty-set`: `{"keys":[]}`
   * - `no-keys`: an object without the array
   */
  readonly kind: 'html' | 'truncated' | 'bom' | 'empty-body' | 'empty-set' | 'no-keys'
}

/** The published set behind a mountain of white space: small when compressed, correct JSON when not. */
export interface GzipBombAnswer {
  readonly kind: 'gzip-bomb'
  /** Bytes after decompression. @defaultValue 52_428_800 */
  readonly size?: number
}

/** A chunked body that starts like a set and never ends. */
export interface EndlessAnswer {
  readonly kind: 'endless'
}

/** A content-length that lies by so many bytes; the connection ends after the real body. */
export interface ContentLengthAnswer {
  readonly kind: 'content-length'
  /** Positive: more is promised than sent. Negative: less. */
  readonly difference: number
}

/** The published keys, followed by fillers up to `count`, each with a `kid` of its own. */
export interface ManyKeysAnswer {
  readonly kind: 'many-keys'
  /** @defaultValue 10_000 */
  readonly count?: number
}

/** Each published key is followed by another key of the same type under the same `kid`. */
export interface DuplicateKidsAnswer {
  readonly kind: 'duplicate-kids'
}

/** A rotation that has reached some of the servers behind the name: the sets take turns, one per request. */
export interface AlternateAnswer {
  readonly kind: 'alternate'
  readonly sets: readonly [JSONWebKeySet, ...JSONWebKeySet[]]
}

/** A rotation in the middle of an answer: the first half of one set's text, the second half of the other's. */
export interface TornAnswer {
  readonly kind: 'torn'
  readonly before: JSONWebKeySet
  readonly after: JSONWebKeySet
}

/** What a server can do with a request it has received. */
export type FaultyAnswer =
  | OkAnswer
  | ResetAnswer
  | HangAnswer
  | DripAnswer
  | RedirectAnswer
  | StatusAnswer
  | GarbageAnswer
  | GzipBombAnswer
  | EndlessAnswer
  | ContentLengthAnswer
  | ManyKeysAnswer
  | DuplicateKidsAnswer
  | AlternateAnswer
  | TornAnswer

/** The port is closed, so that connections are refused, until the server is told to behave otherwise. */
export interface RefuseFault {
  readonly kind: 'refuse'
}

/** Everything a faulty server can be told to do. */
export type Fault = FaultyAnswer | RefuseFault
