import type { JSONWebKeySet } from 'jose'

/** A healthy response: 200 with the published set, with optional changes. */
export interface OkAnswer {
  readonly kind: 'ok'
  /** Any JSON value instead of the published set, such as metadata, or a function that returns it for each request. */
  readonly body?: unknown
  /** Extra headers. They override `content-type: application/jwk-set+json`. */
  readonly headers?: Readonly<Record<string, string>>
  /** Sends an `ETag` computed from the body, and 304 when `If-None-Match` matches it (RFC 9110 section 13.1.2). */
  readonly etag?: 'strong' | 'weak'
  /** Milliseconds to wait before responding. @defaultValue 0 */
  readonly delay?: number
}

/** Closes the connection: before the first byte, in the middle of the header section, or in the middle of the body. */
export interface ResetAnswer {
  readonly kind: 'reset'
  readonly at: 'start' | 'headers' | 'body'
}

/** Stops sending but keeps the connection open: at once, after the header section, or in the middle of the body. */
export interface HangAnswer {
  readonly kind: 'hang'
  /** @defaultValue 'start' */
  readonly at?: 'start' | 'headers' | 'body'
}

/** Sends the header section or the body one byte at a time, the rest at once. */
export interface DripAnswer {
  readonly kind: 'drip'
  readonly part: 'headers' | 'body'
  /** Milliseconds between bytes. */
  readonly every: number
}

/** Redirects the client. */
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

/** A 200 response with a wrong body. */
export interface GarbageAnswer {
  /**
   * - `html`: an HTML page, like a captive portal
   * - `truncated`: the first half of the set, with a matching content-length
   * - `bom`: a byte order mark in front of the set
   * - `empty-body`: no bytes
   * - `empty-set`: `{"keys":[]}`
   * - `no-keys`: an object without the array
   */
  readonly kind: 'html' | 'truncated' | 'bom' | 'empty-body' | 'empty-set' | 'no-keys'
}

/** The published set after a large amount of white space: small when compressed, valid JSON when decompressed. */
export interface GzipBombAnswer {
  readonly kind: 'gzip-bomb'
  /** Bytes after decompression. @defaultValue 52_428_800 */
  readonly size?: number
}

/** A chunked body that starts like a set and never ends. */
export interface EndlessAnswer {
  readonly kind: 'endless'
}

/** A content-length that is wrong by `difference` bytes; the connection ends after the real body. */
export interface ContentLengthAnswer {
  readonly kind: 'content-length'
  /** Positive: larger than the body. Negative: smaller. */
  readonly difference: number
}

/** The published keys, followed by filler keys up to `count`, each with its own `kid`. */
export interface ManyKeysAnswer {
  readonly kind: 'many-keys'
  /** @defaultValue 10_000 */
  readonly count?: number
}

/** Each published key is followed by another key of the same type under the same `kid`. */
export interface DuplicateKidsAnswer {
  readonly kind: 'duplicate-kids'
}

/** A rotation that has reached only some servers behind the host name: the sets alternate, one per request. */
export interface AlternateAnswer {
  readonly kind: 'alternate'
  readonly sets: readonly [JSONWebKeySet, ...JSONWebKeySet[]]
}

/** A rotation in the middle of a response: the first half of one set's text, the second half of the other's. */
export interface TornAnswer {
  readonly kind: 'torn'
  readonly before: JSONWebKeySet
  readonly after: JSONWebKeySet
}

/** The possible reactions of a server to a request. */
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

/** Closes the port, so that connections are refused, until you set another behaviour. */
export interface RefuseFault {
  readonly kind: 'refuse'
}

/** All behaviours of a faulty server. */
export type Fault = FaultyAnswer | RefuseFault

/** The planned responses of a server. A single path overrides all paths; `once` overrides `behave`. */
export interface Script {
  behave(answer: FaultyAnswer, path?: string): void
  once(answers: readonly FaultyAnswer[], path?: string): void
  /** Takes the response for the next request to a path. */
  take(path: string): FaultyAnswer
}

/** Creates a script that responds `ok` until you tell it otherwise. */
export function createScript(): Script {
  const everywhere: Lines = { always: { kind: 'ok' }, next: [] }
  const perPath = new Map<string, Lines>()

  const linesOf = (path: string | undefined): Lines => {
    if (path === undefined) return everywhere
    const known = perPath.get(path) ?? { always: undefined, next: [] }
    perPath.set(path, known)
    return known
  }

  return {
    behave: (answer, path) => {
      linesOf(path).always = answer
    },
    once: (answers, path) => void linesOf(path).next.push(...answers),
    take: (path) => {
      const own = perPath.get(path)
      return own?.next.shift() ?? own?.always ?? everywhere.next.shift() ?? everywhere.always ?? { kind: 'ok' }
    },
  }
}

interface Lines {
  always: FaultyAnswer | undefined
  readonly next: FaultyAnswer[]
}
