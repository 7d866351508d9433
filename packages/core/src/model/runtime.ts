import { isObject } from './values.ts'
/** Where time comes from. Token times use wall time; ages, cool-downs and deadlines use monotonic time. */
export interface Clock {
  /** Wall time in milliseconds since the epoch, as `Date.now()`. An administrator may change it. */
  now(): number
  /** Milliseconds since an arbitrary start; never goes back. */
  monotonic(): number
  /** Calls back once after `milliseconds`, without keeping the program alive. Returns a function that cancels. */
  setTimeout(callback: () => void, milliseconds: number): () => void
}

/** The clock of the runtime. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimeout: (callback, milliseconds) => {
    const timer: unknown = setTimeout(callback, milliseconds)
    // Node's timers are objects that keep the program running unless unreferenced; elsewhere they are numbers.
    if (isUnreferenceable(timer)) timer.unref()
    return () => clearTimeout(timer as number)
  },
}

function isUnreferenceable(timer: unknown): timer is { unref(): void } {
  return isObject(timer) && 'unref' in timer && typeof timer.unref === 'function'
}

/**
 * How requests share background work: by awaiting its promise, or by polling its result. Runtimes that tie I/O to a request need polling.
 */
export type Sharing = 'promise' | 'poll'

/** The sharing that the current runtime needs. */
export function defaultSharing(): Sharing {
  return globalThis.navigator?.userAgent === 'Cloudflare-Workers' ? 'poll' : 'promise'
}

/** The last time a token may contain, in seconds since the epoch: the end of the year 9999. Some issuers write it as "never expires". */
export const LAST_SECOND = 253_402_300_799

const LEAST_IAT_TOLERANCE = 60

/**
 * Seconds that `iat` may be in the future. At least 60 s, because `iat` only says when a token was created, and clocks are often a few
 * seconds ahead; `nbf` is the claim that says a token is not valid yet.
 */
export function iatTolerance(clockTolerance: number): number {
  return Math.max(LEAST_IAT_TOLERANCE, clockTolerance)
}

/** A number of seconds as readable text: seconds, minutes, hours or days. */
export function duration(seconds: number): string {
  const [unit, length] = UNITS.find(([, size]) => Math.abs(seconds) >= 2 * size) ?? SECOND
  const count = Math.floor(seconds / length)
  return `${count} ${unit}${count === 1 ? '' : 's'}`
}

const SECOND = ['second', 1] as const
const UNITS = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
] as const

/**
 * Stops the runtime from recording stack traces until you call the returned function, which must happen synchronously. Recording a stack
 * trace costs ten times as much as the rest of a refusal.
 */
export function withoutStacks(): () => void {
  const limit = engine.stackTraceLimit
  // Some runtimes lack `stackTraceLimit`.
  if (typeof limit !== 'number' || !isWritable) return nothing
  try {
    engine.stackTraceLimit = 0
  } catch {
    // The application has frozen `Error` since the check.
    return nothing
  }
  return () => {
    engine.stackTraceLimit = limit
  }
}

// Exists in V8 and JavaScriptCore.
const engine = Error as { stackTraceLimit?: unknown }
const isWritable = Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit')?.writable === true
const nothing = (): void => {}

/**
 * Fetches keys and metadata. Contains only the part of the Fetch API that Claimgate uses, so the `fetch` of every runtime and of undici
 * fits, and so does a function that returns a `Response`.
 */
export type FetchLike<R extends FetchResponse = FetchResponse> = (url: string, init: FetchInit) => Promise<R>

/** Requests never follow a redirect, and have a deadline. Those for keys are always GET. */
export interface FetchInit {
  readonly method: 'GET' | 'POST'
  /** Only with POST. */
  readonly body?: string
  readonly headers: Readonly<Record<string, string>>
  readonly redirect: 'manual'
  readonly signal: AbortSignal
}

/** The members of a response that are read. Every `Response` has them. */
export interface FetchResponse {
  readonly status: number
  readonly type: string
  readonly redirected: boolean
  readonly headers: FetchHeaders
  readonly body: FetchBody | null
}

/** Finds a header case-insensitively. */
export interface FetchHeaders {
  get(name: string): string | null
}

/** A stream of bytes, decompressed. */
export interface FetchBody {
  getReader(): FetchReader
  cancel(): Promise<void>
}

/** Reads a stream chunk by chunk. */
export interface FetchReader {
  read(): Promise<
    { readonly done: false; readonly value: Uint8Array } | { readonly done: true; readonly value?: unknown }
  >
  cancel(): Promise<void>
}

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/

/** Whether a host name, as `URL` writes it, is a loopback address or `localhost`. */
export function isLoopback(hostname: string): boolean {
  return LOOPBACK.test(hostname)
}
