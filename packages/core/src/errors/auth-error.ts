import * as errors from 'jose/errors'
import type { ErrorCode } from '../model/error-code.ts'
import { type Limits, raiseLimit } from '../model/limits.ts'
import { own } from '../model/values.ts'
import { catalogue, type WireError } from './catalogue.ts'
import { quote, sentence } from './quote.ts'

/** What is known about a refusal beyond its code. `expected` and `actual` are quoted and shortened by `AuthError`. */
export interface AuthErrorDetails {
  /** What would have been accepted. */
  readonly expected?: unknown
  /** What was found. Never a whole token. */
  readonly actual?: unknown
  /** A sentence a person can act on. `AuthError` escapes what could harm a log, and hides what looks like a credential. */
  readonly hint?: string
  readonly cause?: unknown
  /** Seconds after which trying again makes sense; for status 503. */
  readonly retryAfter?: number
  /** Scopes that would have been enough; they go into the challenge (RFC 6750 section 3). */
  readonly scopes?: readonly string[]
}

/**
 * Why a request or a token was refused. Told apart by `code`, never by text: the message is for logs and may change. It has no stack
 * trace, for it is the request's doing and not the program's, and anybody may cause a million of them; a `cause` has its own.
 *
 * Status 400, 401, 403, 408 and 413 are the caller's fault; 503 says that Claimgate could not decide (RFC 6750 section 3.1).
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

  constructor(code: ErrorCode, details: AuthErrorDetails = NO_DETAILS) {
    const { summary, status, error } = catalogue[code]
    const given = own(details, 'hint')
    const hint = given === undefined ? undefined : sentence(given)
    const scopes = own(details, 'scopes') ?? NO_SCOPES
    const expected = Object.hasOwn(details, 'expected') ? quote(details.expected) : undefined
    const actual = Object.hasOwn(details, 'actual') ? quote(details.actual) : undefined
    const message = messageOf({ summary, expected, actual, hint })
    const options = Object.hasOwn(details, 'cause') ? { cause: details.cause } : undefined
    // Nothing between may throw, for then no error of the program would have a stack trace again.
    const restoreStacks = withoutStacks()
    super(message, options)
    restoreStacks()
    this.code = code
    this.status = status
    this.error = error
    this.hint = hint
    this.expected = expected
    this.actual = actual
    this.retryAfter = status === 503 ? secondsToWait(own(details, 'retryAfter')) : undefined
    this.scopes = Object.isFrozen(scopes) ? scopes : Object.freeze([...scopes])
  }
}

const NO_DETAILS: AuthErrorDetails = {}
const NO_SCOPES: readonly string[] = Object.freeze([])

function secondsToWait(retryAfter = 1): number {
  return Number.isFinite(retryAfter) && retryAfter >= 0 ? retryAfter : 1
}

interface Message {
  readonly summary: string
  readonly expected: string | undefined
  readonly actual: string | undefined
  readonly hint: string | undefined
}

function messageOf({ summary, expected, actual, hint }: Message): string {
  const wanted = expected === undefined ? '' : `expected ${expected}`
  const found = actual === undefined ? '' : `found ${actual}`
  const between = wanted !== '' && found !== '' ? ', ' : ''
  const comparison = wanted === '' && found === '' ? '' : `: ${wanted}${between}${found}`
  return hint === undefined || hint === '' ? `${summary}${comparison}` : `${summary}${comparison}. ${hint}`
}

/**
 * Stops the runtime from recording stack traces until the function it gives is called, which must be in the same turn. To record one
 * costs ten times as much as all the rest of a refusal.
 */
export function withoutStacks(): () => void {
  const limit = engine.stackTraceLimit
  // Not in every runtime.
  if (typeof limit !== 'number' || !isWritable) return nothing
  try {
    engine.stackTraceLimit = 0
  } catch {
    // An application has frozen it since.
    return nothing
  }
  return () => {
    engine.stackTraceLimit = limit
  }
}

// V8 and JavaScriptCore have it.
const engine = Error as { stackTraceLimit?: unknown }
const isWritable = Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit')?.writable === true
const nothing = (): void => {}

/** What is more than a limit allows. */
interface Excess {
  readonly limit: keyof Limits
  /** The value of the limit. */
  readonly most: number
  /** What is counted, such as `characters`. */
  readonly unit: string
  readonly actual: number
}

/** The refusal of a token that is over a limit of ours, with a hint that names the limit to raise. */
export function overLimit(code: ErrorCode, { limit, most, unit, actual }: Excess): AuthError {
  return new AuthError(code, { expected: `at most ${most} ${unit}`, actual, hint: raiseLimit(limit, most) })
}

/**
 * What was thrown, as an error. Frameworks read `undefined`, `null` and some strings as "go on" when a hook fails with them, so application
 * code that throws such a value would open a route. Any value that is no error becomes the `cause` of one.
 */
export function asError(thrown: unknown): Error {
  if (isError(thrown)) return thrown
  // Only the type: the value may be anything, a token included.
  const kind = thrown === null ? 'null' : typeof thrown
  return new TypeError(`Application code threw a value that is not an Error, of type ${kind}`, { cause: thrown })
}

/** As `asError`, for an `AuthError` with one of its statuses; anything else is `undefined` here and a bug of the application. */
export function asRefusal(thrown: unknown): AuthError | undefined {
  return isError(thrown) && thrown instanceof AuthError && STATUSES.has(thrown.status) ? thrown : undefined
}

const STATUSES: ReadonlySet<unknown> = new Set(Object.values(catalogue).map(({ status }) => status))

// Errors of another realm are no instances of this one's Error. A proxy may throw when it is asked what it is.
function isError(value: unknown): value is Error {
  if (typeof value !== 'object' || value === null) return false
  try {
    return value instanceof Error || Object.prototype.toString.call(value) === '[object Error]'
  } catch {
    return false
  }
}

/** What jose threw while verifying a signature, in Claimgate's words. The one place that knows jose's errors. */
export function fromJose(error: unknown, algorithm: string): AuthError {
  if (error instanceof AuthError) return error
  if (error instanceof errors.JWSSignatureVerificationFailed)
    return new AuthError('signature_invalid', { cause: error })
  if (error instanceof errors.JOSENotSupported)
    return new AuthError('key_unusable', {
      actual: algorithm,
      hint: 'This JavaScript runtime does not support the algorithm',
      cause: error,
    })
  if (error instanceof errors.JOSEError) return new AuthError('signature_invalid', { cause: error })
  // jose's key checks and WebCrypto's own refusals: a key of another type, too small, or not usable for verifying.
  return new AuthError('algorithm_key_mismatch', {
    expected: `a key for ${algorithm}`,
    actual: 'another key',
    cause: error,
  })
}

/** The transport itself cannot be used: a fault of the installation, and not of the network. */
export class TransportError extends TypeError {
  override readonly name: string = 'TransportError'
}
