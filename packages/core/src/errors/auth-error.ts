import * as errors from 'jose/errors'
import { catalogue, type ErrorCode, type WireError, type WireRefusal } from '../model/catalogue.ts'
import { emit, type EventListener } from '../model/events.ts'
import { isPlainObject } from '../model/http-text.ts'
import { type Limits, raiseLimit } from '../model/limits.ts'
import { withoutStacks } from '../model/runtime.ts'
import type { Claims } from '../model/token.ts'
import { bare, isObject, own } from '../model/values.ts'
import { quote, sentence } from './quote.ts'

/** Details of a refusal besides its code. `AuthError` quotes and shortens `expected` and `actual`. Only own members are read. */
export interface AuthErrorDetails {
  /** What would have been accepted. */
  readonly expected?: unknown
  /** What was found. Never a whole token. */
  readonly actual?: unknown
  /** A sentence that says what to do. `AuthError` escapes it for logs and hides anything that looks like a credential. */
  readonly hint?: string | undefined
  readonly cause?: unknown
  /** Seconds to wait before a retry makes sense; for status 503. */
  readonly retryAfter?: number
  /** Scopes that would be enough. They go into the challenge (RFC 6750 section 3). */
  readonly scopes?: readonly string[]
  /** Headers of the response, such as `DPoP-Nonce`. */
  readonly headers?: Readonly<Record<string, string>>
  /** The status, the error and the challenge parameters to send instead of those of the code. */
  readonly refusal?: WireRefusal | undefined
}

/**
 * Why a request or a token was refused. Compare `code`, never the message: the message is for logs and may change. It has no stack trace,
 * because a bad request is not a bug and an attacker can cause millions of them. `cause` keeps its own stack trace.
 *
 * Status 400, 401, 403, 408 and 413 are the caller's fault. 503 means that Claimgate could not decide (RFC 6750 section 3.1).
 */
export class AuthError extends Error {
  override readonly name: string = 'AuthError'
  readonly code: ErrorCode
  readonly status: 400 | 401 | 403 | 408 | 413 | 503
  /** The RFC 6750 error for the challenge, if the status has one. */
  readonly error: WireError | undefined
  readonly hint: string | undefined
  readonly expected: string | undefined
  readonly actual: string | undefined
  readonly retryAfter: number | undefined
  /** Frozen. */
  readonly scopes: readonly string[]
  /** More headers for the response. Frozen. */
  readonly headers: Readonly<Record<string, string>>
  /** The `error_description` of a `refusal` that has one. */
  readonly description: string | undefined
  /** More parameters for the challenge. Frozen. */
  readonly parameters: Readonly<Record<string, string>>

  constructor(code: ErrorCode, details: AuthErrorDetails = NO_DETAILS) {
    const entry = catalogue[code]
    const refusal = given(details, 'refusal')
    const { status, error } = refusal ?? entry
    const headers = copyOf(given(details, 'headers'))
    const parameters = copyOf(refusal && own(refusal, 'parameters'))
    const advice = given(details, 'hint')
    const hint = advice === undefined ? undefined : sentence(advice)
    const scopes = given(details, 'scopes') ?? NO_SCOPES
    const isList: boolean = Array.isArray(scopes)
    if (!isList) throw new TypeError('Cannot create AuthError: "scopes" must be a list')
    const expected = Object.hasOwn(details, 'expected') ? quote(details.expected) : undefined
    const actual = Object.hasOwn(details, 'actual') ? quote(details.actual) : undefined
    const wanted = expected === undefined ? '' : `: expected ${expected}`
    const found = actual === undefined ? '' : `${wanted === '' ? ':' : ','} found ${actual}`
    const message = `${entry.summary}${wanted}${found}${hint === undefined || hint === '' ? '' : `. ${hint}`}`
    const options = Object.hasOwn(details, 'cause') ? { cause: details.cause } : undefined
    // Nothing before the restore may throw; otherwise no error in the program would have a stack trace again.
    const restoreStacks = withoutStacks()
    super(message, options)
    restoreStacks()
    this.code = code
    this.status = status
    this.error = error
    this.hint = hint
    this.expected = expected
    this.actual = actual
    this.retryAfter = status === 503 ? secondsToWait(given(details, 'retryAfter')) : undefined
    this.scopes = Object.isFrozen(scopes) ? scopes : Object.freeze([...scopes])
    this.headers = headers
    this.parameters = parameters
    this.description = refusal && own(refusal, 'description')
  }

  /**
   * The claims of a refused token whose signature was verified, and which only its `exp`, `nbf` or `iat` made unacceptable. `undefined` for
   * every other refusal, and for tokens bound to a sender. Its `claims` schema, token checks and requirements have not run, so use them to say
   * who must log in again, and never to admit. Not in JSON, logs and events.
   */
  get claims(): Claims | undefined {
    return claimsOf.get(this)
  }
}

// Not a member, so that nothing that lists or copies the members of an error has it.
const claimsOf = new WeakMap<AuthError, Claims>()

/** Keeps the verified claims of a token that is refused for its times alone. */
export function keepClaims(error: AuthError, claims: Claims): void {
  claimsOf.set(error, claims)
}

const NO_DETAILS: AuthErrorDetails = {}
const NO_SCOPES: readonly string[] = Object.freeze([])
const NO_MEMBERS: Readonly<Record<string, string>> = Object.freeze(bare({}))

// Without the members of a class, which `own` supports: this runs for every refusal.
function given<N extends keyof AuthErrorDetails>(details: AuthErrorDetails, name: N): AuthErrorDetails[N] | undefined {
  return Object.hasOwn(details, name) ? details[name] : undefined
}

function copyOf(members: Readonly<Record<string, string>> | undefined): Readonly<Record<string, string>> {
  if (members === undefined) return NO_MEMBERS
  if (!isPlainObject(members))
    throw new TypeError('Cannot create AuthError: "headers" and "parameters" must be plain objects')
  return Object.freeze(bare({ ...members }))
}

function secondsToWait(retryAfter = 1): number {
  return Number.isFinite(retryAfter) && retryAfter >= 0 ? retryAfter : 1
}

/**
 * Throws a returned refusal; returns anything else. Functions that run for every bad token return their refusal, because throwing would double
 * the time.
 */
export function orThrow<T>(result: T | AuthError): T {
  if (result instanceof AuthError) throw result
  return result
}

/** A limit that a token exceeds. */
interface Excess {
  readonly limit: keyof Limits
  /** The value of the limit. */
  readonly most: number
  /** What is counted, such as `characters`. */
  readonly unit: string
  readonly actual: number
}

/** The refusal of a token that exceeds a limit, with a hint that names the limit to raise. */
export function overLimit(code: ErrorCode, { limit, most, unit, actual }: Excess): AuthError {
  return new AuthError(code, { expected: `at most ${most} ${unit}`, actual, hint: raiseLimit(limit, most) })
}

/**
 * Converts a thrown value to an error. Frameworks read `undefined`, `null` and some strings from a failed hook as "continue", so application
 * code that throws such a value would open a route. Any value that is not an error becomes the `cause` of one.
 */
export function asError(thrown: unknown): Error {
  if (isError(thrown)) return thrown
  // Only the type, because the value may be anything, even a token.
  const kind = thrown === null ? 'null' : typeof thrown
  return new TypeError(`Application code threw a value that is not an Error, of type ${kind}`, { cause: thrown })
}

/** Tells a listener that a token was refused, or why else it was not accepted. */
export function reportNotAccepted(listener: EventListener | undefined, error: Error, duration: number): void {
  const refusal = asRefusal(error)
  if (refusal === undefined) emit(listener, { type: 'token.failed', duration })
  else emit(listener, { type: 'token.rejected', code: refusal.code, duration })
}

/** The thrown value, if it is an `AuthError` with one of its statuses. `undefined` for anything else, which is an application bug. */
export function asRefusal(thrown: unknown): AuthError | undefined {
  return isError(thrown) && thrown instanceof AuthError && STATUSES.has(thrown.status) ? thrown : undefined
}

const STATUSES: ReadonlySet<unknown> = new Set(Object.values(catalogue).map(({ status }) => status))

// Errors of another realm are not instances of this Error, and a proxy may throw when inspected.
function isError(value: unknown): value is Error {
  if (!isObject(value)) return false
  try {
    return value instanceof Error || Object.prototype.toString.call(value) === '[object Error]'
  } catch {
    return false
  }
}

/** Translates jose's error from a signature verification to an `AuthError`. The only function that knows jose's errors. */
export function fromJose(error: unknown, algorithm: string): AuthError {
  if (error instanceof AuthError) return error
  if (error instanceof errors.JOSENotSupported)
    return new AuthError('key_unusable', {
      actual: algorithm,
      hint: 'This JavaScript runtime does not support the algorithm',
      cause: error,
    })
  if (error instanceof errors.JOSEError) return new AuthError('signature_invalid', { cause: error })
  // jose's key checks and WebCrypto's errors: a key of another type, too small, or not usable for verifying.
  return new AuthError('algorithm_key_mismatch', {
    expected: `a key for ${algorithm}`,
    actual: 'another key',
    cause: error,
  })
}

/** The transport itself is unusable: an installation problem, not a network problem. */
export class TransportError extends TypeError {
  override readonly name: string = 'TransportError'
}
